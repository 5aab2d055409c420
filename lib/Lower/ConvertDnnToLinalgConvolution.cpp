// Convolution and its two gradients as one multiply-add linalg.generic each, on padded operands.
// With groups, channel dimensions are split into [groups, channels per group] first, so that every
// loop is a dimension of an operand.
#include "ConvertDnnToLinalg.h"
#include "LinalgBuilder.h"
#include "dnn/DnnDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::abn;
using namespace mlir::dnn;

namespace {
/// The loops of a convolution, numbered in the order in which they are added.
struct Loops {
  explicit Loops(MLIRContext *context, const ConvolutionParams &params)
      : context(context), params(params), spatialRank(params.strides.size()) {}

  AffineExpr batch, group, filter, channel;
  SmallVector<AffineExpr> position, kernel;
  unsigned count = 0;

  AffineExpr add() { return getAffineDimExpr(count++, context); }

  /// Adds the dimensions of a full-size operand in its order, but for the batch.
  void addFull(AffineExpr &channels) {
    auto addChannels = [&] {
      group = params.groups > 1 ? add() : AffineExpr();
      channels = add();
    };
    if (params.layout == Layout::ChannelsFirst)
      addChannels();
    addSpatial(position);
    if (params.layout == Layout::ChannelsLast)
      addChannels();
  }

  void addSpatial(SmallVector<AffineExpr> &exprs) {
    for (unsigned i = 0; i < spatialRank; ++i)
      exprs.push_back(add());
  }

  /// Indexes a full-size operand.
  SmallVector<AffineExpr> full(AffineExpr channels, ArrayRef<AffineExpr> spatial) const {
    SmallVector<AffineExpr> exprs{batch};
    appendInLayout(exprs, group, channels, spatial);
    return exprs;
  }

  /// Indexes a filter: group, `outer`, then `inner` and window positions in the layout's order.
  SmallVector<AffineExpr> weights(AffineExpr outer, AffineExpr inner) const {
    SmallVector<AffineExpr> exprs;
    if (group)
      exprs.push_back(group);
    exprs.push_back(outer);
    appendInLayout(exprs, AffineExpr(), inner, kernel);
    return exprs;
  }

  /// position * stride + kernel * dilation.
  SmallVector<AffineExpr> window(ArrayRef<int64_t> strides) const {
    SmallVector<AffineExpr> exprs;
    for (unsigned i = 0; i < spatialRank; ++i)
      exprs.push_back(position[i] * strides[i] + kernel[i] * params.dilations[i]);
    return exprs;
  }

private:
  void appendInLayout(SmallVector<AffineExpr> &exprs, AffineExpr groupExpr, AffineExpr channels,
                      ArrayRef<AffineExpr> spatial) const {
    SmallVector<AffineExpr> channelExprs;
    if (groupExpr)
      channelExprs.push_back(groupExpr);
    channelExprs.push_back(channels);
    if (params.layout == Layout::ChannelsFirst)
      llvm::append_range(exprs, channelExprs);
    llvm::append_range(exprs, spatial);
    if (params.layout == Layout::ChannelsLast)
      llvm::append_range(exprs, channelExprs);
  }

  MLIRContext *context;
  const ConvolutionParams &params;
  unsigned spatialRank;
};
} // namespace

/// output += a * b over the reduction loops, in the output's element type.
static Value contract(LinalgBuilder &b, unsigned numParallel, unsigned numLoops, const Indexed &lhs,
                      const Indexed &rhs, const Indexed &output) {
  Type type = b.element(output.tensor);
  auto body = [&](LinalgBuilder &b, ValueRange args) -> SmallVector<Value> {
    Value product = arith::MulFOp::create(b, b.convert(args[0], type), b.convert(args[1], type));
    return {arith::AddFOp::create(b, args[2], product)};
  };
  return b.generic(numParallel, numLoops, {lhs, rhs}, {output}, body)[0];
}

/// The input with the convolution's zero padding, as far as windows reach. Positions behind the
/// last window are dropped where sizes are static: passes that drop unit dimensions assume that a
/// loop over a window's taps spans its whole operand.
static Value padInput(LinalgBuilder &b, Value input, Value filter, Value output,
                      const ConvolutionParams &p) {
  SmallVector<OpFoldResult> sizes = b.sizes(input);
  SmallVector<OpFoldResult> low(sizes.size(), b.index(0)), high(sizes.size(), b.index(0));
  for (int64_t i = 0, e = p.strides.size(); i < e; ++i) {
    int64_t dim = getSpatialDim(p.layout, i);
    low[dim] = b.index(p.paddingLow[i]);
    high[dim] = b.index(p.paddingHigh[i]);
    auto in = getConstantIntValue(sizes[dim]), out = getConstantIntValue(b.size(output, dim));
    auto taps = getConstantIntValue(b.size(filter, dim));
    if (!in || !out || !taps)
      continue;
    int64_t end = (*out - 1) * p.strides[i] + p.dilations[i] * (*taps - 1) + 1;
    // At least one position is kept, so that no tensor is empty.
    high[dim] = b.index(std::max(end - p.paddingLow[i] - *in, 1 - *in));
  }
  return b.pad(input, low, high, 0.0);
}

