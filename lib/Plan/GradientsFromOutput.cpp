// The activation gradients that may read z in place of y do.
#include "GradientsFromOutput.h"
#include "abn/AbnDialect.h"

using namespace mlir;
using namespace mlir::abn;

/// The activation that `grad` is the gradient of, if it stands before it.
static ActivationOp findForward(ActivationGradOp grad) {
  for (Operation *user : grad.getValue().getUsers()) {
    auto forward = dyn_cast<ActivationOp>(user);
    if (forward && forward.getInput() == grad.getValue() &&
        forward.getActivation() == grad.getActivation() &&
        llvm::equal(forward.getParams(), grad.getParams()) &&
        forward->getBlock() == grad->getBlock() && forward->isBeforeInBlock(grad) &&
        forward.hasPureTensorSemantics())
      return forward;
  }
  return nullptr;
}

void mlir::abn::readOutputsInGradients(func::FuncOp func) {
  func.walk([](ActivationGradOp grad) {
    if (grad.getFromOutput() || !grad.getActivation().isDerivativeFromOutputExact())
      return;
    if (ActivationOp forward = findForward(grad)) {
      grad.getValueMutable().assign(forward->getResult(0));
      grad.setFromOutput(true);
    }
  });
}
