// The memory report as one HTML page that loads nothing: docs/Report.md, "The page".
#ifndef ABN_LIB_REPORT_MEMORYPAGE_H
#define ABN_LIB_REPORT_MEMORYPAGE_H

#include "llvm/ADT/StringRef.h"

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace mlir::abn {

/// The page with `@ABN_DATA@`, once, where the report's JSON goes. The build joins it from
/// MemoryPage/.
extern const llvm::StringLiteral kMemoryPageTemplate;

/// Writes the page that shows `report`, the JSON of abn-report-memory (docs/Report.md). No string
/// in it can become markup.
void writeMemoryPage(llvm::raw_ostream &os, llvm::StringRef report);

} // namespace mlir::abn

#endif // ABN_LIB_REPORT_MEMORYPAGE_H