//===----------------------------------------------------------------------===//
// Forward
//===----------------------------------------------------------------------===//

/// A destination that holds the bias of each channel, or zeros.
static Value createBiased(LinalgBuilder &b, Value destination, Value bias, int64_t channelDim) {
  if (!bias)
    return b.fill(destination, 0.0);
  Type type = b.element(destination);
  unsigned rank = cast<RankedTensorType>(destination.getType()).getRank();
  return b.generic(rank, rank, {{bias, b.loops(channelDim, 1)}}, {{destination, b.loops(0, rank)}},
                   [&](LinalgBuilder &b, ValueRange args) -> SmallVector<Value> {
                     return {b.convert(args[0], type)};
                   })[0];
}

static SmallVector<Value> lowerConvolution(LinalgBuilder &b, ConvolutionOp op) {
  ConvolutionParams p = op.getParams();
  Value init = op.getInits()[0];
  int64_t channelDim = getChannelDim(p.layout, cast<ShapedType>(init.getType()).getRank());
  Value sums = createBiased(b, b.accumulator(init), op.getBias(), channelDim);
  Type type = sums.getType();

  Loops loops(b.getContext(), p);
  loops.batch = loops.add();
  loops.addFull(loops.filter);
  unsigned numParallel = loops.count;
  loops.channel = loops.add();
  loops.addSpatial(loops.kernel);
  sums = contract(
      b, numParallel, loops.count,
      {b.splitGroups(padInput(b, op.getInput(), op.getFilter(), init, p), channelDim, p.groups),
       loops.full(loops.channel, loops.window(p.strides))},
      {b.splitGroups(op.getFilter(), 0, p.groups), loops.weights(loops.filter, loops.channel)},
      {b.splitGroups(sums, channelDim, p.groups), loops.full(loops.filter, loops.position)});
  return {b.finish(b.mergeGroups(sums, channelDim, p.groups, type), init)};
}

//===----------------------------------------------------------------------===//
// Weight gradient
//===----------------------------------------------------------------------===//

/// The number of elements, if the shape is static.
static std::optional<int64_t> countElements(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  return type.hasStaticShape() ? std::optional(type.getNumElements()) : std::nullopt;
}

/// Whether to sum over the positions of each image first and over the batch then. Long sums lose
/// accuracy, about u * sqrt(length) in sequence; the partial sums must not outgrow the operands.
static bool sumsInTwoLevels(Value outputGrad, Value input, Value filterGrad, int64_t channelDim) {
  constexpr int64_t kLongSum = 4096;
  std::optional<int64_t> outputs = countElements(outputGrad), inputs = countElements(input);
  std::optional<int64_t> weights = countElements(filterGrad);
  if (!outputs || !inputs || !weights)
    return false;
  ArrayRef<int64_t> shape = cast<ShapedType>(outputGrad.getType()).getShape();
  return shape[0] > 1 && *outputs / shape[channelDim] >= kLongSum &&
         shape[0] * *weights <= *inputs + *outputs;
}

/// Sums the leading dimension of `partial` into `destination`.
static Value sumLeading(LinalgBuilder &b, Value partial, Value destination) {
  unsigned rank = cast<ShapedType>(destination.getType()).getRank();
  SmallVector<AffineExpr> exprs = b.loops(rank, 1);
  llvm::append_range(exprs, b.loops(0, rank));
  return b.generic(rank, rank + 1, {{partial, exprs}}, {{destination, b.loops(0, rank)}},
                   [](LinalgBuilder &b, ValueRange args) -> SmallVector<Value> {
                     return {arith::AddFOp::create(b, args[1], args[0])};
                   })[0];
}

