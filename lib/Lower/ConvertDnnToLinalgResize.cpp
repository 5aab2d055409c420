// Resizing as one gathering linalg.generic; its gradient axis by axis as a contraction with the
// matrix of interpolation weights, which holds for every mode, scale and size. Where sizes are
// known that matrix is a band, and the sum runs over its width only.
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
// Gradient over open sizes
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

/// sum + value * weight, in the sum's type. Terms of weight 0 are skipped: an infinite gradient
/// stays where it is.
static Value addWeighted(LinalgBuilder &b, Value sum, Value value, Value weight) {
  Value product = arith::MulFOp::create(b, b.convert(value, sum.getType()), weight);
  Value zero = b.real(sum.getType(), 0.0);
  Value used = arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, weight, zero);
  return arith::SelectOp::create(b, used, arith::AddFOp::create(b, sum, product), sum);
}

/// Sums `values` over the destination positions of `axis`, weighted, into `destination`, which has
/// the source's size there.
static Value contractAxis(LinalgBuilder &b, Value values, const Axis &axis, Value destination,
                          const ResizeParams &p) {
  unsigned rank = cast<ShapedType>(values.getType()).getRank();
  Type type = b.element(destination);
  Value weights = createWeights(b, axis, p, type);
  Indexed source{values, b.loops(0, rank)};
  source.exprs[axis.dim] = b.getAffineDimExpr(rank);
  Indexed matrix{weights, {b.getAffineDimExpr(axis.dim), b.getAffineDimExpr(rank)}};
  auto body = [](LinalgBuilder &b, ValueRange args) -> SmallVector<Value> {
    return {addWeighted(b, args[2], args[0], args[1])};
  };
  return b.generic(rank, rank + 1, {source, matrix}, {{b.fill(destination, 0.0), b.loops(0, rank)}},
                   body)[0];
}

//===----------------------------------------------------------------------===//
// Gradient over known sizes
//===----------------------------------------------------------------------===//

namespace {
/// The weights of one axis, row by row: source position i is read by destination positions
/// first[i] to first[i] + width - 1, with weights[i * width + j].
struct Band {
  int64_t width = 0;
  SmallVector<int64_t> first;
  SmallVector<double> weights;
};

/// getSample with numbers, in the arithmetic of `Real`.
struct KnownSample {
  int64_t low, high;
  double weight;
};
} // namespace

template <typename Real>
static KnownSample getKnownSample(int64_t sourceSize, int64_t destinationSize, int64_t position,
                                  const ResizeParams &p, std::optional<double> givenScale) {
  Real scale = static_cast<Real>(sourceSize) / static_cast<Real>(destinationSize);
  if (givenScale)
    scale = static_cast<Real>(*givenScale);
  else if (p.coordinates == Coordinates::AlignCorners)
    scale = destinationSize > 1
                ? static_cast<Real>(sourceSize - 1) / static_cast<Real>(destinationSize - 1)
                : Real(0);
  bool halfPixel = p.coordinates == Coordinates::HalfPixel;
  bool linear = p.mode == ResizeMode::Linear;
  // One operation per statement: nothing to contract into a fused one.
  Real source = static_cast<Real>(position);
  if (halfPixel)
    source = source + Real(0.5);
  source = source * scale;
  if (halfPixel && linear) {
    source = source - Real(0.5);
    source = std::max(source, Real(0));
  }
  int64_t last = sourceSize - 1;
  int64_t low = std::min(static_cast<int64_t>(std::min(source, static_cast<Real>(last))), last);
  if (!linear)
    return {low, low, 0.0};
  Real fraction = source - static_cast<Real>(low);
  return {low, std::min(low + 1, last), std::min(fraction, Real(1))};
}

