// Splits fused linalg.generic ops into one op per value, so that recognition sees every value, and
// puts back those that it did not touch.
#ifndef ABN_LIB_RECOGNIZE_GENERICDECOMPOSER_H
#define ABN_LIB_RECOGNIZE_GENERICDECOMPOSER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/DenseSet.h"

namespace mlir::abn {

class GenericDecomposer {
public:
  /// Splits what can be split; the fused ops stay, unread.
  explicit GenericDecomposer(func::FuncOp func);
  /// The fused ops that were split.
  const llvm::DenseSet<Operation *> &getFused() const { return fused; }
  /// Puts a fused op back if all that was made of it is as it was (all of them if nothing was
  /// `changed`); erases the other fused ops.
  void restore(bool changed);

private:
  struct Split {
    linalg::GenericOp op;
    SmallVector<Operation *> parts;
    /// Destinations and sizes that were made for the parts.
    SmallVector<Operation *> helpers;
    SmallVector<Value> results;
  };
  bool isIntact(const Split &split) const;

  SmallVector<Split, 0> splits;
  llvm::DenseSet<Operation *> fused;
};

} // namespace mlir::abn

#endif // ABN_LIB_RECOGNIZE_GENERICDECOMPOSER_H
