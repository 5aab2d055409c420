// Finds decomposed batch norms in an evaluated function: forward, backward and activation, by what
// values are equal to, not by which ops compute them.
#ifndef ABN_RECOGNIZE_BATCHNORMSEARCH_H
#define ABN_RECOGNIZE_BATCHNORMSEARCH_H

#include "abn/AbnDialect.h"
#include "abn/Recognize/ValueTables.h"

namespace mlir::abn {

class ActivationBodies;

/// A batch norm as its values' indices in the evaluation.
struct BatchNormMatch {
  /// y = gamma * (x - mean)/sqrt(variance + epsilon) + beta over all dimensions but channelDim.
  unsigned x = 0, y = 0;
  int64_t channelDim = 0;
  double epsilon = 0;
  std::optional<unsigned> gamma, beta;
  /// The values that can be gamma and beta (a clipped gamma is gamma, until it is clipped): the
  /// first is taken.
  SmallVector<unsigned, 4> gammas, betas;
  ChannelRow mean, variance, gammaRow, betaRow;

  /// dx is the input's gradient for the gradient dy of y, or, if `residual` is set, the sum of
  /// both.
  std::optional<unsigned> dy, dx, residual;
  /// Other values that give nearly the same dx, the next one last: one evaluation may not tell them
  /// apart.
  SmallVector<unsigned, 0> otherGradients;
  SmallVector<unsigned, 2> gammaGrads, betaGrads;

  /// z = phi(y); dyPart = dz * phi'(y) is dy, or a term of it. If dz is only there before a
  /// broadcast, dzAxes says which dimension of y each of its dimensions is.
  ActivationAttrInterface phi;
  std::optional<unsigned> param;
  unsigned z = 0;
  std::optional<unsigned> dz, dyPart;
  SmallVector<int64_t, 4> dzAxes;

  /// What is replaced: the values equal to y, z, dyPart and dx, by these, and the per-channel
  /// values that are a multiple of the mean or the variance.
  std::map<unsigned, SmallVector<unsigned, 2>> copies;
  struct Statistic {
    unsigned value;
    bool isVariance;
    double factor;
  };
  SmallVector<Statistic, 4> statistics;

  /// The abn.batch_norm op, if the graph has it as one.
  Operation *given = nullptr;
  /// The activation of a residual sum y that a batch norm goes into: x is y, and there is no other
  /// part.
  bool isActivationOnly = false;
  /// Set when a check fails.
  std::string problem;

  /// dx alone is absent where the input needs no gradient.
  bool hasBackward() const { return dy.has_value(); }
  /// Whether only the activation is new to the graph.
  bool keepsBatchNorm() const { return given || isActivationOnly; }
  bool hasActivation() const { return z != y; }
  /// Leaves the activation to itself: the chain then ends with y.
  void dropActivation() {
    z = y;
    dz = dyPart = dy;
    dzAxes.clear();
    phi = nullptr;
    param = std::nullopt;
  }
};

/// Something that looks like a batch norm and is not taken.
struct RefusedMatch {
  unsigned x;
  std::string reason;
  /// Of x, if its statistics are per channel.
  ChannelRow variance;
};

/// Arithmetic on one match's values, in the layout of x's class.
class MatchMath {
public:
  MatchMath(const ValueTables &tables, const BatchNormMatch &match)
      : MatchMath(tables, match, tables.getFullClass(match.x)) {}
  /// In another evaluation's layout: `contents` is then not to be used.
  MatchMath(const ValueTables &tables, const BatchNormMatch &match, const FullClass &layout)
      : tables(tables), match(match), cls(tables.getClass(match.x)), info(layout),
        view(info.views[match.channelDim]) {}

