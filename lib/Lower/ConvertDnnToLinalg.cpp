// convert-dnn-to-linalg: the pass. The patterns live in ConvertDnnToLinalg{Convolution,Pooling,
// Resize}.cpp.
#include "ConvertDnnToLinalg.h"
#include "BufferOperands.h"
#include "abn/Passes.h"
#include "dnn/DnnDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
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
    IRRewriter rewriter(&getContext());
    moveToTensors(rewriter, getOperation(), dnn::DnnDialect::getDialectNamespace());
    RewritePatternSet patterns(&getContext());
    populateConvolutionToLinalgPatterns(patterns);
    populatePoolingToLinalgPatterns(patterns);
    populateResizeToLinalgPatterns(patterns);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};
} // namespace
