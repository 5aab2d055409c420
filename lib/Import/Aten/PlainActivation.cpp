// Activations that abn has no family for: elementwise linalg.
#include "Activation.h"
#include "Elementwise.h"

using namespace mlir;
using namespace mlir::abn::aten;

/// min(x, 0) - log1p(exp(-|x|)), which does not overflow.
static Value logSigmoid(Body &b, Value x) {
  Value e = b.exp(b.neg(b.call<math::AbsFOp>(x)));
  return b.sub(b.min(x, b.like(x, 0)), b.call<math::Log1pOp>(e));
}

static LogicalResult convertLogSigmoidForward(AtenOp &op) {
  if (failed(op.expectFloat("self")))
    return failure();
  RankedTensorType type = typeOf(op.tensor("self"));
  Value y =
      emitElementwise(op.builder(), type, op.tensor("self"), computeTypeOf(type.getElementType()),
                      [](Body &b, ValueRange a) { return logSigmoid(b, a[0]); });
  // The second result caches exp(-|x|) on some devices and is empty on others; no reader here
  // needs its values.
  RankedTensorType buffer = op.resultType(1);
  Value cache = buffer ? emitFill(op.builder(), buffer, 0.0) : Value();
  return op.replaceWith({y, cache});
}

/// glu: the first half times the sigmoid of the second.
static LogicalResult convertGlu(AtenOp &op) {
  RankedTensorType type = typeOf(op.tensor("self"));
  FailureOr<int64_t> dim = op.dim("dim", type.getRank());
  if (failed(dim) || failed(op.expectFloat("self")))
    return failure();
  if (type.getRank() == 0 || type.getDimSize(*dim) % 2)
    return op.error() << "expected an even size of dimension " << *dim << ", got " << type;
  SmallVector<int64_t> offsets(type.getRank(), 0), strides(type.getRank(), 1);
  SmallVector<int64_t> sizes(type.getShape());
  sizes[*dim] /= 2;
  ImplicitLocOpBuilder &b = op.builder();
  Value first = emitSlice(b, op.tensor("self"), offsets, sizes, strides);
  offsets[*dim] = sizes[*dim];
  Value second = emitSlice(b, op.tensor("self"), offsets, sizes, strides);
  return op.replaceWith(emitElementwise(
      b, withShape(type, sizes), {first, second}, computeTypeOf(type.getElementType()),
      [](Body &body, ValueRange a) { return body.mul(a[0], body.sigmoid(a[1])); }));
}

/// Both halves' gradients: dz * sigmoid(b), and dz * a * sigmoid'(b).
static LogicalResult convertGluBackward(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  Value self = op.tensor("self"), grad = op.tensor("grad_output");
  RankedTensorType type = typeOf(self);
  FailureOr<int64_t> dim = op.dim("dim", type.getRank());
  if (failed(dim) || failed(op.expectFloat("self")))
    return failure();
  if (type.getRank() == 0 || type.getDimSize(*dim) % 2)
    return op.error() << "expected an even size of dimension " << *dim << ", got " << type;
  SmallVector<int64_t> offsets(type.getRank(), 0), strides(type.getRank(), 1);
  SmallVector<int64_t> sizes(type.getShape());
  sizes[*dim] /= 2;
  if (grad.getType() != withShape(type, sizes))
    return op.error() << "expected `grad_output` of type " << withShape(type, sizes) << ", got "
                      << grad.getType();
  SmallVector<int64_t> behind(offsets);
  behind[*dim] = sizes[*dim];
  Value first = emitSlice(b, self, offsets, sizes, strides);
  Value second = emitSlice(b, self, behind, sizes, strides);
  Type compute = computeTypeOf(type.getElementType());
  SmallVector<Value> halves =
      emitElementwise(b, {typeOf(grad), typeOf(grad)}, {grad, first, second}, compute,
                      [](Body &body, ValueRange a) -> SmallVector<Value> {
                        Value s = body.sigmoid(a[2]);
                        Value slope = body.mul(s, body.sub(body.like(s, 1), s));
                        return {body.mul(a[0], s), body.mul(a[0], body.mul(a[1], slope))};
                      });
  Value result = emitEmpty(b, type.getShape(), type.getElementType());
  result = emitInsert(b, halves[0], result, offsets, strides);
  return op.replaceWith(emitInsert(b, halves[1], result, behind, strides));
}

void mlir::abn::aten::addPlainActivations(Registry &r) {
  r.add("glu_backward(Tensor grad_output, Tensor self, int dim) -> Tensor", convertGluBackward);
  auto same = ResultKind::Float;
  r.add("log_sigmoid_forward(Tensor self) -> (Tensor, Tensor)", convertLogSigmoidForward,
        /*allowEmptyTensors=*/true);
  r.add(
      "log_sigmoid_backward(Tensor grad_output, Tensor self, Tensor buffer) -> Tensor",
      [](AtenOp &op) -> LogicalResult {
        if (failed(checkGradOperands(op, "grad_output", "self")))
          return failure();
        return elementwise(ResultKind::Float, {"grad_output", "self"}, [](Body &b, ValueRange a) {
          return b.mul(a[0], b.sigmoid(b.neg(a[1])));
        })(op);
      },
      /*allowEmptyTensors=*/true);
  r.add("hardshrink(Tensor self, Scalar lambd) -> Tensor",
        elementwise(same, {"self"},
                    [](Body &b, ValueRange a) {
                      Value small = b.compare(Compare::LE, b.call<math::AbsFOp>(a[0]), a[1]);
                      return b.select(small, b.like(a[0], 0), a[0]);
                    },
                    {"lambd"}));
  r.add("hardshrink_backward(Tensor grad_out, Tensor self, Scalar lambd) -> Tensor",
        elementwise(same, {"grad_out", "self"},
                    [](Body &b, ValueRange a) {
                      Value small = b.compare(Compare::LE, b.call<math::AbsFOp>(a[1]), a[2]);
                      return b.select(small, b.like(a[0], 0), a[0]);
                    },
                    {"lambd"}));
  r.add("softshrink(Tensor self, Scalar lambd) -> Tensor",
        elementwise(same, {"self"},
                    [](Body &b, ValueRange a) {
                      Value zero = b.like(a[0], 0);
                      Value low = b.select(b.compare(Compare::LT, a[0], b.neg(a[1])),
                                           b.add(a[0], a[1]), zero);
                      return b.select(b.compare(Compare::GT, a[0], a[1]), b.sub(a[0], a[1]), low);
                    },
                    {"lambd"}));
  r.add("softshrink_backward(Tensor grad_output, Tensor self, Scalar lambd) -> Tensor",
        elementwise(same, {"grad_output", "self"},
                    [](Body &b, ValueRange a) {
                      Value small = b.compare(Compare::LE, b.call<math::AbsFOp>(a[1]), a[2]);
                      return b.select(small, b.like(a[0], 0), a[0]);
                    },
                    {"lambd"}));
  r.add("threshold(Tensor self, Scalar threshold, Scalar value) -> Tensor",
        elementwise(ResultKind::Promoted, {"self"},
                    [](Body &b, ValueRange a) {
                      return b.select(b.compare(Compare::LE, a[0], a[1]), a[2], a[0]);
                    },
                    {"threshold", "value"}));
  r.add("glu(Tensor self, int dim) -> Tensor", convertGlu);
}
