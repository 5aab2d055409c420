// convert-abn-to-linalg: the pass. The patterns live in ConvertAbnToLinalg{Activation,BatchNorm,
// Inplace}.cpp.
#include "ConvertAbnToLinalg.h"
#include "BufferOperands.h"
#include "abn/Lower/AbnToLinalg.h"
#include "abn/Passes.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace mlir::abn {
#define GEN_PASS_DEF_CONVERTABNTOLINALG
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

void mlir::abn::populateAbnToLinalgPatterns(RewritePatternSet &patterns) {
  populateActivationToLinalgPatterns(patterns);
  populateBatchNormToLinalgPatterns(patterns);
  populateInplaceToLinalgPatterns(patterns);
}

static bool isOurs(NamedAttribute attribute) {
  return attribute.getName().strref().starts_with("abn.");
}

/// What the dialect said on functions, their arguments and results, and on other ops, so that tools
/// that do not know it read the module.
static void dropDiscardableAttributes(Operation *op) {
  SmallVector<NamedAttribute> ours = llvm::filter_to_vector(op->getDiscardableAttrs(), isOurs);
  for (NamedAttribute attribute : ours)
    op->removeDiscardableAttr(attribute.getName());
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function)
    return;
  for (unsigned i = 0, e = function.getNumArguments(); i < e; ++i)
    for (NamedAttribute attribute : llvm::to_vector(function.getArgAttrs(i)))
      if (isOurs(attribute))
        function.removeArgAttr(i, attribute.getName());
  for (unsigned i = 0, e = function.getNumResults(); i < e; ++i)
    for (NamedAttribute attribute : llvm::to_vector(function.getResultAttrs(i)))
      if (isOurs(attribute))
        function.removeResultAttr(i, attribute.getName());
}

namespace {
struct ConvertAbnToLinalg : abn::impl::ConvertAbnToLinalgBase<ConvertAbnToLinalg> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    moveToTensors(rewriter, getOperation(), AbnDialect::getDialectNamespace());
    RewritePatternSet patterns(&getContext());
    populateAbnToLinalgPatterns(patterns);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
    getOperation()->walk(dropDiscardableAttributes);
  }
};
} // namespace
