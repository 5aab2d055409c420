// Several files that belong together: all of them are written, or none. Private to lib/Report.
#ifndef ABN_LIB_REPORT_OUTPUTFILES_H
#define ABN_LIB_REPORT_OUTPUTFILES_H

#include "mlir/IR/Diagnostics.h"
#include <string>

namespace mlir::abn {

struct OutputFile {
  /// `-` is standard output, empty nothing.
  std::string path;
  std::string text;
};

/// Writes the files. If one cannot be written, or two are the same file, that is an error of
/// `emitError`'s, and what was there before is still there.
LogicalResult writeFiles(ArrayRef<OutputFile> files, function_ref<InFlightDiagnostic()> emitError);

} // namespace mlir::abn

#endif // ABN_LIB_REPORT_OUTPUTFILES_H
