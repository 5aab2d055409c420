// The built-in activations: parsing, verification, and the arithmetic of phi, its derivative and
// its inverse.
#include "abn/AbnDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

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
  SmallString<32> text;
  value.toString(text, /*FormatPrecision=*/0, /*FormatMaxPadding=*/4);
  if (text.find_first_of(".E") == StringRef::npos)
    text += ".0";
  printer << text;
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

// STUBS (to be replaced)
#define ACT(A) \
  StringRef A::getActivationName() const { return ""; } \
  bool A::isInvertible() const { return true; } \
  bool A::hasDerivativeFromOutput() const { return true; } \
  Value A::apply(OpBuilder &b, Location loc, Value y, ValueRange params) const { return y; } \
  Value A::derivative(OpBuilder &b, Location loc, Value y, ValueRange params) const { return y; } \
  Value A::invert(OpBuilder &b, Location loc, Value y, ValueRange params) const { return y; } \
  Value A::derivativeFromOutput(OpBuilder &b, Location loc, Value y, ValueRange params) const { return y; }
ACT(IdentityAttr) ACT(LeakyReluAttr) ACT(EluAttr) ACT(CeluAttr) ACT(SeluAttr) ACT(PreluAttr) ACT(SoftplusAttr) ACT(SigmoidAttr) ACT(TanhAttr) ACT(ReluAttr) ACT(HardtanhAttr) ACT(SiluAttr) ACT(GeluAttr) ACT(GeluTanhAttr) ACT(MishAttr) ACT(HardswishAttr) ACT(HardsigmoidAttr)
#define HAZ(A) StringRef A::getHazards() const { return ""; }
HAZ(LeakyReluAttr) HAZ(EluAttr) HAZ(CeluAttr) HAZ(SeluAttr) HAZ(PreluAttr) HAZ(SoftplusAttr) HAZ(SigmoidAttr) HAZ(TanhAttr)
unsigned PreluAttr::getNumParams() const { return 1; }
bool ReluAttr::isInvertibleWhereSensitive() const { return true; }
bool HardtanhAttr::isInvertibleWhereSensitive() const { return true; }
bool HardsigmoidAttr::isInvertibleWhereSensitive() const { return true; }
LogicalResult LeakyReluAttr::verify(function_ref<InFlightDiagnostic()> e, APFloat) { return success(); }
LogicalResult CeluAttr::verify(function_ref<InFlightDiagnostic()> e, APFloat) { return success(); }
LogicalResult EluAttr::verify(function_ref<InFlightDiagnostic()> e, APFloat, APFloat, APFloat) { return success(); }
LogicalResult SoftplusAttr::verify(function_ref<InFlightDiagnostic()> e, APFloat, APFloat) { return success(); }
LogicalResult HardtanhAttr::verify(function_ref<InFlightDiagnostic()> e, APFloat, APFloat) { return success(); }
