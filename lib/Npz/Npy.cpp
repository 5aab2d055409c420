// Reads and writes one array; see Npy.h. The header is parsed strictly: what numpy writes, and no
// more of Python than that.
#include "Npz/Npy.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include <cstring>
#include <numeric>
#include <optional>

using namespace abn::npz;
using llvm::StringRef;
using llvm::Twine;

static constexpr StringRef kMagic("\x93NUMPY", 6);
/// Products of sizes stay below it.
static constexpr int64_t kMaxBytes = int64_t(1) << 62;

std::string Dtype::name() const {
  auto bits = [&](StringRef prefix) { return (prefix + Twine(8 * uint64_t(bytes))).str(); };
  switch (kind) {
  case 'b':
    return "bool";
  case 'i':
    return bits("int");
  case 'u':
    return bits("uint");
  case 'f':
    return bits("float");
  case 'c':
    return bits("complex");
  case 'V':
    return bits("void");
  default:
    return (Twine("<") + Twine(kind) + Twine(bytes / 4)).str();
  }
}

int64_t Array::size() const {
  return std::accumulate(shape.begin(), shape.end(), int64_t(1), std::multiplies<int64_t>());
}

std::string Array::describe() const {
  std::string sizes;
  for (int64_t size : shape)
    sizes += (sizes.empty() ? "" : ", ") + std::to_string(size);
  return dtype.name() + "[" + sizes + "]";
}

//===----------------------------------------------------------------------===//
// The header
//===----------------------------------------------------------------------===//

static llvm::Error fail(const Twine &message) { return llvm::createStringError(message); }

/// Text of the file in a message: printable, and not much of it.
static std::string quote(StringRef text) {
  std::string shown;
  llvm::raw_string_ostream os(shown);
  llvm::printEscapedString(text.take_front(40), os);
  return "`" + shown + (text.size() > 40 ? "..." : "") + "`";
}

static llvm::Error parseDtype(StringRef text, Dtype &dtype) {
  char order = text.empty() ? 0 : text.front();
  char kind = text.size() < 2 ? 0 : text[1];
  uint32_t count = 0;
  if (!StringRef("<>|=").contains(order) || text.size() < 2)
    return fail("expected an element type such as `<f4`, got " + quote(text));
  if (kind == 'O')
    return fail("the array holds Python objects, which are not read");
  if (!StringRef("biufcVU").contains(kind) || text.substr(2).getAsInteger(10, count))
    return fail("expected an element type such as `<f4`, got " + quote(text));
  bool isKnown = kind == 'b'   ? count == 1
                 : kind == 'f' ? count == 2 || count == 4 || count == 8
                 : kind == 'c' ? count == 8 || count == 16
                 : kind == 'V' || kind == 'U'
                     ? count < (1u << 28)
                     : count == 1 || count == 2 || count == 4 || count == 8;
  if (!isKnown)
    return fail("there are no elements of type " + quote(text));
  dtype = {kind, kind == 'U' ? 4 * count : count};
  if (order == '>' && dtype.bytes > 1)
    return fail("expected little-endian elements, got " + quote(text));
  return llvm::Error::success();
}

namespace {
/// Takes the dictionary's tokens from the front of the text.
class HeaderParser {
public:
  HeaderParser(StringRef text, NpyHeader &header) : text(text), header(header) {}

  llvm::Error parse() {
    if (!take("{"))
      return fail("expected a header that begins with `{`, got " + quote(text));
    bool hasDescr = false, hasOrder = false, hasShape = false;
    while (!take("}")) {
      std::optional<StringRef> key = takeString();
      if (!key || !take(":"))
        return fail("expected a key of the header, got " + quote(text));
      bool &seen = *key == "descr" ? hasDescr : *key == "shape" ? hasShape : hasOrder;
      if (*key != "descr" && *key != "shape" && *key != "fortran_order")
        return fail("unknown key " + quote(*key) + " in the header");
      if (seen)
        return fail("key " + quote(*key) + " stands twice in the header");
      seen = true;
      if (llvm::Error error = parseValue(*key))
        return error;
      if (!take(",") && !text.ltrim().starts_with("}"))
        return fail("expected `,` or `}` in the header, got " + quote(text));
    }
    if (!hasDescr || !hasOrder || !hasShape)
      return fail("expected the keys `descr`, `fortran_order` and `shape` in the header");
    if (!text.trim().empty())
      return fail("expected nothing behind the header's `}`, got " + quote(text.ltrim()));
    return llvm::Error::success();
  }

private:
  bool take(StringRef token) {
    text = text.ltrim();
    return text.consume_front(token);
  }

  std::optional<StringRef> takeString() {
    text = text.ltrim();
    char delimiter = text.empty() ? 0 : text.front();
    if (delimiter != '\'' && delimiter != '"')
      return std::nullopt;
    size_t end = text.find(delimiter, 1);
    if (end == StringRef::npos)
      return std::nullopt;
    StringRef taken = text.slice(1, end);
    text = text.drop_front(end + 1);
    return taken;
  }

