// Checks an op against its schema.
#include "Attributes.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::abn::aten;

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
    return error() << "expected " << schema->numResults << " results, got " << op->getNumResults();
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
    return error() << "expected " << schema->positional.size() << " arguments, got " << args.size()
                   << ": " << schema->text;
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
