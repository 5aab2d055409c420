// Resizing as one gathering linalg.generic; its gradient axis by axis as a contraction with the
// matrix of interpolation weights, which holds for every mode, scale and (dynamic) size.
#include "ConvertDnnToLinalg.h"
#include "dnn/DnnDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::abn;
using namespace mlir::dnn;

namespace {
/// How destination positions map to the source along one axis. Positions are computed in `type`.
struct Axis {
  int64_t dim;
  OpFoldResult sourceSize, destinationSize;
  /// Destination and source are the same.
  bool identity;
  FloatType type;
  Value scale;
};

/// The source elements that a destination position reads: `low` with weight 1 - `weight` and `high`
/// with `weight`; nearest reads `low` alone.
struct Sample {
  Value low, high, weight;
};
} // namespace

/// numerator / denominator in `type`, as a constant if both sizes are known.
static Value getRatio(LinalgBuilder &b, OpFoldResult numerator, OpFoldResult denominator,
                      FloatType type) {
  std::optional<int64_t> n = getConstantIntValue(numerator), d = getConstantIntValue(denominator);
  if (n && d && *d != 0) {
    // The quotient of the rounded sizes, rounded: PyTorch divides in f32, and index arithmetic on
    // the scale shows it.
    double ratio = type.isF32() ? static_cast<float>(*n) / static_cast<float>(*d)
                                : static_cast<double>(*n) / static_cast<double>(*d);
    return b.real(type, ratio);
  }
  return arith::DivFOp::create(b, b.toReal(b.indexValue(numerator), type),
                               b.toReal(b.indexValue(denominator), type));
}

static Value getScale(LinalgBuilder &b, const Axis &axis, const ResizeParams &p, int64_t i) {
  if (!p.scales.empty())
    return b.real(axis.type, p.scales[i]);
  if (p.coordinates != Coordinates::AlignCorners)
    return getRatio(b, axis.sourceSize, axis.destinationSize, axis.type);
  // A destination of size 1 takes the first element.
  OpFoldResult one = b.index(1);
  OpFoldResult last = b.sub(axis.sourceSize, one), steps = b.sub(axis.destinationSize, one);
  if (isZeroInteger(steps))
    return b.real(axis.type, 0.0);
  return getRatio(b, last, b.max(steps, one), axis.type);
}

static SmallVector<Axis> getAxes(LinalgBuilder &b, Value source, Value destination,
                                 const ResizeParams &p) {
  SmallVector<Axis> axes;
  int64_t rank = cast<ShapedType>(source.getType()).getRank();
  // PyTorch computes the positions of nearest in f32 for every element type.
  FloatType type = p.mode == ResizeMode::Nearest ? FloatType(b.getF32Type())
                                                 : getAccumulatorType(b.element(source));
  for (int64_t i = 0; i < rank - 2; ++i) {
    Axis axis;
    axis.dim = getSpatialDim(p.layout, i);
    axis.sourceSize = b.size(source, axis.dim);
    axis.destinationSize = b.size(destination, axis.dim);
    axis.type = type;
    std::optional<int64_t> in = getConstantIntValue(axis.sourceSize);
    axis.identity = p.scales.empty() && in && in == getConstantIntValue(axis.destinationSize);
    if (!axis.identity)
      axis.scale = getScale(b, axis, p, i);
    axes.push_back(axis);
  }
  return axes;
}

/// What destination position `position` (an index) reads.
static Sample getSample(LinalgBuilder &b, const Axis &axis, const ResizeParams &p, Value position) {
  bool halfPixel = p.coordinates == Coordinates::HalfPixel;
  bool linear = p.mode == ResizeMode::Linear;
  Value source = b.toReal(position, axis.type);
  Value half = b.real(axis.type, 0.5);
  if (halfPixel)
    source = arith::AddFOp::create(b, source, half);
  source = arith::MulFOp::create(b, source, axis.scale);
  if (halfPixel && linear)
    source = arith::MaximumFOp::create(b, arith::SubFOp::create(b, source, half),
                                       b.real(axis.type, 0.0));
  // Not negative: the conversion rounds down. Clamping first keeps it in range.
  Value last = b.indexValue(b.sub(axis.sourceSize, b.index(1)));
  Value lastReal = b.toReal(last, axis.type);
  Value floored =
      arith::FPToSIOp::create(b, b.getI64Type(), arith::MinimumFOp::create(b, source, lastReal));
  Sample sample;
  sample.low =
      arith::MinSIOp::create(b, arith::IndexCastOp::create(b, b.getIndexType(), floored), last);
  if (!linear)
    return sample;
  sample.high = b.indexValue(b.min(b.add(sample.low, b.index(1)), last));
  // Behind the last element both neighbours are that element.
  Value fraction = arith::SubFOp::create(b, source, b.toReal(sample.low, axis.type));
  sample.weight = arith::MinimumFOp::create(b, fraction, b.real(axis.type, 1.0));
  return sample;
}

