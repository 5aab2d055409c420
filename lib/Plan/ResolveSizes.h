// Sizes as functions of the arguments' sizes, computed where a function begins. Private to
// lib/Plan.
#ifndef ABN_LIB_PLAN_RESOLVESIZES_H
#define ABN_LIB_PLAN_RESOLVESIZES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/ShapedOpInterfaces.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace mlir::abn {

/// Computes index values again at the beginning of a function, equal ones once.
class SizeHoister {
public:
  explicit SizeHoister(func::FuncOp func);

  /// `size` from constants, index arguments and sizes of arguments alone, by ops that stand at the
  /// beginning of the function; null if it depends on anything else. The size of an allocation or
  /// an empty tensor is what that was given.
  Value hoist(Value size);
  Value getConstant(int64_t value);

  /// Stands behind the last hoisted op.
  OpBuilder &getBuilder() { return builder; }

private:
  Value hoistResult(OpResult size);
  Value hoistDim(Value source, int64_t dim);
  Value hoistProduct(Value source, ArrayRef<int64_t> indices);
  Value clone(OpResult size, ValueRange operands);

  OpBuilder builder;
  SmallVector<Operation *> hoisted;
  llvm::DenseMap<Value, Value> known;
  llvm::DenseMap<int64_t, Value> constants;
  llvm::DenseMap<std::pair<Value, int64_t>, Value> dims;
};

/// Makes every size of a step on tensors hang on its arguments: `tensor.dim` of what an op computes
/// becomes one of what it reads, back to an argument; what sizes are computed from stands at the
/// function's beginning. Does nothing where all sizes are static. An error at an empty tensor or a
/// reshape with a size that does not follow from the arguments' sizes.
LogicalResult resolveSizes(func::FuncOp func);

/// The ops of a step that compute sizes from its arguments' sizes.
llvm::DenseSet<Operation *> findSizeOps(Block &block);

} // namespace mlir::abn

#endif // ABN_LIB_PLAN_RESOLVESIZES_H
