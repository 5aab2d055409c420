// abn-fold-transposes: matmuls read their operands in the order in which they are stored.
#include "abn/AbnDialect.h"
#include "abn/Analysis/TrainingStep.h"
#include "abn/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::abn {
#define GEN_PASS_DEF_FOLDTRANSPOSES
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

/// The map of a transpose's input where its result is read with `map`: entry j of the result is
/// entry permutation[j] of the input.
static AffineMap undoTranspose(AffineMap map, ArrayRef<int64_t> permutation) {
  SmallVector<AffineExpr> exprs(permutation.size());
  for (auto [j, dim] : llvm::enumerate(permutation))
    exprs[dim] = map.getResult(j);
  return AffineMap::get(map.getNumDims(), map.getNumSymbols(), exprs, map.getContext());
}

namespace {
/// matmul(transpose(a), b) = matmul(a, b) with another map, for either operand.
struct FoldTransposeIntoMatmul : OpRewritePattern<linalg::MatmulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::MatmulOp op, PatternRewriter &rewriter) const override {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    SmallVector<Value> inputs(op.getInputs());
    bool changed = false;
    for (unsigned i = 0; i < inputs.size(); ++i) {
      auto transpose = inputs[i].getDefiningOp<linalg::TransposeOp>();
      // A broadcasting operand has a map of fewer results than the input has dimensions.
      if (!transpose || maps[i].getNumResults() != transpose.getPermutation().size())
        continue;
      maps[i] = undoTranspose(maps[i], transpose.getPermutation());
      inputs[i] = transpose.getInput();
      changed = true;
    }
    if (!changed || !op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "no operand is a transpose");
    rewriter.modifyOpInPlace(op, [&] {
      op.getInputsMutable().assign(inputs);
      op.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
    });
    return success();
  }
};

struct FoldTransposes : mlir::abn::impl::FoldTransposesBase<FoldTransposes> {
  void runOnOperation() override {
    if (isPlanned(getOperation()))
      return;
    RewritePatternSet patterns(&getContext());
    patterns.add<FoldTransposeIntoMatmul>(&getContext());
    linalg::TransposeOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
