// The two contracts that let another project extend abn without touching it: an activation is
// any attribute that implements ActivationAttrInterface; an op whose operand can be rebuilt
// from its result implements RebuildOpInterface.
#ifndef ABN_INTERFACES_TD
#define ABN_INTERFACES_TD

include "mlir/IR/OpBase.td"

def ActivationAttrInterface : AttrInterface<"ActivationAttrInterface"> {
  let cppNamespace = "::mlir::abn";
  let description = [{
    An elementwise activation phi. The emitting methods work on one element: `y` and `z` have
    the compute type (f32, or f64 for f64 data; storage types are converted around the body),
    `params` are the per-channel parameters' values at that element, in the same type. They may
    emit arith and math ops only, so that the result stays in upstream dialects.
  }];
  let methods = [
    InterfaceMethod<"The name used in reports: `leaky_relu`.", "::llvm::StringRef",
                    "getActivationName">,
    InterfaceMethod<"How many per-channel parameters phi takes (prelu: one).", "unsigned",
                    "getNumParams", (ins), "", "return 0;">,
    InterfaceMethod<[{Whether y can be computed from z = phi(y) for every y of a training step. If
                      not, an in-place chain is illegal (dx needs xhat at clipped places too).}],
                    "bool", "isInvertible">,
    InterfaceMethod<[{Whether y can be computed from z wherever phi'(y) is not zero: enough when
                      the statistics are frozen (relu: yes), since there dx and dgamma need xhat
                      only where dy is not zero.}],
                    "bool", "isInvertibleWhereSensitive", (ins), "",
                    "return $_attr.isInvertible();">,
    InterfaceMethod<"Whether phi' can be computed from z instead of y, with equal results up to rounding.",
                    "bool", "hasDerivativeFromOutput">,
    InterfaceMethod<[{Whether phi' from z equals phi' from y bit by bit, in every element type: so where it
                      only depends on a comparison that rounding z cannot change (relu, leaky relu).}],
                    "bool", "isDerivativeFromOutputExact", (ins), "", "return false;">,
    InterfaceMethod<[{The numerical hazards of the inverse, for documentation and reports; empty
                      if there are none.}],
                    "::llvm::StringRef", "getHazards", (ins), "", "return \"\";">,
    InterfaceMethod<"Emits z = phi(y).", "::mlir::Value", "apply",
                    (ins "::mlir::OpBuilder &":$b, "::mlir::Location":$loc, "::mlir::Value":$y,
                     "::mlir::ValueRange":$params)>,
    InterfaceMethod<"Emits phi'(y).", "::mlir::Value", "derivative",
                    (ins "::mlir::OpBuilder &":$b, "::mlir::Location":$loc, "::mlir::Value":$y,
                     "::mlir::ValueRange":$params)>,
    InterfaceMethod<[{Emits y = phi^-1(z), finite for every z that phi gives (saturated and
                      underflowed values are guarded), and for every z whatever the value where phi
                      is bounded. Only called if isInvertible or isInvertibleWhereSensitive.}],
                    "::mlir::Value", "invert",
                    (ins "::mlir::OpBuilder &":$b, "::mlir::Location":$loc, "::mlir::Value":$z,
                     "::mlir::ValueRange":$params)>,
    InterfaceMethod<"Emits phi'(phi^-1(z)). Only called if hasDerivativeFromOutput.", "::mlir::Value",
                    "derivativeFromOutput",
                    (ins "::mlir::OpBuilder &":$b, "::mlir::Location":$loc, "::mlir::Value":$z,
                     "::mlir::ValueRange":$params)>
  ];
}

def RebuildOpInterface : OpInterface<"RebuildOpInterface"> {
  let cppNamespace = "::mlir::abn";
  let description = [{
    "My operand can be rebuilt from my result (and from my other operands)." Residual adds,
    invertible activations, reshapes and transposes implement it; the rewrite and the planner
    know only this interface.
  }];
  let methods = [
    InterfaceMethod<[{Whether `operand` can be rebuilt from the op's (first) result and its other
                      operands.}],
                    "bool", "canRebuildOperand",
                    (ins "::mlir::OpOperand &":$operand)>,
    InterfaceMethod<[{Emits the ops that rebuild `operand` from `result`. `operands` holds the
                      op's operands as they are available at the insertion point; the entry of
                      the rebuilt operand itself is null.}],
                    "::mlir::Value", "rebuildOperand",
                    (ins "::mlir::OpBuilder &":$b, "::mlir::Location":$loc,
                     "::mlir::OpOperand &":$operand, "::mlir::Value":$result,
                     "::mlir::ValueRange":$operands)>
  ];
}

#endif // ABN_INTERFACES_TD
