// Which readers of a value may get a recovered one, by what their bodies do.
#include "Readers.h"
#include "dnn/DnnDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::abn;

/// Whether small errors in an operand of a body's op make small errors in its result: no
/// comparison, no selection, no rounding to integers.
static bool isContinuous(Operation &op) {
  return isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp, arith::NegFOp,
             arith::ExtFOp, arith::TruncFOp, arith::ConstantOp, math::ExpOp, math::SqrtOp,
             math::RsqrtOp, math::TanhOp, math::ErfOp, linalg::YieldOp>(op);
}

bool mlir::abn::takesRecoveredValue(Operation *op) {
  if (isa<BatchNormGradOp, BatchNormInferenceGradOp, dnn::ConvolutionInputGradOp,
          dnn::ConvolutionWeightGradOp, dnn::ConvolutionOp, dnn::AvgPoolOp>(op))
    return true;
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  return linalgOp && llvm::all_of(*linalgOp.getBlock(), isContinuous);
}

bool mlir::abn::inverseKeepsSign(ActivationAttrInterface phi) {
  return isa<LeakyReluAttr, PreluAttr>(phi);
}

/// Whether a value of a structured op's body is 0: a constant, or an element of a tensor of zeros.
static bool isZero(linalg::LinalgOp op, Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value);
      argument && argument.getOwner() == op.getBlock())
    value = op->getOperand(argument.getArgNumber());
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    value = fill.getInputs().front();
  return matchPattern(value, m_AnyZeroFloat());
}

bool mlir::abn::comparesWithZeroOnly(Operation *op) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  return linalgOp && llvm::all_of(*linalgOp.getBlock(), [&](Operation &inner) {
           if (isa<arith::CmpFOp, arith::MaximumFOp, arith::MinimumFOp, arith::MaxNumFOp,
                   arith::MinNumFOp>(inner))
             return llvm::any_of(inner.getOperands(),
                                 [&](Value operand) { return isZero(linalgOp, operand); });
           return isContinuous(inner) || isa<arith::SelectOp, arith::UIToFPOp>(inner);
         });
}
