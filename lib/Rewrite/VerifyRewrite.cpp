// abn-verify-rewrite: the whole-graph truths that hold after the rewrite.
#include "abn/AbnDialect.h"
#include "abn/Analysis/TrainingStep.h"
#include "abn/Passes.h"
#include "abn/Rewrite/Chains.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

namespace mlir::abn {
#define GEN_PASS_DEF_VERIFYREWRITE
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

/// The forward op whose output and statistics `backward` reads. Frozen statistics may be shared by
/// several: then the output tells, or, if that was rebuilt, the chain's name.
static Operation *findForward(Operation *backward, Value variance, Value output) {
  if (isa<InplaceBackwardOp>(backward))
    return variance.getDefiningOp<InplaceForwardOp>();
  if (auto inverse = output.getDefiningOp<ActivationInverseOp>())
    output = inverse.getInput();
  if (auto forward = output.getDefiningOp<InplaceInferenceOp>())
    return forward;
  for (Operation *user : variance.getUsers())
    if (auto forward = dyn_cast<InplaceInferenceOp>(user))
      if (forward.getVariance() == variance && forward->hasAttr(AbnDialect::kChainAttr) &&
          forward->getAttr(AbnDialect::kChainAttr) == backward->getAttr(AbnDialect::kChainAttr) &&
          forward.getActivation() == cast<InplaceInferenceBackwardOp>(backward).getActivation())
        return forward;
  return nullptr;
}

/// (v1) Nothing reads an in-place op's input but the op itself, or ops before it.
static LogicalResult verifyInputDies(Operation *forward, Value input) {
  for (OpOperand &use : input.getUses()) {
    Operation *reader = use.getOwner();
    if (reader == forward || !TrainingStep::readsOperand(use))
      continue;
    Operation *top = forward->getBlock()->findAncestorOpInBlock(*reader);
    if (top && top->isBeforeInBlock(forward))
      continue;
    return (forward->emitOpError("(v1) overwrites its input, which is read again")
                .attachNote(reader->getLoc())
            << "by this op");
  }
  return success();
}

/// (v2) A backward op agrees with its forward op in everything but the activation's form.
template <typename ForwardOp, typename BackwardOp>
static LogicalResult verifyPair(BackwardOp backward) {
  auto forward =
      cast_or_null<ForwardOp>(findForward(backward, backward.getVariance(), backward.getOutput()));
  // A step whose forward is elsewhere hands z and the statistics over as arguments.
  if (!forward)
    return success();
  auto fail = [&](StringRef what) -> LogicalResult {
    return backward->emitOpError("(v2) differs from its forward op in ")
               .append(what)
               .attachNote(forward->getLoc())
           << "forward op";
  };
  if (backward.getEpsilon() != forward.getEpsilon() ||
      backward.getChannelDim() != forward.getChannelDim())
    return fail("epsilon or channel");
  if (backward.getGamma() != forward.getGamma() || backward.getBeta() != forward.getBeta())
    return fail("gamma or beta");
  if (backward.getGammaPolicy() != forward.getGammaPolicy() ||
      backward.getGammaThreshold() != forward.getGammaThreshold())
    return fail("the gamma policy");
  // z may be rebuilt, but it is never another chain's.
  auto inverse = backward.getOutput().template getDefiningOp<ActivationInverseOp>();
  bool inverted = inverse && isa<IdentityAttr>(backward.getActivation()) &&
                  inverse.getActivation() == forward.getActivation();
  if (!inverted && (backward.getActivation() != forward.getActivation() ||
                    backward.getParams() != forward.getParams()))
    return fail("the activation");
  Value output = inverted ? inverse.getInput() : backward.getOutput();
  if (isa_and_nonnull<InplaceForwardOp, InplaceInferenceOp>(output.getDefiningOp()) &&
      output.getDefiningOp() != forward.getOperation())
    return fail("the output it reads");
  return success();
}

/// (v3) No gradient is left that reads its own recovered input: it would be fused.
/// (v4) Nothing but such a gradient may read what an activation that is not invertible recovers.
static LogicalResult verifyRecover(RecoverOp recover) {
  for (Operation *reader : recover->getUsers()) {
    if (isGradientOfRecovered(reader, recover))
      return (recover->emitOpError("(v3) feeds a gradient that should read the output")
                  .attachNote(reader->getLoc())
              << "gradient");
    if (!recover.getActivation().isInvertible())
      return (recover->emitOpError("(v4) recovers through an activation that is not invertible")
                  .attachNote(reader->getLoc())
              << "reader");
  }
  return success();
}

namespace {
struct VerifyRewrite : abn::impl::VerifyRewriteBase<VerifyRewrite> {
  void runOnOperation() override {
    auto verify = [](Operation *op) -> LogicalResult {
      // Of buffers the uses do not say what is read when.
      if (auto destination = dyn_cast<DestinationStyleOpInterface>(op);
          destination && destination.hasPureBufferSemantics())
        return success();
      if (auto forward = dyn_cast<InplaceForwardOp>(op))
        return verifyInputDies(op, forward.getInits().front());
      if (auto forward = dyn_cast<InplaceInferenceOp>(op))
        return verifyInputDies(op, forward.getInits().front());
      if (auto backward = dyn_cast<InplaceBackwardOp>(op))
        return verifyPair<InplaceForwardOp>(backward);
      if (auto backward = dyn_cast<InplaceInferenceBackwardOp>(op))
        return verifyPair<InplaceInferenceOp>(backward);
      if (auto recover = dyn_cast<RecoverOp>(op))
        return verifyRecover(recover);
      return success();
    };
    bool valid = true;
    getOperation().walk([&](Operation *op) { valid &= succeeded(verify(op)); });
    if (!valid)
      signalPassFailure();
  }
};
} // namespace
