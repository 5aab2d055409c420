// The writer of packing problems and solutions.
#include "CsvColumns.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace abn::pack;

static void writeField(llvm::raw_ostream &os, const NamedProblem &named, size_t index,
                       Column column, std::optional<llvm::ArrayRef<int64_t>> offsets) {
  const Buffer &buffer = named.problem.buffers[index];
  switch (column) {
  case Column::Id:
    os << named.ids[index];
    break;
  case Column::Lower:
    os << buffer.lower;
    break;
  case Column::Upper:
    os << buffer.upper;
    break;
  case Column::Size:
    os << buffer.size;
    break;
  case Column::Alignment:
    os << buffer.alignment;
    break;
  case Column::Gaps:
    llvm::interleave(
        buffer.gaps, os, [&](const Gap &gap) { os << gap.lower << '-' << gap.upper; }, " ");
    break;
  case Column::Hint:
    os << named.hints[index];
    break;
  case Column::Offset:
    if (offsets)
      os << (*offsets)[index];
    else if (buffer.offset)
      os << *buffer.offset;
    break;
  }
}

void abn::pack::writeCsv(llvm::raw_ostream &os, const NamedProblem &named,
                         std::optional<llvm::ArrayRef<int64_t>> offsets) {
  std::vector<Column> columns = named.columns;
  auto ensure = [&](Column column, bool needed) {
    if (needed && !llvm::is_contained(columns, column))
      columns.push_back(column);
  };
  llvm::ArrayRef<Buffer> buffers = named.problem.buffers;
  ensure(Column::Alignment,
         llvm::any_of(buffers, [](const Buffer &b) { return b.alignment != 1; }));
  ensure(Column::Gaps, llvm::any_of(buffers, [](const Buffer &b) { return !b.gaps.empty(); }));
  ensure(Column::Offset, offsets.has_value() || llvm::any_of(buffers, [](const Buffer &b) {
                           return b.offset.has_value();
                         }));
  llvm::interleave(
      columns, os,
      [&](Column column) {
        os << llvm::find_if(kColumns, [&](const NamedColumn &c) {
                return c.column == column;
              })->name;
      },
      ",");
  os << '\n';
  for (size_t index = 0; index != buffers.size(); ++index) {
    llvm::interleave(
        columns, os, [&](Column column) { writeField(os, named, index, column, offsets); }, ",");
    os << '\n';
  }
}
