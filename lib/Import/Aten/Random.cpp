// Randomness: a counter-based generator, so that a graph gives the same masks on every run, machine
// and schedule. Element i of the function's k-th random op gets
//     h = fmix32(i * 0x9E3779B1 + fmix32(k + 1)),  u = (h >> 8) / 2^24,
// with fmix32 the finalizer of MurmurHash3 and i the element's row-major position modulo 2^32.
#include "Emit.h"
#include "Registry.h"
#include <cmath>

using namespace mlir;
using namespace mlir::abn::aten;

static uint32_t fmix32(uint32_t h) {
  h = (h ^ (h >> 16)) * 0x85EBCA6Bu;
  h = (h ^ (h >> 13)) * 0xC2B2AE35u;
  return h ^ (h >> 16);
}

static Value constantI32(Body &b, uint32_t value) {
  return arith::ConstantOp::create(b.b, b.loc, b.b.getI32IntegerAttr(static_cast<int32_t>(value)));
}

static Value emitFmix32(Body &b, Value h) {
  auto mix = [&](uint32_t shift, uint32_t factor) {
    Value shifted = b.call<arith::ShRUIOp>(h, constantI32(b, shift));
    h = b.call<arith::XOrIOp>(h, shifted);
    if (factor != 1)
      h = b.call<arith::MulIOp>(h, constantI32(b, factor));
  };
  mix(16, 0x85EBCA6Bu);
  mix(13, 0xC2B2AE35u);
  mix(16, 1);
  return h;
}

/// u in [0, 1) at the current position of loops over `shape`, as f32.
static Value emitUniform(Body &b, ArrayRef<int64_t> shape, uint32_t seed) {
  Type i32 = b.b.getI32Type();
  Value position = constantI32(b, 0);
  for (auto [i, size] : llvm::enumerate(shape)) {
    position = b.call<arith::MulIOp>(position, constantI32(b, static_cast<uint32_t>(size)));
    position = b.call<arith::AddIOp>(position, Value(b.call<arith::IndexCastOp>(i32, b.index(i))));
  }
  Value counter = b.call<arith::AddIOp>(
      b.call<arith::MulIOp>(position, constantI32(b, 0x9E3779B1u)), constantI32(b, seed));
  Value high = b.call<arith::ShRUIOp>(emitFmix32(b, counter), constantI32(b, 8));
  Value number = b.call<arith::UIToFPOp>(Type(b.b.getF32Type()), high);
  return b.mul(number, b.like(number, 0x1p-24));
}

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
