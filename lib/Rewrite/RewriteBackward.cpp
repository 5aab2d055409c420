// abn-rewrite-backward: a batch norm gradient that reads a recovered input becomes one op that
// reads the chain's output.
#include "abn/AbnDialect.h"
#include "abn/Analysis/TrainingStep.h"
#include "abn/Passes.h"
#include "abn/Recognize/Equivalence.h"
#include "abn/Rewrite/Chains.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::abn {
#define GEN_PASS_DEF_REWRITEBACKWARD
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

namespace {
/// What the fused op takes: the activation, its output and the output's gradient.
struct FusedInputs {
  ActivationAttrInterface activation;
  Value output, outputGrad;
  ValueRange params;
};
} // namespace

/// dy = dz * phi'(z) with the recover's own z folds into the fused op; any other dy is taken as the
/// gradient of y = phi^-1(z), in an identity chain.
static FusedInputs matchOutputGrad(OpBuilder &b, RecoverOp recover, Value outputGrad) {
  ActivationAttrInterface phi = recover.getActivation();
  auto grad = outputGrad.getDefiningOp<ActivationGradOp>();
  if (grad && grad.getFromOutput() && grad.getValue() == recover.getOutput() &&
      grad.getActivation() == phi && grad.getParams() == recover.getParams() &&
      (phi.getNumParams() == 0 || grad.getChannelDim() == recover.getChannelDim()))
    return {phi, recover.getOutput(), grad.getOutputGrad(), recover.getParams()};
  auto identity = IdentityAttr::get(b.getContext());
  if (isa<IdentityAttr>(phi))
    return {phi, recover.getOutput(), outputGrad, {}};
  Location loc = recover.getLoc();
  Value init = createEmptyLike(b, loc, recover.getOutput());
  Value normalized = ActivationInverseOp::create(b, loc, TypeRange{init.getType()},
                                                 recover.getOutput(), recover.getParams(),
                                                 ValueRange{init}, phi, recover.getChannelDim())
                         .getResult(0);
  return {identity, normalized, outputGrad, {}};
}

template <typename GradOp> static bool isOwnGradient(GradOp grad, RecoverOp recover) {
  return grad.getInput() == recover->getResult(0) && grad.getEpsilon() == recover.getEpsilon() &&
         grad.getChannelDim() == recover.getChannelDim() && grad.getMean() == recover.getMean() &&
         grad.getVariance() == recover.getVariance() && grad.getGamma() == recover.getGamma();
}

bool mlir::abn::isGradientOfRecovered(Operation *op, RecoverOp recover) {
  if (auto grad = dyn_cast<BatchNormGradOp>(op))
    return isOwnGradient(grad, recover);
  auto grad = dyn_cast<BatchNormInferenceGradOp>(op);
  return grad && isOwnGradient(grad, recover);
}

/// Replaces `grad` (a training or frozen gradient op) by its fused form.
template <typename FusedOp, typename GradOp>
static void fuseGradient(GradOp grad, RecoverOp recover) {
  OpBuilder b(grad);
  Location loc = grad.getLoc();
  FusedInputs inputs = matchOutputGrad(b, recover, grad.getOutputGrad());
  int64_t channelDim = grad.getChannelDim();
  Value gammaGrad = createEmptyStatistics(b, loc, inputs.output, channelDim);
  Value betaGrad = createEmptyStatistics(b, loc, inputs.output, channelDim);
  SmallVector<Value> inits = {inputs.outputGrad, gammaGrad, betaGrad};
  auto fused = FusedOp::create(
      b, loc, TypeRange{inputs.outputGrad.getType(), gammaGrad.getType(), betaGrad.getType()},
      inputs.output, recover.getVariance(), recover.getGamma(), recover.getBeta(), inputs.params,
      inits, inputs.activation, grad.getEpsilon(), channelDim, recover.getGammaPolicy(),
      recover.getGammaThreshold());
  if (Attribute chain = recover->getAttr(AbnDialect::kChainAttr))
    fused->setAttr(AbnDialect::kChainAttr, chain);
  Operation *outputGradOp = grad.getOutputGrad().getDefiningOp();
  grad->replaceAllUsesWith(fused->getResults());
  grad->erase();
  if (recover->use_empty())
    recover->erase();
  if (auto dead = dyn_cast_or_null<ActivationGradOp>(outputGradOp); dead && dead->use_empty())
    dead->erase();
}

namespace {
struct RewriteBackward : abn::impl::RewriteBackwardBase<RewriteBackward> {
  using RewriteBackwardBase::RewriteBackwardBase;

  void runOnOperation() override {
    if (isPlanned(getOperation()))
      return;
    EquivalenceGuard guard(getOperation(), verifyEquivalence);
    SmallVector<Operation *> gradients;
    getOperation().walk([&](Operation *op) {
      if (isa<BatchNormGradOp, BatchNormInferenceGradOp>(op))
        gradients.push_back(op);
    });
    for (Operation *op : gradients) {
      if (auto grad = dyn_cast<BatchNormGradOp>(op)) {
        auto recover = grad.getInput().getDefiningOp<RecoverOp>();
        if (recover && isGradientOfRecovered(op, recover))
          fuseGradient<InplaceBackwardOp>(grad, recover);
      } else if (auto grad = dyn_cast<BatchNormInferenceGradOp>(op)) {
        auto recover = grad.getInput().getDefiningOp<RecoverOp>();
        if (recover && isGradientOfRecovered(op, recover))
          fuseGradient<InplaceInferenceBackwardOp>(grad, recover);
      }
    }
    if (failed(guard.check()))
      signalPassFailure();
  }
};
} // namespace
