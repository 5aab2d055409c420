// convert-dnn-to-linalg: the pass. The patterns live in ConvertDnnToLinalg{Convolution,Pooling,
// Resize}.cpp.
#include "ConvertDnnToLinalg.h"
#include "abn/Passes.h"
#include "dnn/DnnDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace mlir::abn {
#define GEN_PASS_DEF_CONVERTDNNTOLINALG
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

namespace {
struct ConvertDnnToLinalg : abn::impl::ConvertDnnToLinalgBase<ConvertDnnToLinalg> {
  void runOnOperation() override {
    WalkResult onTensors = getOperation()->walk([](DestinationStyleOpInterface op) {
      if (!isa_and_nonnull<dnn::DnnDialect>(op->getDialect()) || op.hasPureTensorSemantics())
        return WalkResult::advance();
      op.emitOpError("expected tensors, got memrefs; convert-dnn-to-linalg runs before "
                     "bufferization");
      return WalkResult::interrupt();
    });
    if (onTensors.wasInterrupted())
      return signalPassFailure();

    RewritePatternSet patterns(&getContext());
    populateConvolutionToLinalgPatterns(patterns);
    populatePoolingToLinalgPatterns(patterns);
    populateResizeToLinalgPatterns(patterns);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};
} // namespace
