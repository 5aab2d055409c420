// The reader of packing problems. Every refusal says where, what was expected and what was there.
#include "CsvColumns.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_ostream.h"

using namespace abn::pack;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

/// The text in backticks, escaped, and cut where it is long.
static std::string quote(StringRef text) {
  constexpr size_t kShown = 40;
  std::string quoted = "`";
  llvm::raw_string_ostream os(quoted);
  llvm::printEscapedString(text.take_front(kShown), os);
  os << (text.size() > kShown ? "..." : "") << '`';
  return quoted;
}

namespace {
/// A field and where it begins. Lines and columns count from 1, columns in bytes.
struct Field {
  StringRef text;
  size_t column;
};

class CsvReader {
public:
  CsvReader(llvm::MemoryBufferRef source, const CsvOptions &options)
      : file(source.getBufferIdentifier()), rest(source.getBuffer()), options(options) {}

  Error read(NamedProblem &named);

private:
  bool nextLine();
  Error error(size_t column, const Twine &message) const;
  Error readHeader(NamedProblem &named);
  Error readRow(NamedProblem &named);
  Error readField(const Field &field, Column column, NamedProblem &named, Buffer &buffer);
  Error readInteger(const Field &field, int64_t least, StringRef what, int64_t &value) const;
  Error readId(const Field &field, NamedProblem &named);
  Error readOffset(const Field &field, Buffer &buffer) const;
  Error readGaps(const Field &field, Buffer &buffer) const;
  Error checkLifetime(const Buffer &buffer) const;
  Error checkEnd(const Buffer &buffer) const;

  StringRef file, rest;
  CsvOptions options;
  size_t lineNumber = 0;
  std::vector<Field> fields;
  /// The line of each id.
  llvm::StringMap<size_t> lines;
  /// The current row's fields that are judged when all of it is read.
  Field upper, gaps, offset;
};
} // namespace

/// Splits the next line into fields; false at the end.
bool CsvReader::nextLine() {
  if (rest.empty())
    return false;
  StringRef line;
  std::tie(line, rest) = rest.split('\n');
  line.consume_back("\r");
  ++lineNumber;
  fields.clear();
  for (size_t begin = 0;;) {
    size_t comma = line.find(',', begin);
    fields.push_back({line.slice(begin, comma), begin + 1});
    if (comma == StringRef::npos)
      return true;
    begin = comma + 1;
  }
}

Error CsvReader::error(size_t column, const Twine &message) const {
  return llvm::createStringError(file + ":" + Twine(lineNumber) + ":" + Twine(column) +
                                 ": error: " + message);
}

Error CsvReader::readHeader(NamedProblem &named) {
  if (!nextLine()) {
    lineNumber = 1;
    return error(1, "expected a header with the columns `id`, `lower`, `upper` and `size`, got an "
                    "empty file");
  }
  named.columns.clear();
  for (const Field &field : fields) {
    const auto *known =
        llvm::find_if(kColumns, [&](const NamedColumn &c) { return c.name == field.text; });
    if (known == std::end(kColumns))
      return error(field.column, "expected a column `id`, `lower`, `upper`, `size`, `alignment`, "
                                 "`gaps`, `hint` or `offset`, got " +
                                     quote(field.text));
    if (llvm::is_contained(named.columns, known->column))
      return error(field.column, "expected each column once, got `" + known->name + "` again");
    named.columns.push_back(known->column);
  }
  for (const NamedColumn &column : llvm::ArrayRef(kColumns).take_front(4))
    if (!llvm::is_contained(named.columns, column.column))
      return error(1, "expected a column `" + column.name + "`, got none");
  return Error::success();
}

Error CsvReader::readInteger(const Field &field, int64_t least, StringRef what,
                             int64_t &value) const {
  // getAsInteger also takes a plus sign, which the format does not have.
  if (field.text.starts_with("+") || field.text.getAsInteger(10, value)) {
    StringRef digits = field.text;
    digits.consume_front("-");
    bool isNumber = !digits.empty() && llvm::all_of(digits, llvm::isDigit);
    return error(field.column, "expected " + what + " as " + (isNumber ? "a 64-bit" : "an") +
                                   " integer, got " + quote(field.text));
  }
  if (value < least)
    return error(field.column,
                 "expected " + what + " of at least " + Twine(least) + ", got " + Twine(value));
  return Error::success();
}

Error CsvReader::readId(const Field &field, NamedProblem &named) {
  if (field.text.empty() || !llvm::all_of(field.text, [](char c) { return uint8_t(c) >= 0x20; }))
    return error(field.column,
                 "expected an id without control characters, got " + quote(field.text));
  auto [entry, isNew] = lines.try_emplace(field.text, lineNumber);
  if (!isNew)
    return error(field.column, "expected each id once, got " + quote(field.text) +
                                   " again, first in line " + Twine(entry->second));
  named.ids.push_back(field.text.str());
  return Error::success();
}

