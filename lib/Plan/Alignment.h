// The option `alignment` of the planning passes.
#ifndef ABN_PLAN_ALIGNMENT_H
#define ABN_PLAN_ALIGNMENT_H

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::abn {

/// Says at `loc` what is wrong with the option. It is bounded so that offsets fit in 64 bits.
inline LogicalResult checkAlignment(Location loc, int64_t alignment) {
  constexpr int64_t kLargest = int64_t(1) << 32;
  if (alignment <= 0 || !llvm::isPowerOf2_64(alignment))
    return emitError(loc) << "expected a power of two for the option `alignment`, got "
                          << alignment;
  if (alignment > kLargest)
    return emitError(loc) << "expected at most " << kLargest << " for the option `alignment`, got "
                          << alignment;
  return success();
}

} // namespace mlir::abn

#endif // ABN_PLAN_ALIGNMENT_H
