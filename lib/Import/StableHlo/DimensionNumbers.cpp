// Parses dimension numbers from their text, which is the same whether StableHLO is loaded or not.
#include "DimensionNumbers.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::abn::hlo;

/// One bracketed list of a convolution's dimensions, consumed from `text`.
static std::optional<ConvolutionLayout> parseLayout(StringRef &text, char first, char second) {
  size_t open = text.find('['), close = text.find(']');
  if (open == StringRef::npos || close == StringRef::npos || close < open)
    return std::nullopt;
  SmallVector<StringRef> parts;
  text.slice(open + 1, close).split(parts, ',');
  text = text.drop_front(close + 1);
  ConvolutionLayout layout;
  if (parts.size() < 2)
    return std::nullopt;
  layout.spatial.assign(parts.size() - 2, -1);
  for (auto [i, part] : llvm::enumerate(parts)) {
    StringRef label = part.trim();
    size_t number;
    if (label.size() == 1 && label[0] == first)
      layout.first = i;
    else if (label.size() == 1 && label[0] == second)
      layout.second = i;
    else if (!label.getAsInteger(10, number) && number < layout.spatial.size())
      layout.spatial[number] = i;
    else
      return std::nullopt;
  }
  bool complete =
      layout.first >= 0 && layout.second >= 0 && !llvm::is_contained(layout.spatial, int64_t(-1));
  return complete ? std::optional(layout) : std::nullopt;
}

FailureOr<ConvolutionDims> mlir::abn::hlo::readConvolutionDims(HloOp &op) {
  std::string all = op.text("dimension_numbers");
  StringRef text = all;
  auto input = parseLayout(text, 'b', 'f'), filter = parseLayout(text, 'i', 'o'),
       output = parseLayout(text, 'b', 'f');
  if (!input || !filter || !output || filter->rank() != input->rank() ||
      output->rank() != input->rank())
    return op.error() << "expected `dimension_numbers` like "
                         "#stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>, got "
                      << all;
  return ConvolutionDims{*input, *filter, *output};
}

StringRef DimensionLists::find(StringRef name) const {
  StringRef rest = text;
  for (size_t at = rest.find(name); at != StringRef::npos; at = rest.find(name)) {
    // A whole word: `offset_dims` is not `other_offset_dims`.
    bool starts = at == 0 || (!llvm::isAlnum(rest[at - 1]) && rest[at - 1] != '_');
    rest = rest.drop_front(at);
    StringRef value = rest.drop_front(name.size()).ltrim();
    if (starts && value.consume_front("="))
      return value.ltrim();
    rest = rest.drop_front(name.size());
  }
  return {};
}

SmallVector<int64_t> DimensionLists::get(StringRef name) const {
  StringRef value = find(name);
  SmallVector<int64_t> numbers;
  if (!value.consume_front("["))
    return numbers;
  SmallVector<StringRef> parts;
  value.take_until([](char c) { return c == ']'; }).split(parts, ',');
  for (StringRef part : parts) {
    int64_t number;
    if (!part.trim().getAsInteger(10, number))
      numbers.push_back(number);
  }
  return numbers;
}

std::optional<int64_t> DimensionLists::number(StringRef name) const {
  int64_t value;
  StringRef digits = find(name).take_while([](char c) { return llvm::isDigit(c); });
  return digits.getAsInteger(10, value) ? std::nullopt : std::optional(value);
}
