// What convert-dnn-to-calls makes of each op, one file per family. Private to lib/Lower.
#ifndef ABN_LIB_LOWER_CONVERTDNNTOCALLS_H
#define ABN_LIB_LOWER_CONVERTDNNTOCALLS_H

#include "RuntimeCall.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::abn {

/// The AbnDnnElement of a type that the library has.
struct ElementCodes {
  llvm::StringSet<> names;
  std::optional<int64_t> get(Type type) const;
};

/// The call that computes what `op`, a dnn op or a linalg.matmul or batch_matmul, does; or why
/// there is none, in `reason`.
FailureOr<RuntimeCall> describeDnnCall(Operation *op, const ElementCodes &elements,
                                       std::string &reason);
FailureOr<RuntimeCall> describeMatmulCall(Operation *op, const ElementCodes &elements,
                                          std::string &reason);

/// Why the operands of `op` cannot be passed as pointers, or nothing: they must be memrefs of
/// static shape, not empty, contiguous and in row-major order.
std::optional<std::string> refuseOperands(Operation *op);

/// Sets `reason` and fails.
inline LogicalResult refuse(std::string &reason, const Twine &text) {
  reason = text.str();
  return failure();
}

} // namespace mlir::abn

#endif // ABN_LIB_LOWER_CONVERTDNNTOCALLS_H
