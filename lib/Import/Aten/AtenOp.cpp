// Checks an op against its schema and reads its arguments.
#include "AtenOp.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::abn::aten;

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

static bool isNoneAttr(Attribute attr) { return isa<UnitAttr>(attr); }

/// An integer that is not a bool.
static std::optional<int64_t> readInteger(Attribute attr) {
  auto integer = dyn_cast<IntegerAttr>(attr);
  if (!integer || !(integer.getType().isSignlessInteger(64) || integer.getType().isIndex()))
    return std::nullopt;
  return integer.getValue().getSExtValue();
}

static std::optional<bool> readBool(Attribute attr) {
  if (auto flag = dyn_cast<BoolAttr>(attr))
    return flag.getValue();
  return std::nullopt;
}

static std::optional<ScalarArgument> readScalar(Attribute attr) {
  ScalarArgument scalar;
  if (std::optional<bool> flag = readBool(attr)) {
    scalar.kind = ScalarArgument::Kind::Bool;
    scalar.number = scalar.integer = *flag;
    return scalar;
  }
  if (std::optional<int64_t> integer = readInteger(attr)) {
    scalar.integer = *integer;
    scalar.number = static_cast<double>(*integer);
    return scalar;
  }
  if (auto number = dyn_cast<FloatAttr>(attr)) {
    scalar.kind = ScalarArgument::Kind::Float;
    scalar.number = number.getValueAsDouble();
    // What the number is where an integer tensor takes it; saturates, and NaN is 0.
    APSInt integer(64, /*isUnsigned=*/false);
    bool exact;
    number.getValue().convertToInteger(integer, APFloat::rmTowardZero, &exact);
    scalar.integer = number.getValue().isNaN() ? 0 : integer.getSExtValue();
    return scalar;
  }
  return std::nullopt;
}

/// A float; PyTorch also takes an integer for one.
static std::optional<double> readNumber(Attribute attr) {
  std::optional<ScalarArgument> scalar = readScalar(attr);
  if (!scalar || scalar->kind == ScalarArgument::Kind::Bool)
    return std::nullopt;
  return scalar->number;
}

Type mlir::abn::aten::parseDType(StringRef name, MLIRContext *context) {
  name.consume_front("torch.");
  Builder b(context);
  return llvm::StringSwitch<Type>(name)
      .Cases({"float32", "float"}, b.getF32Type())
      .Cases({"float64", "double"}, b.getF64Type())
      .Cases({"float16", "half"}, b.getF16Type())
      .Case("bfloat16", b.getBF16Type())
      .Case("bool", b.getI1Type())
      .Case("int8", b.getI8Type())
      .Cases({"int16", "short"}, b.getI16Type())
      .Cases({"int32", "int"}, b.getI32Type())
      .Cases({"int64", "long"}, b.getI64Type())
      .Default(Type());
}

/// The attribute that a keyword's default, as written in the schema, stands for.
static Attribute parseDefault(StringRef text, MLIRContext *context) {
  Builder b(context);
  int64_t integer;
  double number;
  if (text.empty() || text == "None")
    return b.getUnitAttr();
  if (text == "True" || text == "False")
    return b.getBoolAttr(text == "True");
  if (!text.getAsInteger(10, integer))
    return b.getI64IntegerAttr(integer);
  if (!text.getAsDouble(number))
    return b.getF64FloatAttr(number);
  return b.getStringAttr(text.trim('"'));
}

//===----------------------------------------------------------------------===//
// Binding
//===----------------------------------------------------------------------===//

FailureOr<AtenOp> AtenOp::bind(Operation *op, const Schema &schema, bool allowEmptyTensors,
                               FunctionState &state) {
  AtenOp bound(op, schema, state);
  if (op->getNumRegions() || op->getNumSuccessors())
    return bound.error() << "expected no regions and no successors";
  if (failed(bound.checkTypes(allowEmptyTensors)) || failed(bound.readArguments()) ||
      failed(bound.checkKeywordNames()))
    return failure();
  return bound;
}

