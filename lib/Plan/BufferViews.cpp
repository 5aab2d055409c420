// What a tensor is of a buffer once bufferized: a view, where its elements stand.
#include "abn/Plan/PlanModel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::abn;

/// Whether a collapse of this buffer is a view of it.
static bool isCollapsible(MemRefType source, tensor::CollapseShapeOp op) {
  return op.getResultType().getRank() == 0 ||
         memref::CollapseShapeOp::isGuaranteedCollapsible(source, op.getReassociationIndices());
}

bool mlir::abn::isChoice(Operation *op) {
  return isa_and_nonnull<arith::SelectOp>(op) && isa<RankedTensorType>(op->getResult(0).getType());
}

/// By value: choices may share what they choose from.
using ShownTypes = llvm::DenseMap<Value, MemRefType>;

static MemRefType getShownType(Value value, ShownTypes &known);

/// The buffer that a tensor is once bufferized: what no view shows is contiguous.
static MemRefType findShownType(Value value, ShownTypes &known) {
  auto type = cast<RankedTensorType>(value.getType());
  auto contiguous = MemRefType::get(type.getShape(), type.getElementType());
  Operation *op = value.getDefiningOp();
  if (isChoice(op)) {
    MemRefType shown = getShownType(op->getOperand(1), known);
    if (shown == getShownType(op->getOperand(2), known))
      return shown;
    SmallVector<int64_t> strides(type.getRank(), ShapedType::kDynamic);
    return MemRefType::get(type.getShape(), type.getElementType(),
                           StridedLayoutAttr::get(op->getContext(), ShapedType::kDynamic, strides));
  }
  if (!isa_and_nonnull<tensor::ExtractSliceOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp,
                       tensor::CastOp>(op) ||
      !isa<RankedTensorType>(op->getOperand(0).getType()))
    return contiguous;
  MemRefType source = getShownType(op->getOperand(0), known);
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return memref::SubViewOp::inferRankReducedResultType(
        type.getShape(), source, slice.getMixedOffsets(), slice.getMixedSizes(),
        slice.getMixedStrides());
  if (source.getLayout().isIdentity())
    return contiguous;
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return type.getRank() > 0 && isCollapsible(source, collapse)
               ? memref::CollapseShapeOp::computeCollapsedType(source,
                                                               collapse.getReassociationIndices())
               : contiguous;
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    FailureOr<MemRefType> shown = memref::ExpandShapeOp::computeExpandedType(
        source, type.getShape(), expand.getReassociationIndices());
    return succeeded(shown) ? *shown : contiguous;
  }
  return MemRefType::get(type.getShape(), type.getElementType(), source.getLayout());
}

static MemRefType getShownType(Value value, ShownTypes &known) {
  if (MemRefType type = known.lookup(value))
    return type;
  MemRefType type = findShownType(value, known);
  known[value] = type;
  return type;
}

static MemRefType getShownType(Value value) {
  ShownTypes known;
  return getShownType(value, known);
}

bool mlir::abn::isCopiedView(Operation *op) {
  if (!isa<tensor::CollapseShapeOp, tensor::ReshapeOp>(op) ||
      !isa<RankedTensorType>(op->getOperand(0).getType()))
    return false;
  MemRefType source = getShownType(op->getOperand(0));
  auto collapse = dyn_cast<tensor::CollapseShapeOp>(op);
  return !source.getLayout().isIdentity() && !(collapse && isCollapsible(source, collapse));
}

bool mlir::abn::isContiguousFromStart(Value value) {
  MemRefType type = getShownType(value);
  if (type.getLayout().isIdentity())
    return true;
  auto [strides, offset] = type.getStridesAndOffset();
  int64_t expected = 1;
  for (auto [stride, size] : llvm::reverse(llvm::zip_equal(strides, type.getShape()))) {
    if (ShapedType::isDynamic(expected) || stride != expected)
      return false;
    expected = ShapedType::isDynamic(size) ? size : expected * size;
  }
  return offset == 0;
}

bool mlir::abn::isBufferView(Operation *op) {
  return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp, tensor::ReshapeOp,
             tensor::ExtractSliceOp>(op) &&
         !isCopiedView(op);
}