/// Interpolates along `axes`, the first of which varies slowest, at `position`.
static Value interpolate(LinalgBuilder &b, Value source, ArrayRef<Axis> axes,
                         ArrayRef<Sample> samples, SmallVector<Value> &position, Type type) {
  if (axes.empty())
    return b.convert(tensor::ExtractOp::create(b, source, position), type);
  const Sample &sample = samples.front();
  auto at = [&](Value index) {
    position[axes.front().dim] = index;
    return interpolate(b, source, axes.drop_front(), samples.drop_front(), position, type);
  };
  Value low = at(sample.low);
  if (!sample.weight)
    return low;
  Value high = at(sample.high);
  Value weight = sample.weight;
  Value rest = arith::SubFOp::create(b, b.real(type, 1.0), weight);
  return arith::AddFOp::create(b, arith::MulFOp::create(b, rest, low),
                               arith::MulFOp::create(b, weight, high));
}

static SmallVector<Value> lowerResize(LinalgBuilder &b, ResizeOp op) {
  ResizeParams p = op.getParams();
  Value init = op.getInits()[0], source = op.getInput();
  SmallVector<Axis> axes = getAxes(b, source, init, p);
  unsigned rank = axes.size() + 2;
  // Nearest only moves values.
  Type type =
      p.mode == ResizeMode::Nearest ? b.element(init) : Type(getAccumulatorType(b.element(init)));
  auto body = [&](LinalgBuilder &b, ValueRange) -> SmallVector<Value> {
    SmallVector<Value> position;
    for (unsigned dim = 0; dim < rank; ++dim)
      position.push_back(b.loopIndex(dim));
    SmallVector<Sample> samples;
    for (const Axis &axis : axes)
      samples.push_back(axis.identity ? Sample{position[axis.dim], Value(), Value()}
                                      : getSample(b, axis, p, position[axis.dim]));
    return {b.convert(interpolate(b, source, axes, samples, position, type), b.element(init))};
  };
  return b.generic(rank, rank, {}, {{init, b.loops(0, rank)}}, body);
}

//===----------------------------------------------------------------------===//
// Gradient
//===----------------------------------------------------------------------===//

/// The matrix [source, destination] of the weights with which a destination position reads a source
/// position along `axis`.
static Value createWeights(LinalgBuilder &b, const Axis &axis, const ResizeParams &p, Type type) {
  Value init = b.empty({axis.sourceSize, axis.destinationSize}, type);
  auto body = [&](LinalgBuilder &b, ValueRange) -> SmallVector<Value> {
    Value row = b.loopIndex(0);
    Sample sample = getSample(b, axis, p, b.loopIndex(1));
    Value zero = b.real(type, 0.0), one = b.real(type, 1.0);
    Value isLow = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, row, sample.low);
    if (!sample.weight)
      return {arith::SelectOp::create(b, isLow, one, zero)};
    Value isHigh = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, row, sample.high);
    Value rest = arith::SubFOp::create(b, one, sample.weight);
    return {arith::AddFOp::create(b, arith::SelectOp::create(b, isLow, rest, zero),
                                  arith::SelectOp::create(b, isHigh, sample.weight, zero))};
  };
  return b.generic(2, 2, {}, {{init, b.loops(0, 2)}}, body)[0];
}

/// Sums `values` over the destination positions of `axis`, weighted, into `destination`, which has
/// the source's size there. Terms of weight 0 are skipped: an infinite gradient stays where it is.
static Value contractAxis(LinalgBuilder &b, Value values, const Axis &axis, Value destination,
                          const ResizeParams &p) {
  unsigned rank = cast<ShapedType>(values.getType()).getRank();
  Type type = b.element(destination);
  Value weights = createWeights(b, axis, p, type);
  Indexed source{values, b.loops(0, rank)};
  source.exprs[axis.dim] = b.getAffineDimExpr(rank);
  Indexed matrix{weights, {b.getAffineDimExpr(axis.dim), b.getAffineDimExpr(rank)}};
  auto body = [&](LinalgBuilder &b, ValueRange args) -> SmallVector<Value> {
    Value product = arith::MulFOp::create(b, b.convert(args[0], type), args[1]);
    Value sum = arith::AddFOp::create(b, args[2], product);
    Value used = arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, args[1], b.real(type, 0.0));
    return {arith::SelectOp::create(b, used, sum, args[2])};
  };
  return b.generic(rank, rank + 1, {source, matrix}, {{b.fill(destination, 0.0), b.loops(0, rank)}},
                   body)[0];
}

static SmallVector<Value> lowerResizeGrad(LinalgBuilder &b, ResizeGradOp op) {
  ResizeParams p = op.getParams();
  Value init = op.getInits()[0], values = op.getOutputGrad();
  SmallVector<Axis> axes = getAxes(b, init, values, p);
  llvm::erase_if(axes, [](const Axis &axis) { return axis.identity; });
  FloatType type = getAccumulatorType(b.element(init));
  for (auto [i, axis] : llvm::enumerate(axes)) {
    bool isLast = i + 1 == axes.size();
    SmallVector<OpFoldResult> sizes = b.sizes(values);
    sizes[axis.dim] = axis.sourceSize;
    Value destination = isLast ? b.accumulator(init) : b.empty(sizes, type);
    values = contractAxis(b, values, axis, destination, p);
  }
  return {b.cast(b.finish(values, init), init.getType())};
}

void mlir::abn::populateResizeToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerDnnOp<ResizeOp, lowerResize>, LowerDnnOp<ResizeGradOp, lowerResizeGrad>>(
      patterns.getContext());
}