/// The band of `axis`, if its sizes are known and it is not wider than worth listing.
static std::optional<Band> getBand(const Axis &axis, const ResizeParams &p, int64_t spatialDim) {
  constexpr int64_t kMaxSize = 8192, kMaxWeights = 65536;
  std::optional<int64_t> n = getConstantIntValue(axis.sourceSize);
  std::optional<int64_t> m = getConstantIntValue(axis.destinationSize);
  if (!n || !m || *n > kMaxSize || *m > kMaxSize)
    return std::nullopt;
  std::optional<double> scale;
  if (!p.scales.empty())
    scale = p.scales[spatialDim];
  SmallVector<KnownSample> samples;
  for (int64_t position = 0; position < *m; ++position)
    samples.push_back(axis.type.isF32() ? getKnownSample<float>(*n, *m, position, p, scale)
                                        : getKnownSample<double>(*n, *m, position, p, scale));
  // Positions grow with the destination: each source position has one range of readers.
  SmallVector<int64_t> first(*n, *m), end(*n, 0);
  auto addReader = [&](int64_t row, int64_t position) {
    first[row] = std::min(first[row], position);
    end[row] = std::max(end[row], position + 1);
  };
  for (auto [position, sample] : llvm::enumerate(samples)) {
    if (sample.weight != 1.0)
      addReader(sample.low, position);
    if (sample.weight != 0.0)
      addReader(sample.high, position);
  }
  Band band;
  for (int64_t row = 0; row < *n; ++row)
    band.width = std::max(band.width, end[row] - first[row]);
  if (*n * band.width > kMaxWeights)
    return std::nullopt;
  for (int64_t row = 0; row < *n; ++row) {
    // Moved so far that every row has `width` positions in the destination.
    band.first.push_back(std::min(first[row], *m - band.width));
    for (int64_t j = 0; j < band.width; ++j) {
      const KnownSample &sample = samples[band.first.back() + j];
      double low = p.mode == ResizeMode::Linear ? 1.0 - sample.weight : 1.0;
      band.weights.push_back((row == sample.low ? low : 0.0) +
                             (row == sample.high ? sample.weight : 0.0));
    }
  }
  return band;
}

/// As contractAxis, over the positions of the band alone.
static Value gatherAxis(LinalgBuilder &b, Value values, const Axis &axis, const Band &band,
                        Value destination) {
  unsigned rank = cast<ShapedType>(values.getType()).getRank();
  Type type = b.element(destination);
  int64_t rows = band.first.size();
  SmallVector<Attribute> weights;
  for (double weight : band.weights)
    weights.push_back(b.getFloatAttr(type, weight));
  Value firsts = arith::ConstantOp::create(
      b, DenseIntElementsAttr::get(RankedTensorType::get({rows}, b.getI64Type()), band.first));
  Value matrix = arith::ConstantOp::create(
      b, DenseElementsAttr::get(RankedTensorType::get({rows, band.width}, type), weights));
  AffineExpr row = b.getAffineDimExpr(axis.dim), column = b.getAffineDimExpr(rank);
  auto body = [&](LinalgBuilder &b, ValueRange args) -> SmallVector<Value> {
    SmallVector<Value> position;
    for (unsigned dim = 0; dim < rank; ++dim)
      position.push_back(b.loopIndex(dim));
    Value first = arith::IndexCastOp::create(b, b.getIndexType(), args[0]);
    position[axis.dim] = arith::AddIOp::create(b, first, b.loopIndex(rank));
    Value value = tensor::ExtractOp::create(b, values, position);
    return {addWeighted(b, args[2], value, args[1])};
  };
  return b.generic(rank, rank + 1, {{firsts, {row}}, {matrix, {row, column}}},
                   {{b.fill(destination, 0.0), b.loops(0, rank)}}, body)[0];
}

static SmallVector<Value> lowerResizeGrad(LinalgBuilder &b, ResizeGradOp op) {
  ResizeParams p = op.getParams();
  Value init = op.getInits()[0], values = op.getOutputGrad();
  SmallVector<Axis> axes = getAxes(b, init, values, p);
  FloatType type = getAccumulatorType(b.element(init));
  for (auto [i, axis] : llvm::enumerate(axes)) {
    if (axis.identity)
      continue;
    SmallVector<OpFoldResult> sizes = b.sizes(values);
    sizes[axis.dim] = axis.sourceSize;
    Value destination = b.empty(sizes, type);
    if (std::optional<Band> band = getBand(axis, p, i))
      values = gatherAxis(b, values, axis, *band, destination);
    else
      values = contractAxis(b, values, axis, destination, p);
  }
  return {b.cast(b.finish(values, init), init.getType())};
}

void mlir::abn::populateResizeToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerDnnOp<ResizeOp, lowerResize>, LowerDnnOp<ResizeGradOp, lowerResizeGrad>>(
      patterns.getContext());
}
