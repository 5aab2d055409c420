// What the options `target`, `chips` and `format` of abn-to-gpu default to.
#ifndef ABN_LOWER_GPUTARGETS_H
#define ABN_LOWER_GPUTARGETS_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace mlir::abn {

/// `format`, or what kernels for `target` become if it is empty: `isa` for spirv, whose modules the
/// driver compiles, else `fatbin`.
std::string getGpuFormat(llvm::StringRef target, llvm::StringRef format);

/// `chips`, or `opencl` for spirv, which has no other, if it is empty.
llvm::SmallVector<std::string> getGpuChips(llvm::StringRef target,
                                           llvm::ArrayRef<std::string> chips);

} // namespace mlir::abn

#endif // ABN_LOWER_GPUTARGETS_H
