// The parser of the table's rows.
#include "Schema.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/ErrorHandling.h"

using namespace mlir::abn::aten;
using llvm::StringRef;

static void malformed(StringRef text) {
  llvm::report_fatal_error(llvm::Twine("malformed aten schema: ") + text);
}

/// Takes the type apart from the outside: `int[2]?`, `Tensor?[]`.
static void parseType(ArgumentSpec &spec, StringRef row) {
  StringRef type = spec.typeText;
  spec.optional = type.consume_back("?");
  bool list = false;
  if (type.ends_with("]")) {
    list = true;
    StringRef size = type.substr(type.find('[') + 1).drop_back();
    type = type.take_until([](char c) { return c == '['; });
    spec.optionalElements = type.consume_back("?");
    // `int[2]` accepts one value for both; `bool[3]` is exact.
    if (type == "bool" && !size.empty() && size.getAsInteger(10, spec.exactSize))
      malformed(row);
  }
  std::optional<ArgumentKind> kind =
      llvm::StringSwitch<std::optional<ArgumentKind>>(type)
          .Case("Tensor", list ? ArgumentKind::TensorList : ArgumentKind::Tensor)
          .Case("TensorOrScalar", ArgumentKind::TensorOrScalar)
          .Cases({"int", "SymInt"}, list ? ArgumentKind::IntList : ArgumentKind::Int)
          .Case("float", list ? ArgumentKind::FloatList : ArgumentKind::Float)
          .Case("bool", list ? ArgumentKind::BoolList : ArgumentKind::Bool)
          .Case("Scalar", list ? ArgumentKind::ScalarList : ArgumentKind::Scalar)
          .Case("ScalarType", ArgumentKind::DType)
          .Case("str", ArgumentKind::String)
          .Default(std::nullopt);
  if (!kind)
    malformed(row);
  spec.kind = *kind;
}

/// Splits at commas outside of brackets.
static llvm::SmallVector<StringRef, 8> splitArguments(StringRef text) {
  llvm::SmallVector<StringRef, 8> parts;
  int depth = 0;
  size_t start = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '[' || text[i] == '(')
      ++depth;
    if (text[i] == ']' || text[i] == ')')
      --depth;
    if (text[i] == ',' && depth == 0) {
      parts.push_back(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  StringRef last = text.substr(start).trim();
  if (!last.empty())
    parts.push_back(last);
  return parts;
}

Schema mlir::abn::aten::parseSchema(StringRef text) {
  Schema schema;
  schema.text = text;
  auto [head, results] = text.split(" -> ");
  auto [name, arguments] = head.split('(');
  if (results.empty() || !arguments.consume_back(")"))
    malformed(text);
  schema.opName = ("aten." + name + (name.contains('.') ? "" : ".default")).str();
  bool keyword = false;
  for (StringRef part : splitArguments(arguments)) {
    if (part == "*") {
      keyword = true;
      continue;
    }
    ArgumentSpec spec;
    auto [type, rest] = part.split(' ');
    auto [argument, defaultText] = rest.split('=');
    spec.typeText = type;
    spec.name = argument;
    spec.defaultText = defaultText;
    spec.keyword = keyword;
    parseType(spec, text);
    if (keyword)
      schema.keywords.push_back(spec);
    else
      schema.positional.push_back(spec);
  }
  if (results == "Tensor[]")
    schema.variadicResults = true;
  else if (results.consume_front("(") && results.consume_back(")"))
    schema.numResults = splitArguments(results).size();
  else
    schema.numResults = 1;
  return schema;
}