  llvm::Error parseValue(StringRef key) {
    if (key == "shape")
      return parseShape();
    if (key == "fortran_order") {
      header.isFortranOrder = take("True");
      if (!header.isFortranOrder && !take("False"))
        return fail("expected `True` or `False` for `fortran_order`, got " + quote(text));
      return llvm::Error::success();
    }
    std::optional<StringRef> descr = takeString();
    if (!descr)
      return fail("expected one element type for `descr`, got " + quote(text.ltrim()) +
                  ": arrays of structures are not read");
    return parseDtype(*descr, header.dtype);
  }

  llvm::Error parseShape() {
    if (!take("("))
      return fail("expected a tuple for `shape`, got " + quote(text));
    while (!take(")")) {
      text = text.ltrim();
      StringRef before = text;
      int64_t size = 0;
      if (text.consumeInteger(10, size) || size < 0)
        return fail("expected a size in `shape`, got " + quote(before));
      header.shape.push_back(size);
      // Python's (3) is a number; (3,) is a tuple.
      bool isLast = !take(",");
      if (isLast && (!text.ltrim().starts_with(")") || header.shape.size() == 1))
        return fail("expected `,` in `shape`, got " + quote(text));
    }
    return llvm::Error::success();
  }

  StringRef text;
  NpyHeader &header;
};
} // namespace

llvm::Expected<NpyHeader> abn::npz::parseNpyHeader(StringRef text) {
  if (!text.starts_with(kMagic))
    return fail("expected an array of numpy (.npy), got other data");
  if (text.size() < 8)
    return fail("the header is cut off");
  unsigned version = uint8_t(text[6]);
  if (version < 1 || version > 3)
    return fail("expected version 1, 2 or 3 of the format, got " + Twine(version));
  uint64_t lengthBytes = version == 1 ? 2 : 4, begin = 8 + lengthBytes;
  if (text.size() < begin)
    return fail("the header is cut off");
  uint64_t length = version == 1 ? llvm::support::endian::read16le(text.data() + 8)
                                 : llvm::support::endian::read32le(text.data() + 8);
  if (text.size() - begin < length)
    return fail("the header is cut off");
  NpyHeader header;
  if (llvm::Error error = HeaderParser(text.substr(begin, length), header).parse())
    return std::move(error);
  header.dataOffset = begin + length;
  // Of an array with a size of 0, the other sizes count too: strides are products of them.
  int64_t bytes = std::max<int64_t>(header.dtype.bytes, 1);
  for (int64_t size : header.shape)
    if (llvm::MulOverflow(bytes, std::max<int64_t>(size, 1), bytes) || bytes > kMaxBytes)
      return fail("the array is larger than any memory");
  bool isEmpty = llvm::is_contained(header.shape, 0) || header.dtype.bytes == 0;
  header.dataBytes = isEmpty ? 0 : bytes;
  return header;
}

//===----------------------------------------------------------------------===//
// The elements
//===----------------------------------------------------------------------===//

/// Row-major elements of those in Fortran's order.
static std::string reorder(const NpyHeader &header, const std::string &data) {
  std::string result(data.size(), '\0');
  size_t bytes = header.dtype.bytes, rank = header.shape.size();
  llvm::SmallVector<int64_t> index(rank, 0), strides(rank, 1);
  for (size_t dim = 1; dim < rank; ++dim)
    strides[dim] = strides[dim - 1] * header.shape[dim - 1];
  int64_t source = 0;
  for (size_t at = 0; at < data.size(); at += bytes) {
    std::memcpy(&result[at], &data[source * bytes], bytes);
    for (size_t dim = rank; dim-- > 0;) {
      source += strides[dim];
      if (++index[dim] < header.shape[dim])
        break;
      source -= strides[dim] * header.shape[dim];
      index[dim] = 0;
    }
  }
  return result;
}

Array abn::npz::makeArray(const NpyHeader &header, std::string data) {
  if (header.isFortranOrder && header.shape.size() > 1)
    data = reorder(header, data);
  return {header.dtype, header.shape, std::move(data)};
}

std::string abn::npz::printNpy(const Array &array) {
  std::string shape;
  for (int64_t size : array.shape)
    shape += std::to_string(size) + (array.shape.size() == 1 ? "," : ", ");
  if (array.shape.size() > 1)
    shape.resize(shape.size() - 2);
  uint32_t count = array.dtype.kind == 'U' ? array.dtype.bytes / 4 : array.dtype.bytes;
  std::string header =
      (Twine("{'descr': '") + (array.dtype.bytes == 1 ? "|" : "<") + Twine(array.dtype.kind) +
       Twine(count) + "', 'fortran_order': False, 'shape': (" + shape + "), }")
          .str();
  // Elements begin at a multiple of 64 bytes; a line break ends the padding.
  bool isLong = header.size() + 64 + 10 > UINT16_MAX;
  size_t prefix = isLong ? 12 : 10;
  size_t total = llvm::alignTo(prefix + header.size() + 1, 64);
  header.resize(total - prefix - 1, ' ');
  header += '\n';
  std::string text = kMagic.str();
  text += isLong ? '\2' : '\1';
  text += '\0';
  for (size_t i = 0; i < prefix - 8; ++i)
    text += char(header.size() >> (8 * i));
  return text + header + array.data;
}
