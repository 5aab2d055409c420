// Activations, their gradients and inverses.
#include "LowerAbn.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::abn;

/// `first` and then the params.
static SmallVector<Value> withParams(ArrayRef<Value> first, ValueRange params) {
  SmallVector<Value> operands(first);
  llvm::append_range(operands, params);
  return operands;
}

static SmallVector<Value> lowerActivation(ChannelNest &nest, ActivationOp op) {
  return {nest.map(withParams(op.getInput(), op.getParams()), op.getInits()[0],
                   [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
                     return {op.getActivation().apply(s.getBuilder(), s.getLoc(), e(op.getInput()),
                                                      e(op.getParams()))};
                   })};
}

static SmallVector<Value> lowerInverse(ChannelNest &nest, ActivationInverseOp op) {
  return {nest.map(withParams(op.getInput(), op.getParams()), op.getInits()[0],
                   [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
                     return {op.getActivation().invert(s.getBuilder(), s.getLoc(), e(op.getInput()),
                                                       e(op.getParams()))};
                   })};
}

static SmallVector<Value> lowerGrad(ChannelNest &nest, ActivationGradOp op) {
  return {nest.map(withParams({op.getOutputGrad(), op.getValue()}, op.getParams()),
                   op.getInits()[0], [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
                     ActivationAttrInterface phi = op.getActivation();
                     Value value = e(op.getValue());
                     SmallVector<Value> params = e(op.getParams());
                     Value slope =
                         op.getFromOutput()
                             ? phi.derivativeFromOutput(s.getBuilder(), s.getLoc(), value, params)
                             : phi.derivative(s.getBuilder(), s.getLoc(), value, params);
                     return {s.mul(e(op.getOutputGrad()), slope)};
                   })};
}

std::optional<SmallVector<Value>> mlir::abn::lowerActivationOp(ChannelNest &nest, Operation *op) {
  using Values = std::optional<SmallVector<Value>>;
  return llvm::TypeSwitch<Operation *, Values>(op)
      .Case([&](ActivationOp typed) -> Values { return lowerActivation(nest, typed); })
      .Case([&](ActivationInverseOp typed) -> Values { return lowerInverse(nest, typed); })
      .Case([&](ActivationGradOp typed) -> Values { return lowerGrad(nest, typed); })
      .Default(Values());
}
