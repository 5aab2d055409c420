// Compares a function before and after a rewrite by evaluating both on tiny tensors.
#ifndef ABN_RECOGNIZE_EQUIVALENCE_H
#define ABN_RECOGNIZE_EQUIVALENCE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::abn {

/// Which result of `after` differs from `before`'s, in words; nothing if all agree. Both are
/// evaluated at several scales in double precision with the same random arguments, with fixed
/// seeds; ops that are not executed give the same results if they read the same, and others if they
/// do not. A result that differs by more than 1e-5 of its largest entry is reported, and so are ops
/// with effects that were dropped, added, or read something else. What no random input shows is not
/// seen: a branch that is taken for one exact value only, rounding of casts, a difference below
/// those 1e-5 at every scale.
std::optional<std::string> findDifference(func::FuncOp before, func::FuncOp after);

/// Keeps a function as it is, for a comparison after a pass has changed it.
class EquivalenceGuard {
public:
  /// Does nothing unless `enabled`.
  EquivalenceGuard(func::FuncOp func, bool enabled);
  ~EquivalenceGuard();
  /// Emits an error at the function if it is not equivalent to what it was.
  LogicalResult check();

private:
  func::FuncOp func, before;
};

} // namespace mlir::abn

#endif // ABN_RECOGNIZE_EQUIVALENCE_H
