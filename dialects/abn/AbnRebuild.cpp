// RebuildOpInterface for the ops that have an inverse in some operand: sums and differences,
// invertible activations, reshapes and transposes.
#include "abn/AbnDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectRegistry.h"

using namespace mlir;
using namespace mlir::abn;

namespace {
/// What an elementwise generic computes of its two inputs.
enum class SumKind { None, Add, Subtract };
} // namespace

/// Looks through a cast of the given kind.
template <typename CastOp> static Value skipCast(Value value) {
  auto cast = value.getDefiningOp<CastOp>();
  return cast ? cast.getIn() : value;
}

/// The kind of a two-input elementwise generic whose body is one addf or subf of its inputs,
/// computed in their element type or a wider one.
static SumKind getSumKind(linalg::GenericOp op) {
  if (!op.hasPureTensorSemantics() || op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 ||
      op.getNumParallelLoops() != op.getNumLoops())
    return SumKind::None;
  Block *body = op.getBody();
  Value yielded = skipCast<arith::TruncFOp>(body->getTerminator()->getOperand(0));
  Operation *def = yielded.getDefiningOp();
  if (!def || !isa<arith::AddFOp, arith::SubFOp>(def))
    return SumKind::None;
  Value lhs = skipCast<arith::ExtFOp>(def->getOperand(0)),
        rhs = skipCast<arith::ExtFOp>(def->getOperand(1));
  if (lhs == body->getArgument(1) && rhs == body->getArgument(0) && isa<arith::AddFOp>(def))
    std::swap(lhs, rhs);
  if (lhs != body->getArgument(0) || rhs != body->getArgument(1))
    return SumKind::None;
  return isa<arith::AddFOp>(def) ? SumKind::Add : SumKind::Subtract;
}

/// Emits `lhs - rhs` or `lhs + rhs` elementwise with the given maps; f16 and bf16 in f32.
static Value emitSum(OpBuilder &b, Location loc, bool subtract, Value lhs, Value rhs,
                     ArrayRef<AffineMap> maps, Type elementType) {
  Value init = tensor::EmptyOp::create(b, loc, tensor::getMixedSizes(b, loc, lhs), elementType);
  SmallVector<utils::IteratorType> iterators(maps[0].getNumDims(), utils::IteratorType::parallel);
  auto body = [&](OpBuilder &nested, Location l, ValueRange args) {
    Value x = args[0], y = args[1];
    bool narrow = elementType.getIntOrFloatBitWidth() < 32;
    if (narrow) {
      x = arith::ExtFOp::create(nested, l, nested.getF32Type(), x);
      y = arith::ExtFOp::create(nested, l, nested.getF32Type(), y);
    }
    Value sum = subtract ? arith::SubFOp::create(nested, l, x, y).getResult()
                         : arith::AddFOp::create(nested, l, x, y).getResult();
    if (narrow)
      sum = arith::TruncFOp::create(nested, l, elementType, sum);
    linalg::YieldOp::create(nested, l, sum);
  };
  return linalg::GenericOp::create(b, loc, init.getType(), ValueRange{lhs, rhs}, ValueRange{init},
                                   maps, iterators, body)
      .getResult(0);
}

