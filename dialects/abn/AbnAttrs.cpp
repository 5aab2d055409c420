// The built-in activations: parsing, verification, and what is known of each. Their arithmetic is
// in AbnActivations.cpp.
#include "abn/AbnDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/TypeSwitch.h"
#include <charconv>

using namespace mlir;
using namespace mlir::abn;

static ParseResult parseF64(AsmParser &parser, FailureOr<APFloat> &value) {
  double number;
  if (parser.parseFloat(number))
    return failure();
  value = APFloat(number);
  return success();
}

/// The shortest decimal that reads back as the same double, with a point so that it is a float.
static void printF64(AsmPrinter &printer, const APFloat &value) {
  char digits[32];
  char *end = std::to_chars(digits, digits + sizeof(digits), value.convertToDouble()).ptr;
  auto [mantissa, exponent] = StringRef(digits, end - digits).split('e');
  printer << mantissa;
  if (!mantissa.contains('.'))
    printer << ".0";
  if (!exponent.empty())
    printer << 'e' << exponent;
}

#include "abn/AbnEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "abn/AbnAttrs.cpp.inc"

void AbnDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "abn/AbnAttrs.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

using EmitError = function_ref<InFlightDiagnostic()>;

/// (activation_a1) Parameters are finite.
static LogicalResult verifyFinite(EmitError emitError, StringRef name, const APFloat &value) {
  if (value.isFinite())
    return success();
  SmallString<16> text;
  value.toString(text);
  return emitError() << "(activation_a1) expected a finite " << name << ", got " << text;
}

/// (activation_a2) Parameters that phi divides by are not zero.
static LogicalResult verifyDivisor(EmitError emitError, StringRef name, const APFloat &value) {
  if (failed(verifyFinite(emitError, name, value)))
    return failure();
  if (value.isZero())
    return emitError() << "(activation_a2) expected " << name << " not to be zero";
  return success();
}

LogicalResult LeakyReluAttr::verify(EmitError emitError, APFloat slope) {
  return verifyFinite(emitError, "slope", slope);
}

LogicalResult EluAttr::verify(EmitError emitError, APFloat alpha, APFloat scale,
                              APFloat inputScale) {
  if (failed(verifyFinite(emitError, "alpha", alpha)) ||
      failed(verifyFinite(emitError, "scale", scale)))
    return failure();
  return verifyFinite(emitError, "input_scale", inputScale);
}

LogicalResult CeluAttr::verify(EmitError emitError, APFloat alpha) {
  return verifyDivisor(emitError, "alpha", alpha);
}

LogicalResult SoftplusAttr::verify(EmitError emitError, APFloat beta, APFloat threshold) {
  if (failed(verifyDivisor(emitError, "beta", beta)))
    return failure();
  return verifyFinite(emitError, "threshold", threshold);
}

LogicalResult HardtanhAttr::verify(EmitError emitError, APFloat minVal, APFloat maxVal) {
  if (failed(verifyFinite(emitError, "minimum", minVal)) ||
      failed(verifyFinite(emitError, "maximum", maxVal)))
    return failure();
  if (minVal > maxVal)
    return emitError() << "(activation_a3) expected the minimum not to exceed the maximum, got "
                       << minVal.convertToDouble() << " and " << maxVal.convertToDouble();
  return success();
}

