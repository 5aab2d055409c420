// Randomness, from the generator that all importers share.
#include "../Emit/Emit.h"
#include "../Emit/Uniform.h"
#include "Registry.h"

using namespace mlir;
using namespace mlir::abn::aten;

static FailureOr<double> readProbability(AtenOp &op) {
  double p = op.number("p");
  if (!(p >= 0 && p <= 1))
    return op.error() << "expected `p` in [0, 1], got " << p;
  return p;
}

/// mask = u >= p; output = input * mask / (1 - p). Exact at p = 0 (all kept) and p = 1 (none).
static LogicalResult convertDropout(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  Value input = op.tensor("input");
  RankedTensorType type = typeOf(input);
  FailureOr<double> p = readProbability(op);
  if (failed(p) || failed(op.expectFloat("input")))
    return failure();
  RankedTensorType maskType = withElement(type, b.getI1Type());
  bool train = op.isNone("train") || op.flag("train");
  if (!train || *p == 0)
    return op.replaceWith({input, emitFill(b, maskType, 1.0)});
  if (*p == 1)
    return op.replaceWith({emitFill(b, type, 0.0), emitFill(b, maskType, 0.0)});
  uint32_t seed = fmix32(++op.state().numRandomOps);
  Value mask = emitElementwise(b, maskType, {}, nullptr, [&](Body &body, ValueRange) {
    return body.compare(Compare::GE, emitUniform(body, type.getShape(), seed), *p);
  });
  Value output = emitElementwise(
      b, type, {input, mask}, computeTypeOf(type.getElementType()), [&](Body &body, ValueRange a) {
        return body.mul(body.mul(a[0], a[1]), body.like(a[0], 1 / (1 - *p)));
      });
  return op.replaceWith({output, mask});
}

static LogicalResult convertDropoutBackward(AtenOp &op) {
  Value grad = op.tensor("grad_output"), mask = op.tensor("mask");
  RankedTensorType type = typeOf(grad);
  if (failed(op.expectFloat("grad_output")) || failed(op.expectShape("mask", type.getShape())))
    return failure();
  double scale = op.number("scale");
  return op.replaceWith(
      emitElementwise(op.builder(), type, {grad, mask}, computeTypeOf(type.getElementType()),
                      [&](Body &body, ValueRange a) {
                        return body.mul(body.mul(a[0], a[1]), body.like(a[0], scale));
                      }));
}

/// 1 with probability p, in self's type.
static LogicalResult convertBernoulli(AtenOp &op) {
  RankedTensorType type = typeOf(op.tensor("self"));
  FailureOr<double> p = readProbability(op);
  if (failed(p))
    return failure();
  uint32_t seed = fmix32(++op.state().numRandomOps);
  return op.replaceWith(
      emitElementwise(op.builder(), type, {}, nullptr, [&](Body &body, ValueRange) {
        Value u = emitUniform(body, type.getShape(), seed);
        return body.cast(body.compare(Compare::LT, u, *p), type.getElementType());
      }));
}

static LogicalResult convertRandLike(AtenOp &op) {
  RankedTensorType type = typeOf(op.tensor("self"));
  Type element = op.dtype("dtype") ? op.dtype("dtype") : type.getElementType();
  if (!isa<FloatType>(element))
    return op.error() << "expected floating-point elements, got " << element;
  uint32_t seed = fmix32(++op.state().numRandomOps);
  return op.replaceWith(emitElementwise(
      op.builder(), withElement(type, element), {}, nullptr,
      [&](Body &body, ValueRange) { return emitUniform(body, type.getShape(), seed); }));
}

void mlir::abn::aten::addRandom(Registry &r) {
  r.add("native_dropout(Tensor input, float p, bool? train) -> (Tensor, Tensor)", convertDropout);
  r.add("native_dropout_backward(Tensor grad_output, Tensor mask, float scale) -> Tensor",
        convertDropoutBackward);
  r.add("bernoulli.p(Tensor self, float p) -> Tensor", convertBernoulli);
  r.add("rand_like(Tensor self, *, ScalarType? dtype=None) -> Tensor", convertRandLike);
}
