// Evaluates a whole function once on tiny tensors, in double precision. Every dimension D becomes
// min(D, 3); a sum multiplies by true extent / tiny extent, so that constants such as 1/M stay
// right. Elementwise ops, reductions, broadcasts, transposes, reshapes and the abn ops are
// executed; any other op is a leaf, a fixed random function of what it reads. Recognition looks for
// values that are equal to what a formula gives; the equivalence check compares two functions.
#ifndef ABN_RECOGNIZE_EVALUATION_H
#define ABN_RECOGNIZE_EVALUATION_H

#include "abn/Recognize/TinyArray.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallSet.h"
#include <map>
#include <optional>

namespace mlir::abn {

class DynamicExtents;

/// The tiny extents of dimensions by their true extents: min(D, 3) (or another bound), but a
/// product where a reshape splits a dimension of that extent (16 = 8*2), so that both sides of the
/// reshape fit. The parts of a split have extents of their own, which differ with `salt`: two
/// different reshapes must not cancel because their parts look alike.
class TinyExtents {
public:
  TinyExtents() = default;
  TinyExtents(ArrayRef<func::FuncOp> funcs, int64_t plain, uint64_t salt);
  int64_t operator()(int64_t size) const {
    auto it = extents.find(size);
    return it == extents.end() ? std::min(size, plain) : it->second;
  }

private:
  int64_t getPart(int64_t size) const;

  int64_t plain = 3;
  uint64_t salt = 0;
  std::map<int64_t, int64_t> extents;
};

/// Whether the groups name dimensions of a tensor of `rank`: upstream's verifier reads them in 32
/// bits.
bool isInRange(ArrayRef<SmallVector<int64_t, 2>> groups, size_t rank);

/// Rounds what a type of 16 bits or less would.
void roundTo(Type type, MutableArrayRef<double> contents);

/// A sum below this part of its terms' magnitudes is rounding, and evaluates to 0.
constexpr double kCancelled = 2e-7;

/// How the random contents of leaves are drawn. Tensors with two or more extents above 1 differ in
/// all trials; smaller ones are equal in trials 0 and 1 (positive) and in 2 and 3 (larger, one
/// entry negative): a formula's per-channel constants show by agreeing within a pair.
struct LeafOptions {
  double fullScale = 1, parameterScale = 1;
  uint64_t seed = 1;
  /// The true extent that stands for the first dynamic dimension; two more for each other one that
  /// the ops do not need to be equal.
  int64_t dynamicExtent = 5;
  /// The largest tiny extent of a dimension that no reshape splits.
  int64_t tinyExtent = 3;
  /// Tiny extents to use instead of the function's own.
  const TinyExtents *extents = nullptr;
  /// Whether casts to f16 and bf16 round.
  bool roundCasts = false;
  /// Arguments whose contents must be positive in all trials.
  llvm::SmallDenseSet<unsigned> positiveArguments;
};

/// The outcomes that a piecewise op showed: lhs > rhs, a comparison, a sign.
struct Branch {
  TinyArray lhs, rhs;
  bool sawTrue = false, sawFalse = false;
  /// The op has more pieces than can be counted (rounding).
  bool isStepped = false;
};

/// One SSA value of the function's block.
struct EvaluatedValue {
  Value value;
  /// The extents of its type, dynamic ones replaced; empty for scalars.
  SmallVector<int64_t, 4> shape;
  TinyArray array;
  /// Whether its contents are random: an argument, or the result of an op that is not executed.
  bool isLeaf = false;
  /// The values that its op reads, and those whose ops read it, by index.
  SmallVector<unsigned, 4> operands, users;
  SmallVector<Branch, 0> branches;
};

/// What ops that are not executed gave, so that the same op on equal operands gives the same again:
/// within one function, and in a second one that is compared with it.
class LeafRegistry {
public:
  struct Entry {
    Operation *op;
    unsigned ordinal;
    SmallVector<TinyArray, 2> operands, results;
    /// The results' extents.
    SmallVector<SmallVector<int64_t, 4>, 1> shapes;
  };
  /// An op of the same kind on operands that are equal up to rounding; for an op with effects or of
  /// an unknown dialect, the `ordinal`-th of its kind.
  /// `exact` says which operands hold integers.
  const Entry *find(Operation *op, ArrayRef<TinyArray> operands, ArrayRef<bool> exact,
                    unsigned ordinal) const;
  void add(Entry entry);
  static llvm::hash_code getKind(Operation *op);
  static bool isPure(Operation *op);
  /// The arguments' extents in the first function.
  SmallVector<SmallVector<int64_t, 4>> argumentShapes;
  /// From here on a second function is compared with the one that filled the registry.
  void startComparison() {
    comparing = true;
    firstAdded = nullptr;
  }
  bool isComparing() const { return comparing; }
  /// The first op that was added in the comparison: one that reads something else than in the other
  /// function.
  Operation *getFirstAdded() const { return firstAdded; }

private:
  bool comparing = false;
  Operation *firstAdded = nullptr;
  std::map<size_t, SmallVector<Entry, 1>> entries;
};

/// The values of one function.
class Evaluation {
public:
  explicit Evaluation(ArrayArena &arena);
  ~Evaluation();

