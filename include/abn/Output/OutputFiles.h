// Several files that belong together: all of them are written, or none. LLVM's support library, no
// MLIR.
#ifndef ABN_OUTPUT_OUTPUTFILES_H
#define ABN_OUTPUT_OUTPUTFILES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace abn {

struct OutputFile {
  /// `-` is standard output, empty nothing.
  std::string path;
  std::string text;
};

/// Writes the files. If one cannot be written, or two are the same file, that is the error, which
/// calls them `what` ("the report"), and what was there before is still there. A pipe or a device
/// is written to, and so is what a link names.
llvm::Error writeFiles(llvm::ArrayRef<OutputFile> files, llvm::StringRef what);

} // namespace abn

#endif // ABN_OUTPUT_OUTPUTFILES_H
