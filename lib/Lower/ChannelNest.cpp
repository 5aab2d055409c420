// Statistics by two passes, and the elements that bodies see; see ChannelNest.h.
#include "ChannelNest.h"
#include "LowerAbn.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace mlir::abn;

Value Elements::operator()(Value tensor) {
  if (!tensor)
    return Value();
  Value &element = elements[tensor];
  if (element.getType() != computeType)
    element = arith::ExtFOp::create(b, loc, computeType, element);
  return element;
}

SmallVector<Value> Elements::operator()(ValueRange tensors) {
  return llvm::map_to_vector(tensors, [&](Value tensor) { return (*this)(tensor); });
}

SmallVector<Value> mlir::abn::dropNull(ArrayRef<Value> values) {
  llvm::SetVector<Value> present;
  for (Value value : values)
    if (value)
      present.insert(value);
  return present.takeVector();
}

BatchStatistics ChannelNest::takeStatistics(const StatisticsRequest &request) {
  Value x = request.x;
  Value total = sum({x}, {Value()},
                    [&](ScalarBuilder &, Elements &e) { return SmallVector<Value>{e(x)}; })[0];
  Value center = perChannel({total}, {Value()}, [&](ScalarBuilder &s, Elements &e) {
    return SmallVector<Value>{s.div(e(total), count(s))};
  })[0];
  SmallVector<Value> moments = sum({x, center}, {Value(), Value()},
                                   [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
                                     Value deviation = s.sub(e(x), e(center));
                                     return {deviation, s.mul(deviation, deviation)};
                                   });
  SmallVector<Value> results =
      perChannel({center, moments[0], moments[1], request.gamma},
                 {request.meanInit, request.varianceInit, Value(), Value()},
                 [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
                   Value residue = s.div(e(moments[0]), count(s));
                   Value square = s.div(e(moments[1]), count(s));
                   Value variance = s.atLeast(s.sub(square, s.mul(residue, residue)), 0.0);
                   Value scale = mulIfPresent(s, inverseDeviation(s, variance, request.epsilon),
                                              request.effectiveGamma(s, e(request.gamma)));
                   return {s.add(e(center), residue), variance, residue, scale};
                 });
  return {results[0], results[1], center, results[2], results[3]};
}
