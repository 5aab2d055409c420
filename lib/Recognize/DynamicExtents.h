// Numbers for dynamic dimensions: equal where the function's ops need them equal, different
// otherwise.
#ifndef ABN_LIB_RECOGNIZE_DYNAMICEXTENTS_H
#define ABN_LIB_RECOGNIZE_DYNAMICEXTENTS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"

namespace mlir::abn {

class DynamicExtents {
public:
  DynamicExtents() = default;
  /// Extents count up from `base`, by the first argument that has the dimension.
  DynamicExtents(func::FuncOp func, int64_t base);
  /// The extent of a dynamic dimension of `value`.
  int64_t lookup(Value value, unsigned dim) const { return extents.lookup({value, dim}); }

private:
  using Dimension = std::pair<Value, unsigned>;
  Dimension find(Dimension dim);
  void unify(Value a, unsigned dimA, Value b, unsigned dimB);
  void visit(Operation *op);

  llvm::DenseMap<Dimension, Dimension> parents;
  llvm::DenseMap<Dimension, int64_t> extents;
};

} // namespace mlir::abn

#endif // ABN_LIB_RECOGNIZE_DYNAMICEXTENTS_H