  size_t getTotal() const { return kTrials * info.count; }
  int getClass() const { return cls; }
  double getCount() const { return view.count; }
  /// Row entry of element i of the whole array.
  size_t rowOf(size_t i) const {
    return i / info.count * view.channels + view.channelOf[i % info.count];
  }
  double inverseDeviation(size_t row) const;
  /// xhat of x = `xs`.
  std::vector<double> normalized(ArrayRef<double> xs) const;
  /// gamma*r*(u - mean(u) - xhat*mean(u*xhat)).
  std::vector<double> inputGrad(ArrayRef<double> u, ArrayRef<double> xhat) const;
  /// The means of u*xhat.
  ChannelRow correlation(ArrayRef<double> u, ArrayRef<double> xhat) const;
  ChannelRow means(ArrayRef<double> u) const;
  ChannelRow scaled(ChannelRow row, double factor) const;
  ArrayRef<double> contents(unsigned value) const {
    return {tables.getContents(value), getTotal()};
  }
  const FullClass &getLayout() const { return info; }
  int64_t getChannelDim() const { return match.channelDim; }

private:
  const ValueTables &tables;
  const BatchNormMatch &match;
  int cls;
  const FullClass &info;
  const ChannelView &view;
};

/// A value's array with one axis for each of `sizes`: its dimension i is axis axes[i].
TinyArray broadcastAlong(ArrayArena &arena, const TinyArray &array, ArrayRef<int64_t> axes,
                         ArrayRef<int64_t> sizes);

/// The search over one evaluation.
class BatchNormSearch {
public:
  BatchNormSearch(Evaluation &evaluation, const ValueTables &tables, ActivationBodies &bodies,
                  bool anyChannelDim)
      : evaluation(evaluation), tables(tables), bodies(bodies), anyChannelDim(anyChannelDim) {}

  void run();
  bool retry(BatchNormMatch &match);
  std::vector<BatchNormMatch> takeMatches() { return std::move(matches); }
  ArrayRef<RefusedMatch> getRefused() const { return refused; }

private:
  struct ChannelSums {
    SmallVector<unsigned, 2> sums, means;
  };
  using Filter = llvm::function_ref<bool(unsigned)>;
  SmallVector<unsigned> reach(ArrayRef<unsigned> roots, bool forward, unsigned depth, size_t limit,
                              Filter filter) const;

  void findSums();
  bool isPartOfMatch(unsigned value);
  bool isKnown(const BatchNormMatch &match) const;
  void findOtherNorms();
  void dropExplained();
  void collectCopies(BatchNormMatch &match);
  void addGiven();
  void measure(BatchNormMatch &match, const MatchMath &math);
  bool isGiven(const BatchNormMatch &match) const;
  void searchForward(unsigned x, int64_t channelDim);
  std::optional<BatchNormMatch> matchOutput(const BatchNormMatch &input, unsigned y,
                                            std::string &reason);
  std::optional<unsigned> findParameter(int64_t channels, const ChannelRow &row,
                                        SmallVectorImpl<unsigned> &candidates) const;
  bool isUnbiased(const BatchNormMatch &match) const;
  bool bindParameters(BatchNormMatch &match, ArrayRef<double> slope, std::string &reason);
  bool isChannel(unsigned x, int64_t dim) const;
  bool hasVariance(const BatchNormMatch &match) const;
  void chooseAmongCopies();

  void searchBackward(BatchNormMatch &match);
  bool tryGradient(BatchNormMatch &match, const MatchMath &math, unsigned u, ArrayRef<double> xhat,
                   ArrayRef<unsigned> closure, double tolerance);
  bool tryParameterGradients(BatchNormMatch &match, const MatchMath &math, unsigned u,
                             ArrayRef<double> xhat);
  void findParameterGradients(BatchNormMatch &match, const MatchMath &math, ArrayRef<double> xhat);
  bool feedsFull(unsigned u) const;
  bool searchZeroSum(BatchNormMatch &match, const MatchMath &math, ArrayRef<double> xhat,
                     ArrayRef<unsigned> closure, double tolerance);

  void searchActivation(BatchNormMatch &match);
  void addSums();
  SmallVector<unsigned> findTerms(unsigned sum) const;
  bool findGradient(BatchNormMatch &match, ArrayRef<double> slope, ArrayRef<unsigned> ancestors,
                    const llvm::SmallDenseSet<unsigned> &isForward);
  bool findBroadcastGradient(BatchNormMatch &match, ArrayRef<double> slope,
                             ArrayRef<unsigned> ancestors);

  Evaluation &evaluation;
  const ValueTables &tables;
  ActivationBodies &bodies;
  bool anyChannelDim;
  /// By full value and channel dimension.
  std::map<std::pair<unsigned, int64_t>, ChannelSums> sums;
  /// Sums by the value that is summed, as the graph has them.
  std::map<std::pair<unsigned, int64_t>, SmallVector<unsigned, 1>> sumsOf;
  std::vector<BatchNormMatch> given, candidates, matches;
  std::vector<RefusedMatch> refused;
};

} // namespace mlir::abn

#endif // ABN_RECOGNIZE_BATCHNORMSEARCH_H
