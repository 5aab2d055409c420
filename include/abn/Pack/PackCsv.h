// Packing problems and solutions as text, in the CSV format of google/minimalloc: docs/Packing.md.
#ifndef ABN_PACK_PACKCSV_H
#define ABN_PACK_PACKCSV_H

#include "abn/Pack/PackSolver.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBufferRef.h"

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace abn::pack {

enum class Column { Id, Lower, Upper, Size, Alignment, Gaps, Hint, Offset };

/// A problem with what else its file says.
struct NamedProblem {
  Problem problem;
  /// One per buffer.
  std::vector<std::string> ids;
  /// In the file's order.
  std::vector<Column> columns = {Column::Id, Column::Lower, Column::Upper, Column::Size};
  /// minimalloc's hints, kept and not used; one per buffer if there is such a column.
  std::vector<int64_t> hints = {};
};

struct CsvOptions {
  /// Takes the values of an `offset` column as fixed; an empty field leaves the buffer free.
  /// Otherwise the column is where the answer goes, and its values are ignored.
  bool fixedOffsets = false;
};

/// Reads a problem. The error's message begins with `file:line:column: error:`.
llvm::Expected<NamedProblem> readCsv(llvm::MemoryBufferRef source, const CsvOptions &options = {});

/// Writes the problem's columns; with offsets (one per buffer), also those, in the column of the
/// input or a last one.
void writeCsv(llvm::raw_ostream &os, const NamedProblem &named,
              std::optional<llvm::ArrayRef<int64_t>> offsets = std::nullopt);

} // namespace abn::pack

#endif // ABN_PACK_PACKCSV_H
