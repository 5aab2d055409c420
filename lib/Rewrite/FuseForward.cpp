// abn-fuse-forward: batch norms with their activations become in-place ops, and what the backward
// read of their input and normalised value it gets recovered from the output.
#include "abn/Analysis/MemoryCensus.h"
#include "abn/Passes.h"
#include "abn/Recognize/Equivalence.h"
#include "abn/Rewrite/Chains.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include <cmath>

namespace mlir::abn {
#define GEN_PASS_DEF_FUSEFORWARD
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

/// Replaces relu by leaky_relu(0.01), forward and backward. A relu gradient reads either y or z;
/// leaky_relu keeps the sign, so the same operand serves.
static void substituteRelu(func::FuncOp func) {
  auto leaky = LeakyReluAttr::get(func.getContext(), 0.01);
  func.walk([&](Operation *op) {
    if (auto activation = dyn_cast<ActivationOp>(op);
        activation && isa<ReluAttr>(activation.getActivation()))
      activation.setActivationAttr(leaky);
    if (auto grad = dyn_cast<ActivationGradOp>(op); grad && isa<ReluAttr>(grad.getActivation()))
      grad.setActivationAttr(leaky);
  });
}

/// The forward op that computes `phi(y)`, if any.
static ActivationOp findActivation(const TrainingStep &step, ActivationGradOp grad) {
  for (Operation *user : grad.getValue().getUsers())
    if (auto activation = dyn_cast<ActivationOp>(user))
      if (step.isForward(activation) && activation.getInput() == grad.getValue() &&
          activation.getActivation() == grad.getActivation() &&
          activation.getParams() == grad.getParams() &&
          activation.getChannelDim() == grad.getChannelDim())
        return activation;
  return nullptr;
}

/// Lets activation gradients read z instead of y where phi' can be had from z, so that y can die.
/// Left alone where y is kept for another reader and z is not: z would be kept on top. So are
/// activations with parameters: phi' is only known from z for slopes above 0, which nothing checks
/// outside of an in-place chain.
static void readActivationOutputs(const TrainingStep &step, ChainPlanner &planner) {
  SmallVector<std::pair<ActivationGradOp, ActivationOp>> convertible;
  for (Operation &op : step.getFunction().getBody().front()) {
    auto grad = dyn_cast<ActivationGradOp>(&op);
    if (!grad || grad.getFromOutput() || step.isForward(grad) ||
        !grad.getActivation().hasDerivativeFromOutput() || grad.getActivation().getNumParams() > 0)
      continue;
    ActivationOp activation = findActivation(step, grad);
    if (!activation)
      continue;
    bool inputKept = llvm::any_of(grad.getValue().getUses(), [&](OpOperand &use) {
      Operation *user = use.getOwner();
      auto other = dyn_cast<ActivationGradOp>(user);
      if (other && !other.getFromOutput() && findActivation(step, other) == activation)
        return false;
      return !step.isForward(user) && !user->hasTrait<OpTrait::IsTerminator>() &&
             TrainingStep::readsOperand(use);
    });
    if (inputKept && !planner.hasIndependentBackwardReader(activation->getResult(0)))
      continue;
    convertible.emplace_back(grad, activation);
  }
  for (auto [grad, activation] : convertible) {
    grad.getValueMutable().assign(activation->getResult(0));
    grad.setFromOutput(true);
  }
}

namespace {
/// Rewrites the chains that a planner chose.
class ChainFuser {
public:
  ChainFuser(const TrainingStep &step, ChainPlanner &planner, const ChainOptions &options)
      : step(step), planner(planner), options(options) {}

  void fuse(Chain &chain);

private:
  Operation *createForward(OpBuilder &b, const Chain &chain);
  Value createBackwardOutput(const Chain &chain, Value output);
  void serveInput(const Chain &chain, OpOperand &use, Value output, Operation *forward);
  void serveNormalized(const Chain &chain, OpOperand &use, Value output);

