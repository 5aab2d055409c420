// Finds the batch norm -> activation chains of a training step and decides, for each, whether its
// input can die: computed in place, recovered through a residual add, or kept, with the reason.
#ifndef ABN_REWRITE_CHAINS_H
#define ABN_REWRITE_CHAINS_H

#include "abn/AbnDialect.h"
#include "abn/Analysis/TrainingStep.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/StringMap.h"
#include <memory>

namespace mlir::abn {

/// How a chain's backward gets what it needs.
enum class ChainStrategy {
  /// x is kept, the chain is left alone.
  Kept,
  /// z overwrites x and is kept.
  InPlace,
  /// z overwrites x and is not kept either: it is rebuilt from the sum it goes into.
  ThroughAdd
};

/// The spelling used in attributes and reports: kept, in-place, through-add.
StringRef stringifyChainStrategy(ChainStrategy strategy);

/// What the user chose.
struct ChainOptions {
  /// Policy for every chain that has none of its own; nullopt is `keep`.
  std::optional<GammaPolicy> gammaPolicy = GammaPolicy::Check;
  /// Per chain, by name.
  llvm::StringMap<std::optional<GammaPolicy>> gammaPolicyOf;
  double gammaThreshold = 1e-3;
  bool throughAdd = true;

  /// Reads `policy` or `chain:policy` entries and the threshold; fails with a message at `loc`,
  /// which names `others` too: what the caller has taken out.
  LogicalResult parseGamma(ArrayRef<std::string> entries, double threshold, Location loc,
                           StringRef others = "");
};

/// One batch norm with the activation that follows it.
struct Chain {
  /// A BatchNormOp, or a BatchNormInferenceOp if the statistics are frozen.
  Operation *batchNorm = nullptr;
  /// The fused activation; null if the chain ends with the batch norm's own output.
  ActivationOp activation;
  /// phi; identity without an activation.
  ActivationAttrInterface phi;
  std::string name;
  /// The batch norm's input and output, and the chain's output phi(y).
  Value x, y, z;
  GammaPolicy policy = GammaPolicy::Check;
  ChainStrategy strategy = ChainStrategy::Kept;
  /// Why the chain is kept.
  std::string reason;
  /// The gradient ops of the batch norm.
  SmallVector<Operation *> gradients;
  /// Backward uses of x (the gradients' among them), y and z, collected before any change.
  SmallVector<OpOperand *> inputReaders, normalizedReaders, outputReaders;
  /// Whether x may be overwritten and recovered (reason is set if not).
  bool legal = false;

  bool isFrozen() const { return isa<BatchNormInferenceOp>(batchNorm); }
  Value getGamma() const;
  /// The activation's per-channel parameters.
  ValueRange getParams() const;
  Value getBeta() const;
  double getEpsilon() const;
  int64_t getChannelDim() const;
};

/// How a value that is not kept is rebuilt at some place in the backward: the value itself is
/// available, or `reader` is an op that read it and whose result (`fromResult`) and other operands
/// (`fromOperands`, null for the rebuilt one) are available.
struct RebuildPlan {
  Value value;
  OpOperand *reader = nullptr;
  std::unique_ptr<RebuildPlan> fromResult;
  SmallVector<std::unique_ptr<RebuildPlan>> fromOperands;

  /// Emits the rebuilding ops at `b`'s insertion point; `mapping` says what replaced a kept value.
  Value materialize(OpBuilder &b, Location loc, const IRMapping &mapping) const;
  /// The kept values that the plan rests on.
  void getSources(SmallVectorImpl<Value> &sources) const;
};

/// The chains of one training step and their strategies.
class ChainPlanner {
public:
  ChainPlanner(const TrainingStep &step, const ChainOptions &options)
      : step(step), options(options) {}

  /// Finds the chains and decides. Linear in the size of the step.
  void run();

  MutableArrayRef<Chain> getChains() { return chains; }
  /// The plan of a ThroughAdd chain.
  const RebuildPlan &getRebuildPlan(const Chain &chain) const {
    return *plans.find(chain.z)->second;
  }
  /// Whether a backward op other than `chain`'s own (if given) reads `value` or a view of it.
  bool hasIndependentBackwardReader(Value value, const Chain *chain = nullptr);

private:
  void findChain(Operation *batchNorm, unsigned index);
  void findGradients(Chain &chain);
  bool checkInput(Chain &chain);
  bool checkAlias(Chain &chain, OpOperand &use, bool isInput);
  bool chooseActivation(Chain &chain);
  bool checkOutput(Chain &chain);
  bool checkFrozenGradients(Chain &chain);
  bool checkParameters(Chain &chain);
  void collectReaders(Chain &chain);
  void decide(Chain &chain);
  void explainUnused(Chain &chain);
  bool isOwnReader(const Chain &chain, Operation *op) const;
  bool isKept(Value value);
  std::unique_ptr<RebuildPlan> planAvailable(Value value, unsigned depth);
  std::unique_ptr<RebuildPlan> planThroughReader(Value value, unsigned depth);
  bool canDropOutput(Chain &chain);
  bool isOverwritten(Value value) const;
  bool isInputNeeded(Chain &chain);
  bool precedeReaders(ArrayRef<Value> sources, const Chain &chain) const;

  const TrainingStep &step;
  const ChainOptions &options;
  std::vector<Chain> chains;
  /// By z, and legal chains by x and the values that x is a view of.
  llvm::DenseMap<Value, Chain *> chainOf, chainOfInput;
  /// Kept values that some rebuild rests on, and values that are rebuilt.
  llvm::DenseSet<Value> pinned, dropped;
  llvm::DenseMap<Value, std::unique_ptr<RebuildPlan>> plans;
};

/// Moves what only the backward needs, elementwise, of the x and y of chains that are not kept down
/// to its first reader. Returns whether anything moved; positions in `step` are then out of date.
bool sinkBackwardReaders(const TrainingStep &step, ArrayRef<Chain> chains);

/// Whether `op` is the gradient of the very batch norm whose input `recover` recovers (statistics,
/// gamma, epsilon and channel): the two can become one op that reads the output.
bool isGradientOfRecovered(Operation *op, RecoverOp recover);

/// The policy's name for messages: trust, check, clamp, abs, keep (nullopt).
std::optional<std::optional<GammaPolicy>> parseGammaPolicy(StringRef text);

} // namespace mlir::abn

#endif // ABN_REWRITE_CHAINS_H
