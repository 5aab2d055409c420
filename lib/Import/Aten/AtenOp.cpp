// Typed access to a bound op's arguments, and its replacement.
#include "Attributes.h"

using namespace mlir;
using namespace mlir::abn::aten;

//===----------------------------------------------------------------------===//
// Typed access
//===----------------------------------------------------------------------===//

Attribute AtenOp::get(StringRef name) const {
  for (auto [argument, attr] : arguments)
    if (argument == name)
      return attr;
  llvm::report_fatal_error(llvm::Twine("no argument `") + name + "` in " + schema->text);
}

bool AtenOp::isNone(StringRef name) const { return isNoneAttr(get(name)); }

Value AtenOp::tensor(StringRef name) const { return getOperandOf(get(name)); }

SmallVector<Value> AtenOp::tensors(StringRef name) const {
  auto list = dyn_cast<ArrayAttr>(get(name));
  if (!list)
    return {};
  return llvm::map_to_vector(list, [&](Attribute attr) { return getOperandOf(attr); });
}

int64_t AtenOp::integer(StringRef name) const { return readInteger(get(name)).value_or(0); }

std::optional<int64_t> AtenOp::optionalInteger(StringRef name) const {
  return readInteger(get(name));
}

double AtenOp::number(StringRef name) const { return readNumber(get(name)).value_or(0); }

std::optional<double> AtenOp::optionalNumber(StringRef name) const { return readNumber(get(name)); }

bool AtenOp::flag(StringRef name) const { return readBool(get(name)).value_or(false); }

std::optional<ScalarArgument> AtenOp::scalar(StringRef name) const { return readScalar(get(name)); }

SmallVector<ScalarArgument> AtenOp::scalars(StringRef name) const {
  auto list = dyn_cast<ArrayAttr>(get(name));
  if (!list)
    return {};
  return llvm::map_to_vector(
      list, [](Attribute attr) { return readScalar(attr).value_or(ScalarArgument()); });
}

SmallVector<int64_t> AtenOp::integers(StringRef name) const {
  Attribute attr = get(name);
  if (std::optional<int64_t> single = readInteger(attr))
    return {*single};
  auto list = dyn_cast<ArrayAttr>(attr);
  if (!list)
    return {};
  return llvm::map_to_vector(list, [](Attribute a) { return readInteger(a).value_or(0); });
}

std::optional<SmallVector<double>> AtenOp::optionalNumbers(StringRef name) const {
  auto list = dyn_cast<ArrayAttr>(get(name));
  if (!list)
    return std::nullopt;
  return SmallVector<double>(
      llvm::map_range(list, [](Attribute a) { return readNumber(a).value_or(0); }));
}

SmallVector<bool> AtenOp::flags(StringRef name) const {
  auto list = dyn_cast<ArrayAttr>(get(name));
  if (!list)
    return {};
  return llvm::map_to_vector(list, [](Attribute a) { return readBool(a).value_or(false); });
}

Type AtenOp::dtype(StringRef name) const {
  auto text = dyn_cast<StringAttr>(get(name));
  return text ? parseDType(text.getValue(), op->getContext()) : Type();
}

StringRef AtenOp::string(StringRef name) const {
  auto text = dyn_cast<StringAttr>(get(name));
  return text ? text.getValue() : "";
}

FailureOr<SmallVector<int64_t>> AtenOp::expanded(StringRef name, unsigned rank,
                                                 ArrayRef<int64_t> fallback) {
  SmallVector<int64_t> values = integers(name);
  if (values.empty() && !fallback.empty())
    values.assign(fallback.begin(), fallback.end());
  if (values.size() == 1)
    values.resize(rank, values.front());
  if (values.size() != rank)
    return error() << "expected " << rank << " entries for `" << name << "`, got " << values.size();
  return values;
}

FailureOr<int64_t> AtenOp::normalizedDim(int64_t dim, int64_t rank, StringRef name) {
  // PyTorch lets a scalar be addressed as if it had one dimension.
  int64_t bound = std::max<int64_t>(rank, 1);
  if (dim < -bound || dim >= bound)
    return error() << "expected `" << name << "` in [" << -bound << ", " << bound << "), got "
                   << dim;
  return dim < 0 ? dim + bound : dim;
}

FailureOr<int64_t> AtenOp::dim(StringRef name, int64_t rank) {
  return normalizedDim(integer(name), rank, name);
}

FailureOr<SmallVector<int64_t>> AtenOp::dims(StringRef name, int64_t rank) {
  SmallVector<int64_t> result = integers(name);
  if (result.empty())
    return llvm::to_vector(llvm::seq<int64_t>(0, rank));
  for (int64_t &entry : result) {
    FailureOr<int64_t> dim = normalizedDim(entry, rank, name);
    if (failed(dim))
      return failure();
    entry = *dim;
  }
  llvm::sort(result);
  if (std::adjacent_find(result.begin(), result.end()) != result.end())
    return error() << "expected distinct dimensions for `" << name << "`";
  if (rank == 0)
    result.clear();
  return result;
}

LogicalResult AtenOp::expectRank(StringRef name, int64_t rank) {
  RankedTensorType type = typeOf(tensor(name));
  if (type.getRank() == rank)
    return success();
  return error() << "expected `" << name << "` of rank " << rank << ", got " << type;
}

LogicalResult AtenOp::expectShape(StringRef name, ArrayRef<int64_t> shape) {
  RankedTensorType type = typeOf(tensor(name));
  if (type.getShape() == shape)
    return success();
  return error() << "expected `" << name << "` of shape [" << shape << "], got " << type;
}

LogicalResult AtenOp::expectFloat(StringRef name) {
  RankedTensorType type = typeOf(tensor(name));
  if (isa<FloatType>(type.getElementType()))
    return success();
  return error() << "expected floating-point elements for `" << name << "`, got " << type;
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

RankedTensorType AtenOp::resultType(unsigned index) const {
  return dyn_cast<RankedTensorType>(op->getResult(index).getType());
}

LogicalResult AtenOp::replaceWith(ValueRange values) {
  if (values.size() != op->getNumResults())
    return error() << "computes " << values.size() << " results, got " << op->getNumResults();
  for (auto [index, value] : llvm::enumerate(values)) {
    Type type = op->getResult(index).getType();
    // A masked gradient may have a type in the trace; what matters is that nobody reads it.
    if (isa<NoneType>(type) || (!value && op->getResult(index).use_empty())) {
      replacements.push_back({});
      continue;
    }
    if (!value || value.getType() != type) {
      InFlightDiagnostic diag = error() << "result " << index << ": expected ";
      if (value)
        return diag << value.getType() << ", got " << type;
      return diag << "`none`, got " << type;
    }
    replacements.push_back(value);
  }
  return success();
}
