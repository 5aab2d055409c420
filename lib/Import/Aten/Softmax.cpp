// softmax, log_softmax and their gradients.
#include "../Emit/Emit.h"
#include "Registry.h"
#include <limits>

using namespace mlir;
using namespace mlir::abn::aten;

/// The reduction over `dim` that keeps it with size 1.
static ReductionSpec along(RankedTensorType type, ArrayRef<int64_t> dims, double init = 0) {
  return {type.getShape(), dims, /*keepDims=*/true, computeTypeOf(type.getElementType()), init};
}

static ConvertFn convertSoftmax(bool logarithm) {
  return [=](AtenOp &op) -> LogicalResult {
    ImplicitLocOpBuilder &b = op.builder();
    Value self = op.tensor("self");
    RankedTensorType type = typeOf(self);
    FailureOr<int64_t> dim = op.dim("dim", type.getRank());
    if (failed(dim) || failed(op.expectFloat("self")))
      return failure();
    SmallVector<int64_t> dims;
    if (type.getRank())
      dims.push_back(*dim);
    Type element = op.flag("half_to_float") ? Type(b.getF32Type()) : type.getElementType();
    Type compute = computeTypeOf(type.getElementType());
    Value max = emitReduction(b, along(type, dims, -std::numeric_limits<double>::infinity()), self,
                              nullptr, [](Body &body, Value x, Value y) { return body.max(x, y); });
    Value sum = emitSum(b, along(type, dims), {self, max},
                        [](Body &body, ValueRange a) { return body.exp(body.sub(a[0], a[1])); });
    return op.replaceWith(emitElementwise(
        b, withElement(type, element), {self, max, sum}, compute, [&](Body &body, ValueRange a) {
          Value shifted = body.sub(a[0], a[1]);
          return logarithm ? body.sub(shifted, body.log(a[2])) : body.div(body.exp(shifted), a[2]);
        }));
  };
}

/// softmax that gives 0, not NaN, for a row that is -inf throughout (a row that is masked).
static LogicalResult convertSafeSoftmax(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  Value self = op.tensor("self");
  RankedTensorType type = typeOf(self);
  FailureOr<int64_t> dim = op.dim("dim", type.getRank());
  if (failed(dim) || failed(op.expectFloat("self")))
    return failure();
  SmallVector<int64_t> dims;
  if (type.getRank())
    dims.push_back(*dim);
  Type element = op.dtype("dtype") ? op.dtype("dtype") : type.getElementType();
  double infinity = std::numeric_limits<double>::infinity();
  Value max = emitReduction(b, along(type, dims, -infinity), self, nullptr,
                            [](Body &body, Value x, Value y) { return body.max(x, y); });
  Value sum = emitSum(b, along(type, dims), {self, max},
                      [](Body &body, ValueRange a) { return body.exp(body.sub(a[0], a[1])); });
  return op.replaceWith(
      emitElementwise(b, withElement(type, element), {self, max, sum},
                      computeTypeOf(type.getElementType()), [&](Body &body, ValueRange a) {
                        Value masked = body.compare(Compare::EQ, a[1], -infinity);
                        Value value = body.div(body.exp(body.sub(a[0], a[1])), a[2]);
                        return body.select(masked, body.like(value, 0), value);
                      }));
}

/// softmax: (g - sum(g*y)) * y; log_softmax: g - exp(y) * sum(g).
static ConvertFn convertSoftmaxBackward(bool logarithm) {
  return [=](AtenOp &op) -> LogicalResult {
    ImplicitLocOpBuilder &b = op.builder();
    Value grad = op.tensor("grad_output"), output = op.tensor("output");
    RankedTensorType type = typeOf(output);
    FailureOr<int64_t> dim = op.dim("dim", type.getRank());
    if (failed(dim) || failed(op.expectFloat("output")) ||
        failed(op.expectShape("grad_output", type.getShape())) ||
        failed(op.expectFloat("grad_output")))
      return failure();
    SmallVector<int64_t> dims;
    if (type.getRank())
      dims.push_back(*dim);
    Type element = op.dtype("input_dtype");
    if (!isa<FloatType>(element))
      return op.error() << "expected a floating-point `input_dtype`, got " << element;
    SmallVector<Value> summed = {grad};
    if (!logarithm)
      summed.push_back(output);
    Value sum = emitSum(b, along(type, dims), summed, [&](Body &body, ValueRange a) {
      return logarithm ? a[0] : body.mul(a[0], a[1]);
    });
    return op.replaceWith(emitElementwise(b, withElement(type, element), {grad, output, sum},
                                          computeTypeOf(type.getElementType()),
                                          [&](Body &body, ValueRange a) {
                                            if (logarithm)
                                              return body.sub(a[0], body.mul(body.exp(a[1]), a[2]));
                                            return body.mul(body.sub(a[0], a[2]), a[1]);
                                          }));
  };
}

void mlir::abn::aten::addSoftmax(Registry &r) {
  r.add("_softmax(Tensor self, int dim, bool half_to_float) -> Tensor", convertSoftmax(false));
  r.add("_log_softmax(Tensor self, int dim, bool half_to_float) -> Tensor", convertSoftmax(true));
  r.add("_safe_softmax(Tensor self, int dim, ScalarType? dtype) -> Tensor", convertSafeSoftmax);
  r.add("_softmax_backward_data(Tensor grad_output, Tensor output, int dim, "
        "ScalarType input_dtype) -> Tensor",
        convertSoftmaxBackward(false));
  r.add("_log_softmax_backward_data(Tensor grad_output, Tensor output, int dim, "
        "ScalarType input_dtype) -> Tensor",
        convertSoftmaxBackward(true));
}