static SmallVector<Value> lowerWeightGrad(LinalgBuilder &b, ConvolutionWeightGradOp op) {
  ConvolutionParams p = op.getParams();
  Value init = op.getInits()[0];
  int64_t channelDim = getChannelDim(p.layout, cast<ShapedType>(init.getType()).getRank());
  bool twoLevels = sumsInTwoLevels(op.getOutputGrad(), op.getInput(), init, channelDim);

  Value zeros = b.fill(b.accumulator(init), 0.0);
  Type type = zeros.getType();
  zeros = b.splitGroups(zeros, 0, p.groups);
  Value sums = zeros;
  if (twoLevels) {
    SmallVector<OpFoldResult> sizes = b.sizes(zeros);
    sizes.insert(sizes.begin(), b.size(op.getOutputGrad(), 0));
    sums = b.fill(b.empty(sizes, b.element(zeros)), 0.0);
  }

  Loops loops(b.getContext(), p);
  if (twoLevels)
    loops.batch = loops.add();
  if (p.groups > 1)
    loops.group = loops.add();
  loops.filter = loops.add();
  loops.channel = loops.add();
  loops.addSpatial(loops.kernel);
  unsigned numParallel = loops.count;
  if (!twoLevels)
    loops.batch = loops.add();
  loops.addSpatial(loops.position);
  SmallVector<AffineExpr> target = loops.weights(loops.filter, loops.channel);
  if (twoLevels)
    target.insert(target.begin(), loops.batch);
  sums = contract(
      b, numParallel, loops.count,
      {b.splitGroups(op.getOutputGrad(), channelDim, p.groups),
       loops.full(loops.filter, loops.position)},
      {b.splitGroups(padInput(b, op.getInput(), init, op.getOutputGrad(), p), channelDim, p.groups),
       loops.full(loops.channel, loops.window(p.strides))},
      {sums, target});
  if (twoLevels)
    sums = sumLeading(b, sums, zeros);
  return {b.finish(b.mergeGroups(sums, 0, p.groups, type), init)};
}

//===----------------------------------------------------------------------===//
// Input gradient
//===----------------------------------------------------------------------===//

/// The filter of the correlation that computes the input gradient: within each group, filters and
/// channels trade places, so that what is summed is contiguous, and the spatial dimensions are
/// reversed. With groups, they are the leading dimension of the result.
static Value transposeFilter(LinalgBuilder &b, Value filter, const ConvolutionParams &p) {
  unsigned rank = cast<ShapedType>(filter.getType()).getRank(), lead = p.groups > 1 ? 1 : 0;
  unsigned filterDim = lead, channelDim = lead + getChannelDim(p.layout, rank);
  filter = b.splitGroups(filter, 0, p.groups);
  SmallVector<OpFoldResult> sizes = b.sizes(filter);
  SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(0, sizes.size()));
  std::swap(permutation[filterDim], permutation[channelDim]);
  std::swap(sizes[filterDim], sizes[channelDim]);
  Value init = b.empty(sizes, b.element(filter));

  // The last position of each dimension that is reversed.
  SmallVector<Value> last(sizes.size());
  bool reverses = false;
  for (unsigned i = 0; i < rank - 2; ++i) {
    int64_t dim = lead + getSpatialDim(p.layout, i);
    if (isOneInteger(sizes[dim]))
      continue;
    last[dim] = b.indexValue(b.sub(sizes[dim], b.index(1)));
    reverses = true;
  }
  if (!reverses)
    return linalg::TransposeOp::create(b, filter, init, permutation)->getResult(0);
  auto body = [&](LinalgBuilder &b, ValueRange) -> SmallVector<Value> {
    SmallVector<Value> position;
    for (auto [dim, from] : llvm::enumerate(permutation)) {
      Value i = b.loopIndex(from);
      position.push_back(last[dim] ? arith::SubIOp::create(b, last[dim], i).getResult() : i);
    }
    return {tensor::ExtractOp::create(b, filter, position)};
  };
  return b.generic(sizes.size(), sizes.size(), {}, {{init, b.loops(0, sizes.size())}}, body)[0];
}

/// Puts element o of `source` at offset[o] = o * stride + offset of a tensor of zeros of the given
/// `sizes`, along each spatial dimension. What would fall outside is dropped; `mayExceed` says
/// along which axes elements may fall behind the end.
static Value spread(LinalgBuilder &b, Value source, ArrayRef<OpFoldResult> sizes,
                    ArrayRef<OpFoldResult> offsets, ArrayRef<bool> mayExceed,
                    const ConvolutionParams &p) {
  int64_t rank = sizes.size();
  OpFoldResult zero = b.index(0), one = b.index(1);
  SmallVector<OpFoldResult> counts = b.sizes(source), firsts(rank, zero), lows(rank, zero),
                            steps(rank, one), ones(rank, one), highs(rank, zero);
  SmallVector<OpFoldResult> sourceSizes = counts;
  for (int64_t i = 0; i < rank - 2; ++i) {
    int64_t dim = getSpatialDim(p.layout, i);
    steps[dim] = b.index(p.strides[i]);
    // The first element that does not fall before the start, and one past the last inside.
    firsts[dim] = b.ceilDiv(b.max(zero, b.sub(zero, offsets[i])), steps[dim]);
    OpFoldResult end = counts[dim];
    if (mayExceed[i]) {
      OpFoldResult room = b.sub(b.sub(sizes[dim], one), offsets[i]);
      end = b.min(end, b.add(b.floorDiv(room, steps[dim]), one));
    }
    counts[dim] = b.max(zero, b.sub(end, firsts[dim]));
    lows[dim] = b.add(b.mul(firsts[dim], steps[dim]), offsets[i]);
    highs[dim] = b.sub(sizes[dim], b.add(lows[dim], counts[dim]));
  }
  if (llvm::any_of(counts, [](OpFoldResult count) { return isZeroInteger(count); }))
    return b.fill(b.empty(sizes, b.element(source)), 0.0);
  if (firsts != SmallVector<OpFoldResult>(rank, zero) || counts != sourceSizes)
    source = tensor::ExtractSliceOp::create(b, source, firsts, counts, ones);
  if (llvm::all_of(p.strides, [](int64_t stride) { return stride == 1; }))
    return b.pad(source, lows, highs, 0.0);
  Value zeros = b.fill(b.empty(sizes, b.element(source)), 0.0);
  return tensor::InsertSliceOp::create(b, source, zeros, lows, counts, steps);
}