namespace {
/// out = a + b: a = out - b. out = a - b: a = out + b, b = a - out (unless a is broadcast).
struct SumRebuild : RebuildOpInterface::ExternalModel<SumRebuild, linalg::GenericOp> {
  bool canRebuildOperand(Operation *op, OpOperand &operand) const {
    auto generic = cast<linalg::GenericOp>(op);
    if (getSumKind(generic) == SumKind::None || operand.getOperandNumber() > 1 ||
        op->getOperand(0) == op->getOperand(1))
      return false;
    auto type = dyn_cast<RankedTensorType>(operand.get().getType());
    return type && type == op->getResult(0).getType() && isa<FloatType>(type.getElementType()) &&
           getElementTypeOrSelf(op->getOperand(1 - operand.getOperandNumber())) ==
               type.getElementType() &&
           generic.getMatchingIndexingMap(&operand).isIdentity() &&
           generic.getIndexingMapMatchingResult(cast<OpResult>(op->getResult(0))).isIdentity() &&
           (operand.getOperandNumber() == 0 || getSumKind(generic) == SumKind::Add ||
            generic.getIndexingMapsArray()[0].isIdentity());
  }
  Value rebuildOperand(Operation *op, OpBuilder &b, Location loc, OpOperand &operand, Value result,
                       ValueRange operands) const {
    auto generic = cast<linalg::GenericOp>(op);
    unsigned number = operand.getOperandNumber();
    bool isAdd = getSumKind(generic) == SumKind::Add;
    AffineMap identity = generic.getMatchingIndexingMap(&operand);
    AffineMap other = generic.getIndexingMapsArray()[1 - number];
    Type elementType = getElementTypeOrSelf(result);
    if (isAdd || number == 0)
      return emitSum(b, loc, /*subtract=*/isAdd, result, operands[1 - number],
                     {identity, other, identity}, elementType);
    return emitSum(b, loc, /*subtract=*/true, operands[0], result, {other, identity, identity},
                   elementType);
  }
};

/// y = phi^-1(z).
struct ActivationRebuild : RebuildOpInterface::ExternalModel<ActivationRebuild, ActivationOp> {
  bool canRebuildOperand(Operation *op, OpOperand &operand) const {
    auto activation = cast<ActivationOp>(op);
    return operand.get() == activation.getInput() && operand.getOperandNumber() == 0 &&
           isa<RankedTensorType>(operand.get().getType()) &&
           activation.getActivation().isInvertible();
  }
  Value rebuildOperand(Operation *op, OpBuilder &b, Location loc, OpOperand &operand, Value result,
                       ValueRange operands) const {
    auto activation = cast<ActivationOp>(op);
    unsigned numParams = activation.getParams().size();
    Value init = createEmptyLike(b, loc, result);
    return ActivationInverseOp::create(b, loc, TypeRange{init.getType()}, result,
                                       operands.slice(1, numParams), ValueRange{init},
                                       activation.getActivation(), activation.getChannelDim())
        .getResult(0);
  }
};

/// A reshape's source is the opposite reshape of its result.
struct ExpandRebuild : RebuildOpInterface::ExternalModel<ExpandRebuild, tensor::ExpandShapeOp> {
  bool canRebuildOperand(Operation *op, OpOperand &operand) const {
    return operand.getOperandNumber() == 0;
  }
  Value rebuildOperand(Operation *op, OpBuilder &b, Location loc, OpOperand &operand, Value result,
                       ValueRange operands) const {
    auto expand = cast<tensor::ExpandShapeOp>(op);
    return tensor::CollapseShapeOp::create(b, loc, expand.getSrcType(), result,
                                           expand.getReassociationIndices());
  }
};
struct CollapseRebuild
    : RebuildOpInterface::ExternalModel<CollapseRebuild, tensor::CollapseShapeOp> {
  bool canRebuildOperand(Operation *op, OpOperand &operand) const {
    return cast<tensor::CollapseShapeOp>(op).getSrcType().hasStaticShape();
  }
  Value rebuildOperand(Operation *op, OpBuilder &b, Location loc, OpOperand &operand, Value result,
                       ValueRange operands) const {
    auto collapse = cast<tensor::CollapseShapeOp>(op);
    return tensor::ExpandShapeOp::create(b, loc, collapse.getSrcType(), result,
                                         collapse.getReassociationIndices());
  }
};

/// A transpose's input is the inverse transpose of its result.
struct TransposeRebuild : RebuildOpInterface::ExternalModel<TransposeRebuild, linalg::TransposeOp> {
  bool canRebuildOperand(Operation *op, OpOperand &operand) const {
    return operand.getOperandNumber() == 0 && isa<RankedTensorType>(operand.get().getType());
  }
  Value rebuildOperand(Operation *op, OpBuilder &b, Location loc, OpOperand &operand, Value result,
                       ValueRange operands) const {
    auto transpose = cast<linalg::TransposeOp>(op);
    SmallVector<int64_t> inverse(transpose.getPermutation().size());
    SmallVector<OpFoldResult> sizes(inverse.size()),
        resultSizes = tensor::getMixedSizes(b, loc, result);
    for (auto [to, from] : llvm::enumerate(transpose.getPermutation())) {
      inverse[from] = to;
      sizes[from] = resultSizes[to];
    }
    Value init = tensor::EmptyOp::create(b, loc, sizes, getElementTypeOrSelf(result));
    return linalg::TransposeOp::create(b, loc, result, init, inverse)->getResult(0);
  }
};
} // namespace

void mlir::abn::registerRebuildOpInterfaceModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, AbnDialect *dialect) {
    ActivationOp::attachInterface<ActivationRebuild>(*context);
  });
  registry.addExtension(+[](MLIRContext *context, linalg::LinalgDialect *dialect) {
    linalg::GenericOp::attachInterface<SumRebuild>(*context);
    linalg::TransposeOp::attachInterface<TransposeRebuild>(*context);
  });
  registry.addExtension(+[](MLIRContext *context, tensor::TensorDialect *dialect) {
    tensor::ExpandShapeOp::attachInterface<ExpandRebuild>(*context);
    tensor::CollapseShapeOp::attachInterface<CollapseRebuild>(*context);
  });
}