Error CsvReader::readOffset(const Field &field, Buffer &buffer) const {
  int64_t value = 0;
  if (field.text.empty())
    return Error::success();
  if (Error failure = readInteger(field, options.fixedOffsets ? 0 : INT64_MIN, "an offset", value))
    return failure;
  if (options.fixedOffsets)
    buffer.offset = value;
  return Error::success();
}

/// Gaps such as `7-9 12-16`.
Error CsvReader::readGaps(const Field &field, Buffer &buffer) const {
  size_t begin = 0;
  while (true) {
    begin = field.text.find_first_not_of(' ', begin);
    if (begin == StringRef::npos)
      return Error::success();
    StringRef text = field.text.slice(begin, field.text.find(' ', begin)), number = text;
    size_t column = field.column + begin;
    begin += text.size();
    if (text.contains('@'))
      return error(column, "expected a gap without a window, got " + quote(text) +
                               ": windows (`@`) are not supported");
    Gap gap;
    bool bad = number.starts_with("+") || number.consumeInteger(10, gap.lower) ||
               !number.consume_front("-") || number.starts_with("+") ||
               number.getAsInteger(10, gap.upper);
    if (bad)
      return error(column, "expected a gap such as `7-9`, got " + quote(text));
    if (gap.lower >= gap.upper || gap.lower < buffer.lower || gap.upper > buffer.upper)
      return error(column, "expected a non-empty gap within [" + Twine(buffer.lower) + ", " +
                               Twine(buffer.upper) + "), got " + quote(text));
    buffer.gaps.push_back(gap);
  }
}

Error CsvReader::readField(const Field &field, Column column, NamedProblem &named, Buffer &buffer) {
  int64_t hint = 0;
  switch (column) {
  case Column::Id:
    return readId(field, named);
  case Column::Lower:
    return readInteger(field, INT64_MIN, "a lower end of the lifetime", buffer.lower);
  case Column::Upper:
    upper = field;
    return readInteger(field, INT64_MIN, "an upper end of the lifetime", buffer.upper);
  case Column::Size:
    return readInteger(field, 0, "a size", buffer.size);
  case Column::Alignment:
    return readInteger(field, 1, "an alignment", buffer.alignment);
  case Column::Gaps:
    gaps = field;
    return Error::success();
  case Column::Hint:
    if (Error failure = readInteger(field, INT64_MIN, "a hint", hint))
      return failure;
    named.hints.push_back(hint);
    return Error::success();
  case Column::Offset:
    offset = field;
    return readOffset(field, buffer);
  }
  llvm_unreachable("all columns are handled");
}

Error CsvReader::checkLifetime(const Buffer &buffer) const {
  if (buffer.lower > buffer.upper)
    return error(upper.column, "expected an upper end of at least the lower end " +
                                   Twine(buffer.lower) + ", got " + Twine(buffer.upper));
  return Error::success();
}

Error CsvReader::checkEnd(const Buffer &buffer) const {
  if (buffer.offset && *buffer.offset > INT64_MAX - buffer.size)
    return error(offset.column, "expected an offset of at most " + Twine(INT64_MAX - buffer.size) +
                                    " for a buffer of " + Twine(buffer.size) + " bytes, got " +
                                    Twine(*buffer.offset));
  return Error::success();
}

Error CsvReader::readRow(NamedProblem &named) {
  if (fields.size() != named.columns.size())
    return error(fields.back().column, "expected " + Twine(named.columns.size()) + " fields, got " +
                                           Twine(fields.size()));
  Buffer buffer;
  gaps = {};
  for (auto [field, column] : llvm::zip_equal(fields, named.columns))
    if (Error failure = readField(field, column, named, buffer))
      return failure;
  if (Error failure = checkLifetime(buffer))
    return failure;
  if (Error failure = checkEnd(buffer))
    return failure;
  if (Error failure = readGaps(gaps, buffer))
    return failure;
  named.problem.buffers.push_back(std::move(buffer));
  return Error::success();
}

Error CsvReader::read(NamedProblem &named) {
  if (Error failure = readHeader(named))
    return failure;
  while (nextLine())
    if (Error failure = readRow(named))
      return failure;
  return Error::success();
}

llvm::Expected<NamedProblem> abn::pack::readCsv(llvm::MemoryBufferRef source,
                                                const CsvOptions &options) {
  NamedProblem named;
  if (Error failure = CsvReader(source, options).read(named))
    return failure;
  return named;
}