/// result[i] = sum over filters and k of source[i + k * dilation] * transposed[k].
static Value correlate(LinalgBuilder &b, Value source, Value transposed, Value destination,
                       const ConvolutionParams &p) {
  int64_t channelDim = getChannelDim(p.layout, cast<ShapedType>(source.getType()).getRank());
  Value sums = b.fill(destination, 0.0);
  Loops loops(b.getContext(), p);
  loops.batch = loops.add();
  loops.addFull(loops.channel);
  unsigned numParallel = loops.count;
  loops.filter = loops.add();
  loops.addSpatial(loops.kernel);
  SmallVector<int64_t> unitStrides(p.strides.size(), 1);
  Value result = contract(
      b, numParallel, loops.count,
      {b.splitGroups(source, channelDim, p.groups),
       loops.full(loops.filter, loops.window(unitStrides))},
      {transposed, loops.weights(loops.channel, loops.filter)},
      {b.splitGroups(sums, channelDim, p.groups), loops.full(loops.channel, loops.position)});
  return b.mergeGroups(result, channelDim, p.groups, sums.getType());
}

/// The input position i receives output position o through tap k where i + padding_low =
/// o * stride + k * dilation. With the filter flipped, k' = K - 1 - k, that is a correlation: the
/// output gradient, spread out by the strides, is read at i + k' * dilation; element o stands at
/// o * stride + (K - 1) * dilation - padding_low.
static SmallVector<Value> lowerInputGrad(LinalgBuilder &b, ConvolutionInputGradOp op) {
  ConvolutionParams p = op.getParams();
  Value init = op.getInits()[0], filter = op.getFilter(), source = op.getOutputGrad();
  SmallVector<OpFoldResult> sizes = b.sizes(init), filterSizes = b.sizes(filter);
  SmallVector<OpFoldResult> spreadSizes = b.sizes(source), offsets;
  SmallVector<bool> mayExceed;
  bool pointwise = true;
  for (int64_t i = 0, e = p.strides.size(); i < e; ++i) {
    int64_t dim = getSpatialDim(p.layout, i);
    OpFoldResult reach = b.mul(b.sub(filterSizes[dim], b.index(1)), b.index(p.dilations[i]));
    spreadSizes[dim] = b.add(sizes[dim], reach);
    offsets.push_back(b.sub(reach, b.index(p.paddingLow[i])));
    // The last window ends inside the padded input: only high padding beyond the filter's reach
    // holds windows that see no input.
    std::optional<int64_t> knownReach = getConstantIntValue(reach);
    mayExceed.push_back(!knownReach || p.paddingHigh[i] > *knownReach);
    pointwise &= isZeroInteger(reach);
  }
  Value transposed = transposeFilter(b, filter, p);
  // A 1x1 filter sums first, over the fewer positions of the output.
  if (pointwise) {
    SmallVector<OpFoldResult> outputSizes = b.sizes(source);
    int64_t channelDim = getChannelDim(p.layout, sizes.size());
    outputSizes[channelDim] = sizes[channelDim];
    Value destination = b.empty(outputSizes, getAccumulatorType(b.element(init)));
    Value sums = correlate(b, source, transposed, destination, p);
    return {b.cast(b.finish(spread(b, sums, sizes, offsets, mayExceed, p), init), init.getType())};
  }
  Value placed = spread(b, source, spreadSizes, offsets, mayExceed, p);
  return {b.finish(correlate(b, placed, transposed, b.accumulator(init), p), init)};
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

void mlir::abn::populateConvolutionToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerDnnOp<ConvolutionOp, lowerConvolution>,
               LowerDnnOp<ConvolutionInputGradOp, lowerInputGrad>,
               LowerDnnOp<ConvolutionWeightGradOp, lowerWeightGrad>>(patterns.getContext());
}