static bool isSupportedElement(Type type) {
  return type.isF32() || type.isF64() || type.isF16() || type.isBF16() ||
         type.isSignlessInteger(1) || type.isSignlessInteger(8) || type.isSignlessInteger(16) ||
         type.isSignlessInteger(32) || type.isSignlessInteger(64);
}

/// Empty if a tensor of `type` can be handled, else what is wrong with it.
static StringRef rejectTensorType(Type type, bool allowEmpty) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return "expected a ranked tensor";
  if (tensor.getEncoding())
    return "expected a tensor without an encoding";
  if (!tensor.hasStaticShape())
    return "expected a static shape";
  bool empty = llvm::is_contained(tensor.getShape(), 0);
  if (empty && !allowEmpty)
    return "zero-size dimensions are not supported";
  if (!isSupportedElement(tensor.getElementType()) &&
      !(empty && tensor.getElementType().isInteger()))
    return "expected elements of f16, bf16, f32, f64, i1, i8, i16, i32 or i64";
  // Sizes are multiplied freely from here on; 2^48 elements are beyond any machine.
  int64_t elements = 1;
  for (int64_t size : tensor.getShape())
    if (llvm::MulOverflow(elements, size, elements) || elements > (int64_t(1) << 48))
      return "expected at most 2^48 elements";
  return "";
}

LogicalResult AtenOp::checkTypes(bool allowEmptyTensors) {
  for (auto [index, type] : llvm::enumerate(op->getOperandTypes()))
    if (StringRef reason = rejectTensorType(type, allowEmptyTensors); !reason.empty())
      return error() << "operand " << index << ": " << reason << ", got " << type;
  if (!schema->variadicResults && op->getNumResults() != schema->numResults)
    return error() << "expected " << schema->numResults << " results, got "
                   << op->getNumResults();
  for (auto [index, result] : llvm::enumerate(op->getResults())) {
    if (isa<NoneType>(result.getType())) {
      if (!result.use_empty())
        return error() << "result " << index << " is `none` and must not be used";
      continue;
    }
    if (StringRef reason = rejectTensorType(result.getType(), allowEmptyTensors); !reason.empty())
      return error() << "result " << index << ": " << reason << ", got " << result.getType();
  }
  return success();
}

LogicalResult AtenOp::readArguments() {
  auto args = dyn_cast_or_null<ArrayAttr>(op->getAttr("args"));
  if (!args)
    return error() << "expected an array attribute `args`";
  if (args.size() != schema->positional.size())
    return error() << "expected " << schema->positional.size() << " arguments, got "
                   << args.size() << ": " << schema->text;
  for (auto [spec, attr] : llvm::zip_equal(schema->positional, args))
    if (failed(readArgument(spec, attr)))
      return failure();
  for (const ArgumentSpec &spec : schema->keywords) {
    Attribute attr = op->getAttr(spec.name);
    if (failed(readArgument(spec, attr ? attr : parseDefault(spec.defaultText, op->getContext()))))
      return failure();
  }
  return success();
}

/// Keywords that say where or how a tensor is stored, not what it holds.
static bool isStorageKeyword(StringRef name) {
  return llvm::is_contained(
      {"layout", "device", "pin_memory", "memory_format", "non_blocking", "generator", "implicit"},
      name);
}

LogicalResult AtenOp::checkKeywordNames() {
  auto check = [&](NamedAttribute attr) -> LogicalResult {
    StringRef name = attr.getName().getValue();
    if (name == "args" || name.contains('.') || isStorageKeyword(name) ||
        llvm::any_of(schema->keywords, [&](const ArgumentSpec &s) { return s.name == name; }))
      return success();
    return error() << "does not take the keyword `" << name << "`: " << schema->text;
  };
  if (auto properties = dyn_cast_or_null<DictionaryAttr>(op->getPropertiesAsAttribute()))
    for (NamedAttribute attr : properties)
      if (failed(check(attr)))
        return failure();
  for (NamedAttribute attr : op->getDiscardableAttrs())
    if (failed(check(attr)))
      return failure();
  return success();
}

