// The sizes of a step from those of its arguments; see ResolveSizes.h.
#include "ResolveSizes.h"
#include "abn/Analysis/TrainingStep.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace mlir::abn;

SizeHoister::SizeHoister(func::FuncOp func)
    : builder(OpBuilder::atBlockBegin(&func.getBody().front())) {}

Value SizeHoister::hoist(Value size) {
  if (size.getParentBlock() != builder.getInsertionBlock())
    return Value();
  if (isa<BlockArgument>(size))
    return size;
  if (Value found = known.lookup(size))
    return found;
  Value value = hoistResult(cast<OpResult>(size));
  if (value)
    known[size] = known[value] = value;
  return value;
}

Value SizeHoister::getConstant(int64_t value) {
  Value &constant = constants[value];
  if (!constant)
    constant = arith::ConstantIndexOp::create(builder, builder.getUnknownLoc(), value);
  return constant;
}

Value SizeHoister::hoistResult(OpResult size) {
  Operation *op = size.getOwner();
  if (auto dim = dyn_cast<ShapedDimOpInterface>(op)) {
    std::optional<int64_t> index = getConstantIntValue(dim.getDimension());
    return index ? hoistDim(dim.getShapedValue(), *index) : Value();
  }
  if (op->getNumRegions() != 0 || !isMemoryEffectFree(op) || !size.getType().isIntOrIndex())
    return Value();
  if (std::optional<int64_t> constant = getConstantIntValue(size);
      constant && size.getType().isIndex())
    return getConstant(*constant);
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    operands.push_back(operand.getType().isIntOrIndex() ? hoist(operand) : Value());
    if (!operands.back())
      return Value();
  }
  return clone(size, operands);
}

/// The size that an op was given for a dimension of its result.
template <typename Op> static Value getGivenSize(Op op, int64_t dim) {
  return op.getDynamicSizes()[op.getType().getDynamicDimIndex(dim)];
}

Value SizeHoister::hoistDim(Value source, int64_t dim) {
  Operation *def = source.getDefiningOp();
  auto type = dyn_cast<ShapedType>(source.getType());
  if (!type || !type.hasRank() || dim < 0 || dim >= type.getRank())
    return Value();
  if (!type.isDynamicDim(dim))
    return getConstant(type.getDimSize(dim));
  if (isa_and_nonnull<memref::CastOp, tensor::CastOp>(def))
    return hoistDim(def->getOperand(0), dim);
  if (auto alloc = dyn_cast_or_null<memref::AllocOp>(def))
    return hoist(getGivenSize(alloc, dim));
  if (auto empty = dyn_cast_or_null<tensor::EmptyOp>(def))
    return hoist(getGivenSize(empty, dim));
  if (auto expand = dyn_cast_or_null<memref::ExpandShapeOp>(def))
    return hoist(cast<Value>(expand.getMixedOutputShape()[dim]));
  if (auto collapse = dyn_cast_or_null<memref::CollapseShapeOp>(def))
    return hoistProduct(collapse.getSrc(), collapse.getReassociationIndices()[dim]);
  if (!isa<BlockArgument>(source) || source.getParentBlock() != builder.getInsertionBlock())
    return Value();
  Value &size = dims[{source, dim}];
  if (!size) {
    Value number = getConstant(dim);
    size = isa<TensorType>(type)
               ? tensor::DimOp::create(builder, source.getLoc(), source, number).getResult()
               : memref::DimOp::create(builder, source.getLoc(), source, number).getResult();
  }
  return size;
}

/// The product of some sizes of a buffer.
Value SizeHoister::hoistProduct(Value source, ArrayRef<int64_t> indices) {
  Value product;
  for (int64_t index : indices) {
    Value size = hoistDim(source, index);
    if (!size)
      return Value();
    product =
        product ? arith::MulIOp::create(builder, source.getLoc(), product, size).getResult() : size;
  }
  return product;
}

