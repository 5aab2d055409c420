// Compares a function before and after a rewrite by evaluating both on tiny tensors.
#ifndef ABN_RECOGNIZE_EQUIVALENCE_H
#define ABN_RECOGNIZE_EQUIVALENCE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::abn {

/// Which result of `after` differs from `before`'s, in words; nothing if all agree. Both are
/// evaluated at several scales in double precision with the same arguments; ops that are not
/// executed give the same results if they read the same. Two functions that differ in a result by
/// more than 1e-5 of its largest entry are told apart, whatever the entries: the inputs are random,
/// with fixed seeds, so that an accidental agreement of different functions is as likely as that of
/// 64 random numbers.
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
