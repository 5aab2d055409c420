// A union of dimensions over the ops that tie them: loops of structured ops, destinations, casts,
// and empty tensors that take a size from another tensor.
#include "DynamicExtents.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;
using namespace mlir::abn;

DynamicExtents::Dimension DynamicExtents::find(Dimension dim) {
  for (auto it = parents.find(dim); it != parents.end(); it = parents.find(dim))
    dim = it->second;
  return dim;
}

static bool isDynamic(Value value, unsigned dim) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && dim < type.getRank() && type.isDynamicDim(dim);
}

void DynamicExtents::unify(Value a, unsigned dimA, Value b, unsigned dimB) {
  if (!isDynamic(a, dimA) || !isDynamic(b, dimB))
    return;
  Dimension x = find({a, dimA}), y = find({b, dimB});
  if (x == y)
    return;
  // Arguments stay the representatives, the first one of all.
  auto rank = [](const Dimension &dim) {
    auto argument = dyn_cast<BlockArgument>(dim.first);
    return argument ? argument.getArgNumber() * 8 + dim.second : ~0u;
  };
  if (rank(y) < rank(x))
    std::swap(x, y);
  parents[y] = x;
}

void DynamicExtents::visit(Operation *op) {
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
    llvm::SmallDenseMap<unsigned, std::pair<Value, unsigned>> loops;
    for (OpOperand &operand : op->getOpOperands())
      for (auto [axis, expr] :
           llvm::enumerate(linalgOp.getMatchingIndexingMap(&operand).getResults()))
        if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
          auto [it, isNew] =
              loops.try_emplace(dim.getPosition(), operand.get(), static_cast<unsigned>(axis));
          if (!isNew)
            unify(it->second.first, it->second.second, operand.get(), axis);
        }
  }
  if (auto dps = dyn_cast<DestinationStyleOpInterface>(op))
    for (OpResult result : op->getResults())
      if (auto type = dyn_cast<RankedTensorType>(result.getType()))
        for (unsigned dim = 0, e = type.getRank(); dim < e; ++dim)
          unify(result, dim, dps.getTiedOpOperand(result)->get(), dim);
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    if (auto type = dyn_cast<RankedTensorType>(cast.getType()))
      for (unsigned dim = 0, e = type.getRank(); dim < e; ++dim)
        unify(cast.getResult(), dim, cast.getSource(), dim);
  if (auto empty = dyn_cast<tensor::EmptyOp>(op)) {
    unsigned next = 0;
    for (unsigned dim = 0, e = empty.getType().getRank(); dim < e; ++dim) {
      if (!empty.getType().isDynamicDim(dim))
        continue;
      auto size = empty.getDynamicSizes()[next++].getDefiningOp<tensor::DimOp>();
      if (size && size.getConstantIndex())
        unify(empty, dim, size.getSource(), *size.getConstantIndex());
    }
  }
}

DynamicExtents::DynamicExtents(func::FuncOp func, int64_t base) {
  Block &block = func.getBody().front();
  auto hasDynamic = [](Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    return type && !type.hasStaticShape();
  };
  SmallVector<Value> values;
  llvm::copy_if(block.getArguments(), std::back_inserter(values), hasDynamic);
  for (Operation &op : block)
    llvm::copy_if(op.getResults(), std::back_inserter(values), hasDynamic);
  if (values.empty())
    return;
  for (Operation &op : block)
    visit(&op);
  for (Value value : values)
    for (unsigned dim = 0, e = cast<RankedTensorType>(value.getType()).getRank(); dim < e; ++dim) {
      if (!isDynamic(value, dim))
        continue;
      auto [it, isNew] = extents.try_emplace(find({value, dim}), base);
      if (isNew)
        base += 2;
      int64_t extent = it->second;
      extents[{value, dim}] = extent;
    }
}