/// `size`'s op on other operands, unless there is one like it.
Value SizeHoister::clone(OpResult size, ValueRange operands) {
  Operation *op = size.getOwner();
  for (Operation *other : hoisted)
    if (other->getName() == op->getName() && llvm::equal(other->getOperands(), operands) &&
        other->getAttrDictionary() == op->getAttrDictionary() &&
        other->getResultTypes() == op->getResultTypes())
      return other->getResult(size.getResultNumber());
  Operation *copy = builder.clone(*op);
  copy->setOperands(operands);
  hoisted.push_back(copy);
  return copy->getResult(size.getResultNumber());
}

/// Sizes of results in terms of operands, wherever an op's interface says how.
static void resolveDims(func::FuncOp func, ArrayRef<Operation *> dims) {
  RewritePatternSet patterns(func.getContext());
  memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
  tensor::DimOp::getCanonicalizationPatterns(patterns, func.getContext());
  GreedyRewriteConfig config;
  config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
  (void)applyOpPatternsGreedily(dims, std::move(patterns), config);
}

/// What has a size of its own, which no operand's shape gives.
static bool takesSizes(Operation *op) { return isa<tensor::EmptyOp, tensor::ExpandShapeOp>(op); }

LogicalResult mlir::abn::resolveSizes(func::FuncOp func) {
  SmallVector<Operation *> dims;
  bool isDynamic = false;
  func.walk([&](Operation *op) {
    if (auto dim = dyn_cast<tensor::DimOp>(op); dim && !isa<BlockArgument>(dim.getSource()))
      dims.push_back(op);
    isDynamic |= takesSizes(op) && op->getOperands().size() > (isa<tensor::EmptyOp>(op) ? 0 : 1);
  });
  if (dims.empty() && !isDynamic)
    return success();
  resolveDims(func, dims);
  SmallVector<Operation *> ops, sizes;
  func.getBody().front().walk([&](Operation *op) {
    bool isSize = op->getParentOp() == func && op->getNumRegions() == 0 &&
                  op->getNumResults() == 1 && isMemoryEffectFree(op) &&
                  op->getResult(0).getType().isIntOrIndex();
    (isSize ? sizes : ops).push_back(op);
  });
  SizeHoister hoister(func);
  for (Operation *op : ops)
    for (OpOperand &operand : op->getOpOperands()) {
      if (!operand.get().getType().isIndex())
        continue;
      if (Value size = hoister.hoist(operand.get()))
        operand.set(size);
      else if (takesSizes(op))
        return op->emitOpError("expected sizes that follow from the sizes of the function's "
                               "arguments");
    }
  for (Operation *op : llvm::reverse(sizes))
    if (isOpTriviallyDead(op))
      op->erase();
  return success();
}

llvm::DenseSet<Operation *> mlir::abn::findSizeOps(Block &block) {
  llvm::DenseSet<Operation *> sizes;
  for (Operation &op : block) {
    if (op.getNumRegions() != 0 || op.hasTrait<OpTrait::ConstantLike>() ||
        op.getNumResults() == 0 || !isMemoryEffectFree(&op))
      continue;
    if (isa<tensor::DimOp>(op)) {
      if (isa<BlockArgument>(op.getOperand(0)) && getConstantIntValue(op.getOperand(1)))
        sizes.insert(&op);
      continue;
    }
    bool isComputable = true, isSize = llvm::any_of(op.getResultTypes(), llvm::IsaPred<IndexType>);
    for (Value operand : op.getOperands()) {
      Operation *def = operand.getDefiningOp();
      isSize |= operand.getType().isIndex() || sizes.contains(def);
      isComputable &= operand.getType().isIntOrIndex() &&
                      (!def || def->hasTrait<OpTrait::ConstantLike>() || sizes.contains(def));
    }
    if (isSize && isComputable &&
        llvm::all_of(op.getResultTypes(), [](Type type) { return type.isIntOrIndex(); }))
      sizes.insert(&op);
  }
  return sizes;
}
