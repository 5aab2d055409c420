// Reads the attributes that spell PyTorch's arguments.
#include "Attributes.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace mlir::abn::aten;

bool mlir::abn::aten::isNoneAttr(Attribute attr) { return isa<UnitAttr>(attr); }

std::optional<int64_t> mlir::abn::aten::readInteger(Attribute attr) {
  auto integer = dyn_cast<IntegerAttr>(attr);
  if (!integer || !(integer.getType().isSignlessInteger(64) || integer.getType().isIndex()))
    return std::nullopt;
  return integer.getValue().getSExtValue();
}

std::optional<bool> mlir::abn::aten::readBool(Attribute attr) {
  if (auto flag = dyn_cast<BoolAttr>(attr))
    return flag.getValue();
  return std::nullopt;
}

std::optional<ScalarArgument> mlir::abn::aten::readScalar(Attribute attr) {
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

std::optional<double> mlir::abn::aten::readNumber(Attribute attr) {
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

Attribute mlir::abn::aten::parseDefault(StringRef text, MLIRContext *context) {
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