  const TrainingStep &step;
  ChainPlanner &planner;
  const ChainOptions &options;
  IRMapping mapping;
};
} // namespace

/// The in-place op, its statistics' results replaced and its chain's name and strategy set.
Operation *ChainFuser::createForward(OpBuilder &b, const Chain &chain) {
  Location loc = chain.batchNorm->getLoc();
  ValueRange params = chain.getParams();
  for (Value param : params)
    if (Operation *def = param.getDefiningOp())
      if (step.getPosition(def) > step.getPosition(chain.batchNorm))
        def->moveBefore(chain.batchNorm);
  b.setInsertionPoint(chain.batchNorm);
  APFloat epsilon(chain.getEpsilon()), threshold(options.gammaThreshold);
  Operation *op;
  if (auto frozen = dyn_cast<BatchNormInferenceOp>(chain.batchNorm)) {
    op = InplaceInferenceOp::create(b, loc, TypeRange{chain.x.getType()}, frozen.getMean(),
                                    frozen.getVariance(), chain.getGamma(), chain.getBeta(), params,
                                    ValueRange{chain.x}, chain.phi, epsilon, chain.getChannelDim(),
                                    chain.policy, threshold);
  } else {
    Value mean = createEmptyStatistics(b, loc, chain.x, chain.getChannelDim());
    Value variance = createEmptyStatistics(b, loc, chain.x, chain.getChannelDim());
    op = InplaceForwardOp::create(
        b, loc, TypeRange{chain.x.getType(), mean.getType(), variance.getType()}, chain.getGamma(),
        chain.getBeta(), params, ValueRange{chain.x, mean, variance}, chain.phi, epsilon,
        chain.getChannelDim(), chain.policy, threshold);
    chain.batchNorm->getResult(1).replaceAllUsesWith(op->getResult(1));
    chain.batchNorm->getResult(2).replaceAllUsesWith(op->getResult(2));
  }
  op->setAttr(AbnDialect::kChainAttr, b.getStringAttr(chain.name));
  op->setAttr(AbnDialect::kSavedBeforeAttr, chain.batchNorm->getAttr(AbnDialect::kSavedBeforeAttr));
  op->setAttr(AbnDialect::kStrategyAttr, b.getStringAttr(stringifyChainStrategy(chain.strategy)));
  return op;
}

/// What the backward takes as z: the forward's result, or, through an add, that rebuilt before the
/// first reader.
Value ChainFuser::createBackwardOutput(const Chain &chain, Value output) {
  if (chain.strategy != ChainStrategy::ThroughAdd)
    return output;
  Operation *first = nullptr;
  for (ArrayRef<OpOperand *> uses :
       {ArrayRef<OpOperand *>(chain.inputReaders), ArrayRef<OpOperand *>(chain.normalizedReaders),
        ArrayRef<OpOperand *>(chain.outputReaders)})
    for (OpOperand *use : uses) {
      Operation *op = step.getTopLevel(use->getOwner());
      if (!first || step.getPosition(op) < step.getPosition(first))
        first = op;
    }
  OpBuilder b(first);
  return planner.getRebuildPlan(chain).materialize(b, chain.batchNorm->getLoc(), mapping);
}

/// Gives a backward reader of x the recovered x.
void ChainFuser::serveInput(const Chain &chain, OpOperand &use, Value output, Operation *forward) {
  OpBuilder b(step.getTopLevel(use.getOwner()));
  Location loc = use.getOwner()->getLoc();
  Value mean, variance;
  if (auto frozen = dyn_cast<InplaceInferenceOp>(forward)) {
    mean = frozen.getMean();
    variance = frozen.getVariance();
  } else {
    mean = forward->getResult(1);
    variance = forward->getResult(2);
  }
  Value init = createEmptyLike(b, loc, output);
  ValueRange params = chain.getParams();
  auto recover = RecoverOp::create(b, loc, TypeRange{init.getType()}, output, mean, variance,
                                   chain.getGamma(), chain.getBeta(), params, ValueRange{init},
                                   chain.phi, APFloat(chain.getEpsilon()), chain.getChannelDim(),
                                   chain.policy, APFloat(options.gammaThreshold));
  recover->setAttr(AbnDialect::kChainAttr, b.getStringAttr(chain.name));
  use.set(recover->getResult(0));
}

/// Gives a backward reader of y the inverted z, or z itself to a gradient of phi.
void ChainFuser::serveNormalized(const Chain &chain, OpOperand &use, Value output) {
  auto grad = dyn_cast<ActivationGradOp>(use.getOwner());
  if (grad && grad.getActivation() == chain.phi && grad.getValue() == use.get() &&
      chain.phi.hasDerivativeFromOutput()) {
    grad.setFromOutput(true);
    use.set(output);
    return;
  }
  OpBuilder b(step.getTopLevel(use.getOwner()));
  Location loc = use.getOwner()->getLoc();
  Value init = createEmptyLike(b, loc, output);
  use.set(ActivationInverseOp::create(b, loc, TypeRange{init.getType()}, output, chain.getParams(),
                                      ValueRange{init}, chain.phi, chain.getChannelDim())
              .getResult(0));
}

void ChainFuser::fuse(Chain &chain) {
  OpBuilder b(chain.batchNorm);
  Operation *forward = createForward(b, chain);
  Value output = forward->getResult(0);
  mapping.map(chain.z, output);
  Value backward = createBackwardOutput(chain, output);
  for (OpOperand *use : chain.inputReaders)
    serveInput(chain, *use, backward, forward);
  for (OpOperand *use : chain.normalizedReaders)
    serveNormalized(chain, *use, backward);
  for (OpOperand *use : chain.outputReaders)
    use->set(backward);
  chain.z.replaceAllUsesWith(output);
  if (chain.activation) {
    chain.activation.erase();
    // What is left reads its sizes only.
    chain.y.replaceAllUsesWith(output);
  }
  chain.batchNorm->erase();
  remark::passed(forward->getLoc(), remark::RemarkOpts::name("FuseForward").category("abn"))
      << "chain " + chain.name + ": " + stringifyChainStrategy(chain.strategy).str();
}

/// Leaves on the batch norm how many bytes of its chain crossed before anything was changed.
static void recordSavedBefore(const TrainingStep &step, const Chain &chain,
                              const llvm::DenseSet<Value> &saved, int64_t dynamicSize) {
  int64_t bytes = 0;
  SmallVector<Value> values = {chain.x, chain.y};
  if (chain.activation)
    values.push_back(chain.activation->getResult(0));
  for (Value value : values)
    if (saved.contains(step.getBase(value)))
      bytes += getByteSize(value.getType(), dynamicSize);
  chain.batchNorm->setAttr(AbnDialect::kSavedBeforeAttr,
                           Builder(chain.batchNorm->getContext()).getI64IntegerAttr(bytes));
}

/// Leaves the reason on a kept batch norm, for reports.
static void explainKept(const Chain &chain) {
  Builder b(chain.batchNorm->getContext());
  chain.batchNorm->setAttr(AbnDialect::kChainAttr, b.getStringAttr(chain.name));
  chain.batchNorm->setAttr(AbnDialect::kReasonAttr, b.getStringAttr(chain.reason));
  remark::missed(chain.batchNorm->getLoc(), remark::RemarkOpts::name("FuseForward").category("abn"))
      << "chain " + chain.name + " is left alone: " + chain.reason;
}

namespace {
struct FuseForward : abn::impl::FuseForwardBase<FuseForward> {
  using FuseForwardBase::FuseForwardBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    ChainOptions options;
    options.throughAdd = throughAdd;
    if (failed(checkDynamicSize(func.getLoc(), dynamicSize, 1)))
      return signalPassFailure();
    if (failed(options.parseGamma(gammaPolicy, gammaThreshold, func.getLoc())))
      return signalPassFailure();
    FailureOr<std::optional<int64_t>> loss = readLossOption(func.getLoc(), lossResult);
    if (failed(loss))
      return signalPassFailure();
    if (isPlanned(func) || isDispatched(func))
      return;
    recordMemoryBefore(func, *loss, isGraphView, dynamicSize);
    if (substituteReluOption)
      substituteRelu(func);
    FailureOr<TrainingStep> step = TrainingStep::get(func, *loss);
    if (failed(step)) {
      // Out of range is an error; control flow is only no training step.
      if (isOutOfRange(*loss, func))
        return signalPassFailure();
      return explainNoStep("the function is not a single block that returns");
    }
    if (!step->getLossResult())
      return explainNoStep("the function has no loss among its results");
    EquivalenceGuard guard(func, verifyEquivalence);
    ChainPlanner planner(*step, options);
    llvm::DenseSet<Value> saved;
    for (Value value : MemoryCensus::compute(*step, dynamicSize).saved)
      saved.insert(value);
    readActivationOutputs(*step, planner);
    planner.run();
    warnOfUnknownChains(planner.getChains());
    for (Chain &chain : planner.getChains())
      recordSavedBefore(*step, chain, saved, dynamicSize);
    if (sinkBackwardReaders(*step, planner.getChains()))
      step = TrainingStep::get(func, *loss);
    ChainFuser fuser(*step, planner, options);
    for (Chain &chain : planner.getChains()) {
      if (chain.strategy == ChainStrategy::Kept)
        explainKept(chain);
    }
    for (Chain &chain : planner.getChains())
      if (chain.strategy != ChainStrategy::Kept)
        fuser.fuse(chain);
    bool changesNetwork = llvm::any_of(planner.getChains(), [](const Chain &chain) {
      return chain.strategy != ChainStrategy::Kept && chain.policy == GammaPolicy::Abs;
    });
    if (!changesNetwork && failed(guard.check()))
      signalPassFailure();
  }

  /// A policy that nothing follows is most likely misspelt.
  void warnOfUnknownChains(ArrayRef<Chain> chains) {
    for (StringRef entry : gammaPolicy) {
      StringRef name = entry.rsplit(':').first;
      if (entry.contains(':') && !name.empty() &&
          llvm::none_of(chains, [&](const Chain &chain) { return chain.name == name; }))
        emitWarning(getOperation().getLoc())
            << "there is no batch norm `" << name << "`, whose gamma policy is given as `" << entry
            << "`";
    }
  }

  /// Every batch norm gets the reason why nothing was looked at.
  void explainNoStep(StringRef reason) {
    getOperation().walk([&](Operation *op) {
      if (!isa<BatchNormOp, BatchNormInferenceOp>(op))
        return;
      op->setAttr(AbnDialect::kReasonAttr, StringAttr::get(&getContext(), reason));
      remark::missed(op->getLoc(), remark::RemarkOpts::name("FuseForward").category("abn"))
          << "batch norm is left alone: " + reason.str();
    });
  }
};
} // namespace
