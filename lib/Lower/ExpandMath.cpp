// abn-expand-math: functions of `math` without the vendor's device library.
#include "abn/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::abn {
#define GEN_PASS_DEF_EXPANDMATH
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;

namespace {
/// An op that is one instruction of every GPU, exact or rounded correctly. A call, because
/// convert-gpu-to-nvvm has no place for the ops of LLVM's intrinsics.
template <typename From> struct ToIntrinsic : OpRewritePattern<From> {
  ToIntrinsic(MLIRContext *context, StringRef intrinsic)
      : OpRewritePattern<From>(context), intrinsic(intrinsic) {}

  LogicalResult matchAndRewrite(From op, PatternRewriter &rewriter) const override {
    Type type = op->getResult(0).getType();
    if (!type.isF32() && !type.isF64())
      return rewriter.notifyMatchFailure(op, "expected f32 or f64");
    rewriter.replaceOpWithNewOp<LLVM::CallIntrinsicOp>(op, type, rewriter.getStringAttr(intrinsic),
                                                       op->getOperands());
    return success();
  }

  StringRef intrinsic;
};

struct ExpandMath : abn::impl::ExpandMathBase<ExpandMath> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    MLIRContext *context = &getContext();
    patterns.add<ToIntrinsic<math::AbsFOp>>(context, "llvm.fabs");
    patterns.add<ToIntrinsic<math::SqrtOp>>(context, "llvm.sqrt");
    patterns.add<ToIntrinsic<math::FmaOp>>(context, "llvm.fma");
    patterns.add<ToIntrinsic<math::FloorOp>>(context, "llvm.floor");
    patterns.add<ToIntrinsic<math::CeilOp>>(context, "llvm.ceil");
    patterns.add<ToIntrinsic<math::TruncOp>>(context, "llvm.trunc");
    patterns.add<ToIntrinsic<math::RoundEvenOp>>(context, "llvm.roundeven");
    patterns.add<ToIntrinsic<math::CopySignOp>>(context, "llvm.copysign");
    populateMathPolynomialApproximationPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