  /// Evaluates the function's only block, leaving out `ignored` ops. With `reference`, ops that are
  /// not executed give what they gave there. `forced` values are taken as leaves; those whose
  /// merged dimensions clash with another operand's are added to it.
  void run(func::FuncOp func, const LeafOptions &options, llvm::DenseSet<Value> &forced,
           LeafRegistry &registry, const llvm::DenseSet<Operation *> *ignored = nullptr);

  ArrayRef<EvaluatedValue> getValues() const { return values; }
  const EvaluatedValue &operator[](unsigned index) const { return values[index]; }
  std::optional<unsigned> find(Value value) const;
  ArrayRef<unsigned> getReturned() const { return returned; }
  /// How many ops without results have effects.
  unsigned getNumEffects() const { return effects; }
  ArrayArena &getArena() { return arena; }
  /// The tiny extent of a dimension of true extent `size`.
  int64_t getTinyExtent(int64_t size) const { return extents(size); }

private:
  using Arrays = SmallVector<TinyArray, 2>;
  void evaluateOp(Operation *op);
  std::optional<Arrays> execute(Operation *op);
  std::optional<TinyArray> evaluateScalar(Operation *op, ArrayRef<TinyArray> operands);
  std::optional<Arrays> executeConstant(Attribute value, Type type);
  std::optional<Arrays> executeReshape(Operation *op);
  std::optional<Arrays> executeLinalg(Operation *op);
  std::optional<TinyArray> toLoops(const EvaluatedValue &operand, AffineMap map);
  std::optional<TinyArray> getCaptured(Value value, unsigned rank);
  bool executeBody(Block &block, unsigned rank, llvm::DenseMap<Value, TinyArray> &environment,
                   const llvm::DenseSet<Operation *> &combiners);
  std::optional<TinyArray> reduce(Operation *combiner, TinyArray term, const TinyArray &init,
                                  AffineMap map, ArrayRef<int64_t> extents);
  LeafRegistry::Entry drawResults(Operation *op);
  TinyArray drawLeaf(ArrayRef<int64_t> shape, Type elementType, bool positive = false);
  SmallVector<int64_t, 4> getShape(Value value);
  void addValue(Value value, SmallVector<int64_t, 4> shape, TinyArray array, bool isLeaf,
                ArrayRef<unsigned> operands);
  void forceMergedOperands(Operation *op);
  bool haveCommonLayout(Operation *op);
  bool hasMergedAxis(const EvaluatedValue &value) const;
  ArrayRef<unsigned> getOperandIndices(Operation *op);

  ArrayArena &arena;
  LeafOptions options;
  TinyExtents extents;
  std::unique_ptr<DynamicExtents> dynamicExtents;
  llvm::DenseSet<Value> *forced = nullptr;
  LeafRegistry *registry = nullptr;
  std::vector<EvaluatedValue> values;
  llvm::DenseMap<Value, unsigned> indices;
  std::map<size_t, unsigned> ordinals;
  SmallVector<unsigned> returned, operandIndices;
  SmallVector<Branch, 0> branches;
  uint64_t nextLeaf = 0;
  unsigned effects = 0;
};

} // namespace mlir::abn

#endif // ABN_RECOGNIZE_EVALUATION_H
