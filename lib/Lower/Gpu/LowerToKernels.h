// One abn op on memrefs as launches of kernels: what convert-abn-to-gpu does to each, and
// abn-add-scratch to know what it needs. Private to lib/Lower.
#ifndef ABN_LIB_LOWER_GPU_LOWERTOKERNELS_H
#define ABN_LIB_LOWER_GPU_LOWERTOKERNELS_H

#include "KernelBuilder.h"
#include "Tiling.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::abn {

/// Whether `op` is of the dialect and computes on activations; not one of the plan.
bool isChannelComputation(Operation *op);

/// Whether `op` can be lowered; says why not.
LogicalResult checkForKernels(Operation *op);

/// What the callers of private functions hand over.
class CallArguments {
public:
  explicit CallArguments(Operation *module);
  /// The values that `argument` may be; nullopt if others may call its function.
  std::optional<SmallVector<Value>> get(BlockArgument argument) const;

private:
  /// By name of the function.
  llvm::StringMap<SmallVector<func::CallOp>> calls;
  llvm::StringSet<> escaping;
};

/// Emits the launches at `b`'s insertion point and returns the bytes of scratch that they need.
/// `scratch` may be null. Precondition: checkForKernels.
int64_t lowerToKernels(OpBuilder &b, Operation *op, KernelModule &kernels, const Chip &chip,
                       const CallArguments &calls, Value scratch);

/// The chip of that name; null, with an error at `root` that lists the known ones, for another.
const Chip *findChipOrError(Operation *root, StringRef name);

} // namespace mlir::abn

#endif // ABN_LIB_LOWER_GPU_LOWERTOKERNELS_H