/// (activation_a4) A scaled activation is one, and keeps its inverse.
LogicalResult ScaledAttr::verify(EmitError emitError, Attribute base, APFloat inputScale,
                                 APFloat outputScale) {
  if (!isa<ActivationAttrInterface>(base))
    return emitError() << "(activation_a4) expected an activation, got " << base;
  for (auto [name, value] :
       {std::make_pair("input_scale", inputScale), {"output_scale", outputScale}}) {
    if (failed(verifyFinite(emitError, name, value)))
      return failure();
    if (value.isZero())
      return emitError() << "(activation_a4) expected " << name << " not to be zero";
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Names and properties
//===----------------------------------------------------------------------===//

static bool isPositive(const APFloat &value) {
  return value.isFiniteNonZero() && !value.isNegative();
}

/// Whether every element type holds `value` exactly. A clipped z then compares equal to the bound
/// that clipped it, whatever type z was stored in.
static bool isExactInEveryType(APFloat value) {
  for (const llvm::fltSemantics *semantics : {&APFloat::IEEEhalf(), &APFloat::BFloat()}) {
    APFloat rounded = value;
    bool losesInfo = false;
    rounded.convert(*semantics, APFloat::rmNearestTiesToEven, &losesInfo);
    if (losesInfo)
      return false;
  }
  return true;
}

StringRef IdentityAttr::getActivationName() const { return "identity"; }
bool IdentityAttr::isInvertible() const { return true; }
bool IdentityAttr::hasDerivativeFromOutput() const { return true; }
bool IdentityAttr::isDerivativeFromOutputExact() const { return true; }

StringRef LeakyReluAttr::getActivationName() const { return "leaky_relu"; }
bool LeakyReluAttr::isInvertible() const { return isPositive(getSlope()); }
// Slope 0 is relu.
bool LeakyReluAttr::isInvertibleWhereSensitive() const { return getSlope() >= APFloat(0.0); }
bool LeakyReluAttr::hasDerivativeFromOutput() const { return getSlope() >= APFloat(0.0); }
// A positive y is z, any other gives a z that is not positive.
bool LeakyReluAttr::isDerivativeFromOutputExact() const { return hasDerivativeFromOutput(); }
StringRef LeakyReluAttr::getHazards() const {
  return "z of a tiny negative y underflows to -0 in f16: y is recovered as -0 and phi' is still "
         "the slope. An error in z is multiplied by 1/slope where y < 0";
}

StringRef EluAttr::getActivationName() const { return "elu"; }
bool EluAttr::isInvertible() const {
  return isPositive(getAlpha()) && isPositive(getScale()) && isPositive(getInputScale());
}
bool EluAttr::hasDerivativeFromOutput() const { return isInvertible(); }
static constexpr StringLiteral kEluHazards =
    "z saturates at -scale*alpha: recovered values get coarse below y = -10/input_scale (f32; -3 "
    "in "
    "bf16, -6 in f16, -30 in f64) and end at the guard, -16.6/input_scale (f64: -36.7)";
StringRef EluAttr::getHazards() const { return kEluHazards; }

StringRef CeluAttr::getActivationName() const { return "celu"; }
bool CeluAttr::isInvertible() const { return isPositive(getAlpha()); }
bool CeluAttr::hasDerivativeFromOutput() const { return isInvertible(); }
StringRef CeluAttr::getHazards() const { return kEluHazards; }

StringRef SeluAttr::getActivationName() const { return "selu"; }
bool SeluAttr::isInvertible() const { return true; }
bool SeluAttr::hasDerivativeFromOutput() const { return true; }
StringRef SeluAttr::getHazards() const { return kEluHazards; }

StringRef PreluAttr::getActivationName() const { return "prelu"; }
unsigned PreluAttr::getNumParams() const { return 1; }
bool PreluAttr::isInvertible() const { return true; }
bool PreluAttr::hasDerivativeFromOutput() const { return true; }
StringRef PreluAttr::getHazards() const {
  return "a trained slope that reaches 0 or below cannot be inverted; the checksum sees it. "
         "Otherwise as leaky_relu";
}

/// Below this threshold softplus jumps by more than f32 rounding where it becomes the identity, so
/// that two inputs share an output.
static constexpr double kMinInvertibleThreshold = 15.0;

StringRef SoftplusAttr::getActivationName() const { return "softplus"; }
bool SoftplusAttr::isInvertible() const {
  return isPositive(getBeta()) && getThreshold() >= APFloat(kMinInvertibleThreshold);
}
bool SoftplusAttr::hasDerivativeFromOutput() const { return isInvertible(); }
StringRef SoftplusAttr::getHazards() const {
  return "z of a large negative y underflows to 0: y is recovered as log(smallest normal)/beta";
}

StringRef SigmoidAttr::getActivationName() const { return "sigmoid"; }
bool SigmoidAttr::isInvertible() const { return true; }
bool SigmoidAttr::hasDerivativeFromOutput() const { return true; }
StringRef SigmoidAttr::getHazards() const {
  return "z saturates at 1 for y > 16 (f32; 8 in f16, 5 in bf16): y is recovered as the guard, "
         "16.6 (f64: 36.7); z that underflowed to 0 as log(smallest normal)";
}

StringRef TanhAttr::getActivationName() const { return "tanh"; }
bool TanhAttr::isInvertible() const { return true; }
bool TanhAttr::hasDerivativeFromOutput() const { return true; }
StringRef TanhAttr::getHazards() const {
  return "z saturates at 1 for |y| > 9 (f32; 4 in f16, 3 in bf16): y is recovered as the guard, "
         "8.7 (f64: 18.7)";
}

StringRef ReluAttr::getActivationName() const { return "relu"; }
bool ReluAttr::isInvertible() const { return false; }
bool ReluAttr::isInvertibleWhereSensitive() const { return true; }
bool ReluAttr::hasDerivativeFromOutput() const { return true; }
bool ReluAttr::isDerivativeFromOutputExact() const { return true; }

StringRef HardtanhAttr::getActivationName() const { return "hardtanh"; }
bool HardtanhAttr::isInvertible() const { return false; }
bool HardtanhAttr::isInvertibleWhereSensitive() const { return hasDerivativeFromOutput(); }
bool HardtanhAttr::hasDerivativeFromOutput() const {
  return isExactInEveryType(getMinVal()) && isExactInEveryType(getMaxVal());
}
bool HardtanhAttr::isDerivativeFromOutputExact() const { return hasDerivativeFromOutput(); }

StringRef HardsigmoidAttr::getActivationName() const { return "hardsigmoid"; }
bool HardsigmoidAttr::isInvertible() const { return false; }
bool HardsigmoidAttr::isInvertibleWhereSensitive() const { return true; }
bool HardsigmoidAttr::hasDerivativeFromOutput() const { return true; }

StringRef SiluAttr::getActivationName() const { return "silu"; }
bool SiluAttr::isInvertible() const { return false; }
bool SiluAttr::hasDerivativeFromOutput() const { return false; }

StringRef GeluAttr::getActivationName() const { return "gelu"; }
bool GeluAttr::isInvertible() const { return false; }
bool GeluAttr::hasDerivativeFromOutput() const { return false; }

StringRef GeluTanhAttr::getActivationName() const { return "gelu_tanh"; }
bool GeluTanhAttr::isInvertible() const { return false; }
bool GeluTanhAttr::hasDerivativeFromOutput() const { return false; }

StringRef MishAttr::getActivationName() const { return "mish"; }
bool MishAttr::isInvertible() const { return false; }
bool MishAttr::hasDerivativeFromOutput() const { return false; }

StringRef HardswishAttr::getActivationName() const { return "hardswish"; }
bool HardswishAttr::isInvertible() const { return false; }
bool HardswishAttr::hasDerivativeFromOutput() const { return false; }

ActivationAttrInterface ScaledAttr::getPhi() const {
  return cast<ActivationAttrInterface>(getBase());
}
StringRef ScaledAttr::getActivationName() const {
  // The scaled forms that have a name of their own.
  double product = getInputScale().convertToDouble() * getOutputScale().convertToDouble();
  if (isa<SiluAttr>(getBase()) && std::abs(product - 1) < 1e-6)
    return std::abs(getInputScale().convertToDouble() - 1.702) < 1e-6 ? "quick_gelu" : "swish";
  return "scaled";
}
unsigned ScaledAttr::getNumParams() const { return getPhi().getNumParams(); }
bool ScaledAttr::isInvertible() const { return getPhi().isInvertible(); }
// Clipped values no longer stand on a bound that every type holds.
bool ScaledAttr::isInvertibleWhereSensitive() const { return isInvertible(); }
bool ScaledAttr::hasDerivativeFromOutput() const {
  return isInvertible() && getPhi().hasDerivativeFromOutput();
}
StringRef ScaledAttr::getHazards() const { return getPhi().getHazards(); }
