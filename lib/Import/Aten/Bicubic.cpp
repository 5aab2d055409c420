// Bicubic resizing: cubic convolution (Keys 1981) with a = -0.75 along each axis, as PyTorch has
// it.
#include "Promotion.h"
#include "Registry.h"
#include <cmath>

using namespace mlir;
using namespace mlir::abn::aten;

namespace {
/// One axis: how a position of the result maps to the source.
struct CubicAxis {
  int64_t source, result;
  double scale;
  bool alignCorners;
};
} // namespace

/// The weight of the tap at distance |t - x| with |x| in the near (tap 1, 2) or far (0, 3) half.
static Value cubicWeight(Body &b, Value distance, bool near) {
  const double a = -0.75;
  auto c = [&](double value) { return b.like(distance, value); };
  Value d = distance;
  if (near) // ((a + 2) d - (a + 3)) d^2 + 1
    return b.add(b.mul(b.mul(b.sub(b.mul(c(a + 2), d), c(a + 3)), d), d), c(1));
  // ((a d - 5a) d + 8a) d - 4a
  return b.sub(b.mul(b.add(b.mul(b.sub(b.mul(c(a), d), c(5 * a)), d), c(8 * a)), d), c(4 * a));
}

/// How much position `o` of the result takes from position `s` of the source. Taps behind the edge
/// count for the edge.
static Value cubicShare(Body &b, const CubicAxis &axis, Value o, Value s, Type compute) {
  Value position = b.cast(b.cast(o, b.b.getI64Type()), compute);
  Value scale = b.constant(compute, axis.scale), half = b.constant(compute, 0.5);
  Value x =
      axis.alignCorners ? b.mul(position, scale) : b.sub(b.mul(b.add(position, half), scale), half);
  Value floor = b.call<math::FloorOp>(x);
  Value t = b.sub(x, floor), one = b.like(t, 1);
  Value base = b.cast(b.cast(floor, b.b.getI64Type()), b.b.getIndexType());
  Value zero = b.indexConstant(0), last = b.indexConstant(axis.source - 1);
  Value distances[] = {b.add(t, one), t, b.sub(one, t), b.sub(b.like(t, 2), t)};
  Value share = b.like(t, 0);
  for (int tap = 0; tap < 4; ++tap) {
    Value at = b.call<arith::AddIOp>(base, b.indexConstant(tap - 1));
    at = b.call<arith::MaxSIOp>(zero, Value(b.call<arith::MinSIOp>(at, last)));
    Value weight = cubicWeight(b, distances[tap], tap == 1 || tap == 2);
    share = b.add(share, whereEqual(b, weight, at, s));
  }
  return share;
}

static double axisScale(int64_t source, int64_t result, bool align, std::optional<double> factor) {
  if (align)
    return result > 1 ? static_cast<double>(source - 1) / static_cast<double>(result - 1) : 0;
  if (factor && *factor > 0)
    return 1 / *factor;
  return static_cast<double>(source) / static_cast<double>(result);
}

static Value emitBicubic(ImplicitLocOpBuilder &b, Value value, ArrayRef<CubicAxis> axes,
                         bool backward) {
  Type element = typeOf(value).getElementType(), compute = computeTypeOf(element);
  for (auto [i, axis] : llvm::enumerate(axes))
    value = emitAxisSum(b, value, 2 + i, backward ? axis.source : axis.result, compute,
                        [&, &axis = axis](Body &body, Value x, Value position, Value read) {
                          Value o = backward ? read : position, s = backward ? position : read;
                          return body.mul(x, cubicShare(body, axis, o, s, compute));
                        });
  return emitCast(b, value, element);
}

/// The two axes between image sizes `source` and `result`.
static FailureOr<SmallVector<CubicAxis>> readAxes(AtenOp &op, ArrayRef<int64_t> source,
                                                  ArrayRef<int64_t> result,
                                                  ArrayRef<std::optional<double>> factors) {
  SmallVector<CubicAxis> axes;
  bool align = op.flag("align_corners");
  for (auto [s, r, factor] : llvm::zip_equal(source, result, factors)) {
    if (s <= 0 || r <= 0)
      return op.error() << "expected positive sizes";
    double scale = axisScale(s, r, align, factor);
    if (!std::isfinite(scale))
      return op.error() << "expected positive scale factors";
    axes.push_back({s, r, scale, align});
  }
  return axes;
}