InFlightDiagnostic AtenOp::argumentError(const ArgumentSpec &spec, Attribute attr) const {
  return error() << "expected " << spec.typeText << " for `" << spec.name << "`, got " << attr;
}

Value AtenOp::getOperandOf(Attribute attr) const {
  auto reference = dyn_cast<StringAttr>(attr);
  unsigned index;
  StringRef text = reference ? reference.getValue() : "";
  if (!text.consume_front("%") || text.getAsInteger(10, index) || index >= op->getNumOperands())
    return {};
  return op->getOperand(index);
}

LogicalResult AtenOp::readArgument(const ArgumentSpec &spec, Attribute attr) {
  auto accept = [&] {
    arguments.emplace_back(spec.name, attr);
    return success();
  };
  if (isNoneAttr(attr)) {
    if (!spec.optional)
      return argumentError(spec, attr);
    return accept();
  }
  auto isTensor = [&](Attribute a) { return getOperandOf(a) != nullptr; };
  auto isInteger = [](Attribute a) { return readInteger(a).has_value(); };
  auto isNumber = [](Attribute a) { return readNumber(a).has_value(); };
  auto isBool = [](Attribute a) { return readBool(a).has_value(); };
  auto isScalar = [](Attribute a) { return readScalar(a).has_value(); };
  auto isListOf = [&](auto predicate) {
    auto list = dyn_cast<ArrayAttr>(attr);
    return list && llvm::all_of(list, [&](Attribute a) {
             return predicate(a) || (spec.optionalElements && isNoneAttr(a));
           });
  };
  auto reference = dyn_cast<StringAttr>(attr);
  if (reference && reference.getValue().starts_with("%") && !isTensor(attr))
    return error() << "argument `" << spec.name << "`: " << attr << " names none of the "
                   << op->getNumOperands() << " operands";
  switch (spec.kind) {
  case ArgumentKind::Tensor:
    return isTensor(attr) ? accept() : argumentError(spec, attr);
  case ArgumentKind::TensorList:
    return isListOf(isTensor) ? accept() : argumentError(spec, attr);
  case ArgumentKind::TensorOrScalar:
    return isTensor(attr) || isScalar(attr) ? accept() : argumentError(spec, attr);
  case ArgumentKind::Int:
    return isInteger(attr) ? accept() : argumentError(spec, attr);
  case ArgumentKind::IntList:
    return isListOf(isInteger) || isInteger(attr) ? accept() : argumentError(spec, attr);
  case ArgumentKind::Float:
    return isNumber(attr) ? accept() : argumentError(spec, attr);
  case ArgumentKind::FloatList:
    return isListOf(isNumber) ? accept() : argumentError(spec, attr);
  case ArgumentKind::Bool:
    return isBool(attr) ? accept() : argumentError(spec, attr);
  case ArgumentKind::BoolList:
    if (!isListOf(isBool) || (spec.exactSize && cast<ArrayAttr>(attr).size() != spec.exactSize))
      return argumentError(spec, attr);
    return accept();
  case ArgumentKind::Scalar:
    return isScalar(attr) ? accept() : argumentError(spec, attr);
  case ArgumentKind::ScalarList:
    return isListOf(isScalar) ? accept() : argumentError(spec, attr);
  case ArgumentKind::DType:
    if (!reference || !parseDType(reference.getValue(), op->getContext()))
      return argumentError(spec, attr);
    return accept();
  case ArgumentKind::String:
    return reference ? accept() : argumentError(spec, attr);
  }
  return failure();
}

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

std::optional<double> AtenOp::optionalNumber(StringRef name) const {
  return readNumber(get(name));
}

bool AtenOp::flag(StringRef name) const { return readBool(get(name)).value_or(false); }

std::optional<ScalarArgument> AtenOp::scalar(StringRef name) const {
  return readScalar(get(name));
}

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
    return error() << "expected " << rank << " entries for `" << name << "`, got "
                   << values.size();
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
    if (isa<NoneType>(type)) {
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