static LogicalResult convertForward(AtenOp &op, StringRef name, ArrayRef<int64_t> result,
                                    ArrayRef<std::optional<double>> factors) {
  Value self = op.tensor(name);
  if (failed(op.expectRank(name, 4)) || failed(op.expectFloat(name)))
    return failure();
  ArrayRef<int64_t> shape = typeOf(self).getShape();
  FailureOr<SmallVector<CubicAxis>> axes = readAxes(op, shape.drop_front(2), result, factors);
  SmallVector<int64_t> resized(shape.take_front(2));
  llvm::append_range(resized, result);
  if (failed(axes) || failed(broadcastShapes(op, {ArrayRef<int64_t>(resized)})))
    return failure();
  return op.replaceWith(emitBicubic(op.builder(), self, *axes, /*backward=*/false));
}

static LogicalResult convertVec(AtenOp &op) {
  if (failed(op.expectRank("input", 4)))
    return failure();
  ArrayRef<int64_t> in = typeOf(op.tensor("input")).getShape().drop_front(2);
  SmallVector<std::optional<double>> factors(2);
  if (!op.isNone("output_size")) {
    FailureOr<SmallVector<int64_t>> out = op.expanded("output_size", 2);
    return failed(out) ? failure() : convertForward(op, "input", *out, factors);
  }
  std::optional<SmallVector<double>> given = op.optionalNumbers("scale_factors");
  if (!given || given->size() != 2)
    return op.error() << "expected `output_size` or 2 `scale_factors`";
  SmallVector<int64_t> out;
  for (auto [size, factor, into] : llvm::zip_equal(in, *given, factors)) {
    double scaled = std::floor(static_cast<double>(size) * factor);
    if (!(scaled >= 1 && scaled < 0x1p31))
      return op.error() << "expected positive sizes";
    out.push_back(static_cast<int64_t>(scaled));
    into = factor;
  }
  return convertForward(op, "input", out, factors);
}

static LogicalResult convertPlain(AtenOp &op) {
  FailureOr<SmallVector<int64_t>> out = op.expanded("output_size", 2);
  if (failed(out))
    return failure();
  return convertForward(op, "self", *out,
                        {op.optionalNumber("scales_h"), op.optionalNumber("scales_w")});
}

static LogicalResult convertBackward(AtenOp &op) {
  FailureOr<SmallVector<int64_t>> out = op.expanded("output_size", 2);
  SmallVector<int64_t> input = op.integers("input_size");
  if (failed(out) || failed(op.expectFloat("grad_output")))
    return failure();
  if (input.size() != 4)
    return op.error() << "expected 4 entries for `input_size`, got " << input.size();
  SmallVector<int64_t> expected = {input[0], input[1], (*out)[0], (*out)[1]};
  if (failed(op.expectShape("grad_output", expected)))
    return failure();
  FailureOr<SmallVector<CubicAxis>> axes =
      readAxes(op, ArrayRef<int64_t>(input).drop_front(2), *out,
               {op.optionalNumber("scales_h"), op.optionalNumber("scales_w")});
  if (failed(axes) || failed(broadcastShapes(op, {ArrayRef<int64_t>(input)})))
    return failure();
  return op.replaceWith(
      emitBicubic(op.builder(), op.tensor("grad_output"), *axes, /*backward=*/true));
}

void mlir::abn::aten::addBicubic(Registry &r) {
  r.add("upsample_bicubic2d.vec(Tensor input, int[]? output_size, bool align_corners, "
        "float[]? scale_factors) -> Tensor",
        convertVec);
  r.add("upsample_bicubic2d(Tensor self, int[] output_size, bool align_corners, float? scales_h, "
        "float? scales_w) -> Tensor",
        convertPlain);
  r.add("upsample_bicubic2d_backward(Tensor grad_output, int[] output_size, int[] input_size, "
        "bool align_corners, float? scales_h, float? scales_w) -> Tensor",
        convertBackward);
}
