// Pools as one reducing linalg.generic over each window; their gradients as one that gathers, for
// every input position, from the windows that cover it, so that no two iterations write one
// element.
#include "ConvertDnnToLinalg.h"
#include "dnn/DnnDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::abn;
using namespace mlir::dnn;

static int64_t rankOf(Value tensor) { return cast<ShapedType>(tensor.getType()).getRank(); }

/// The distance from a window's first to one past its last tap.
static int64_t getExtent(const PoolParams &p, int64_t axis) {
  return p.dilations[axis] * (p.kernelSize[axis] - 1) + 1;
}

/// How far the last window along `axis` reaches beyond the input; ceil_mode lets it exceed the high
/// padding. Negative only if it is a constant and positions behind the last window can be dropped.
static OpFoldResult getOverhang(LinalgBuilder &b, OpFoldResult inputSize, OpFoldResult outputSize,
                                const PoolParams &p, int64_t axis) {
  OpFoldResult last = b.mul(b.sub(outputSize, b.index(1)), b.index(p.strides[axis]));
  OpFoldResult end = b.add(last, b.index(getExtent(p, axis)));
  OpFoldResult overhang = b.sub(end, b.add(inputSize, b.index(p.paddingLow[axis])));
  if (!getConstantIntValue(overhang))
    return b.max(b.index(0), overhang);
  // At least one position is kept, so that no tensor is empty.
  return b.max(overhang, b.sub(b.index(1), inputSize));
}

/// The input with `value` at every position of a window outside it.
static Value padInput(LinalgBuilder &b, Value input, Value output, const PoolParams &p,
                      double value) {
  int64_t rank = rankOf(input);
  SmallVector<OpFoldResult> low(rank, b.index(0)), high(rank, b.index(0));
  for (int64_t i = 0; i < rank - 2; ++i) {
    int64_t dim = getSpatialDim(p.layout, i);
    low[dim] = b.index(p.paddingLow[i]);
    high[dim] = getOverhang(b, b.size(input, dim), b.size(output, dim), p, i);
  }
  return b.pad(input, low, high, value);
}

/// A padded input, indexed by the output's loops and, from loop `rank` on, the window's.
static Indexed indexWindows(LinalgBuilder &b, Value padded, const PoolParams &p) {
  int64_t rank = rankOf(padded);
  Indexed operand{padded, b.loops(0, rank)};
  for (int64_t i = 0; i < rank - 2; ++i) {
    AffineExpr &expr = operand.exprs[getSpatialDim(p.layout, i)];
    expr = expr * p.strides[i] + b.getAffineDimExpr(rank + i) * p.dilations[i];
  }
  return operand;
}

//===----------------------------------------------------------------------===//
// Max pooling
//===----------------------------------------------------------------------===//

namespace {
/// Inside a window's iteration: the position that is looked at, flattened over the input's spatial
/// dimensions, and whether it lies inside (null: always).
struct WindowPosition {
  Value flat;
  Value inside;
};
} // namespace

static WindowPosition getWindowPosition(LinalgBuilder &b, ArrayRef<Value> inputSizes,
                                        ArrayRef<bool> mayLeave, const PoolParams &p) {
  int64_t spatialRank = p.kernelSize.size(), rank = spatialRank + 2;
  WindowPosition result;
  for (int64_t i = 0; i < spatialRank; ++i) {
    Value start =
        b.indexValue(b.mul(b.loopIndex(getSpatialDim(p.layout, i)), b.index(p.strides[i])));
    Value tap = b.indexValue(b.mul(b.loopIndex(rank + i), b.index(p.dilations[i])));
    Value position = b.indexValue(b.sub(b.add(start, tap), b.index(p.paddingLow[i])));
    result.flat =
        i == 0 ? position : b.indexValue(b.add(b.mul(result.flat, inputSizes[i]), position));
    if (!mayLeave[i])
      continue;
    // Unsigned, so that positions before the start fail too.
    Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, position, inputSizes[i]);
    result.inside =
        result.inside ? arith::AndIOp::create(b, result.inside, inside).getResult() : inside;
  }
  return result;
}

/// The maxima alone; NaN wins, as in dnn.max_pool.
static Value lowerMaxima(LinalgBuilder &b, MaxPoolOp op, Value padded) {
  PoolParams p = op.getParams();
  Value init = op.getInits()[0];
  unsigned rank = rankOf(init);
  Value lowest = b.fill(init, -std::numeric_limits<double>::infinity());
  return b.generic(
      rank, rank + p.kernelSize.size(), {indexWindows(b, padded, p), b.extents(p.kernelSize, rank)},
      {{lowest, b.loops(0, rank)}}, [](LinalgBuilder &b, ValueRange args) -> SmallVector<Value> {
        return {arith::MaximumFOp::create(b, args[2], args[0])};
      })[0];
}

static SmallVector<Value> lowerMaxPool(LinalgBuilder &b, MaxPoolOp op) {
  PoolParams p = op.getParams();
  Value init = op.getInits()[0], input = op.getInput();
  unsigned rank = rankOf(init);
  double lowestValue = -std::numeric_limits<double>::infinity();
  Value padded = padInput(b, input, init, p, lowestValue);
  if (op.getResult(1).use_empty())
    return {lowerMaxima(b, op, padded), op.getInits()[1]};

  SmallVector<Value> inputSizes;
  SmallVector<bool> mayLeave;
  for (int64_t i = 0, e = p.kernelSize.size(); i < e; ++i) {
    int64_t dim = getSpatialDim(p.layout, i);
    OpFoldResult size = b.size(input, dim);
    inputSizes.push_back(b.indexValue(size));
    std::optional<int64_t> overhang =
        getConstantIntValue(getOverhang(b, size, b.size(init, dim), p, i));
    mayLeave.push_back(p.paddingLow[i] > 0 || !overhang || *overhang > 0);
  }
  auto body = [&](LinalgBuilder &b, ValueRange args) -> SmallVector<Value> {
    Value value = args[0], best = args[2], bestIndex = args[3];
    WindowPosition position = getWindowPosition(b, inputSizes, mayLeave, p);
    // The first of equal values wins, so does every NaN; -inf counts where nothing was taken yet.
    Value greater = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, value, best);
    Value isNan = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, value, value);
    Value none = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, bestIndex,
                                       b.integer(b.getI64Type(), 0));
    Value take = arith::OrIOp::create(b, greater, arith::OrIOp::create(b, isNan, none));
    if (position.inside)
      take = arith::AndIOp::create(b, take, position.inside);
    Value index = arith::IndexCastOp::create(b, b.getI64Type(), position.flat);
    return {arith::SelectOp::create(b, take, value, best),
            arith::SelectOp::create(b, take, index, bestIndex)};
  };
  Value lowest = b.fill(init, lowestValue), nowhere = b.fill(op.getInits()[1], -1);
  return b.generic(rank, rank + p.kernelSize.size(),
                   {indexWindows(b, padded, p), b.extents(p.kernelSize, rank)},
                   {{lowest, b.loops(0, rank)}, {nowhere, b.loops(0, rank)}}, body);
}

//===----------------------------------------------------------------------===//
// Gathering from the windows that cover a position
//===----------------------------------------------------------------------===//

namespace {
/// The windows along one axis that may cover an input position: `count` candidates, which are all
/// windows if there are no more than that.
struct Candidates {
  int64_t count;
  bool all;
  /// Every candidate that exists covers every position that looks at it.
  bool cover;
};
} // namespace

static Candidates getCandidates(OpFoldResult inputSize, OpFoldResult outputSize,
                                const PoolParams &p, int64_t axis) {
  int64_t extent = getExtent(p, axis), stride = p.strides[axis], low = p.paddingLow[axis];
  int64_t count = (extent - 1) / stride + 1;
  std::optional<int64_t> windows = getConstantIntValue(outputSize);
  if (!windows || *windows > count)
    return {count, false, count * stride <= extent};
  std::optional<int64_t> size = getConstantIntValue(inputSize);
  return {*windows, true, size && (*windows - 1) * stride <= low && low + *size <= extent};
}

/// Inside the gathering body: the window that candidate loop `loop` names for the position of the
/// iteration, clamped into the output, and whether it exists and covers the position (ands to
/// `covers`).
static Value getWindow(LinalgBuilder &b, Candidates candidates, unsigned loop, Value outputSize,
                       const PoolParams &p, int64_t axis, Value &covers) {
  auto require = [&](arith::CmpIPredicate predicate, Value x, Value y) {
    Value holds = arith::CmpIOp::create(b, predicate, x, y);
    covers = covers ? arith::AndIOp::create(b, covers, holds).getResult() : holds;
  };
  Value stride = arith::ConstantIndexOp::create(b, p.strides[axis]);
  Value extent = arith::ConstantIndexOp::create(b, getExtent(p, axis));
  Value padded =
      b.indexValue(b.add(b.loopIndex(getSpatialDim(p.layout, axis)), b.index(p.paddingLow[axis])));
  Value candidate = b.loopIndex(loop);
  Value window = candidate;
  // From the last window that starts at or before the position, backwards.
  if (!candidates.all)
    window = arith::SubIOp::create(b, arith::DivSIOp::create(b, padded, stride), candidate);
  Value offset = arith::SubIOp::create(b, padded, arith::MulIOp::create(b, window, stride));
  // Unsigned, so that windows behind the position fail too.
  if (!candidates.cover)
    require(arith::CmpIPredicate::ult, offset, extent);
  if (candidates.all)
    return window;
  require(arith::CmpIPredicate::ult, window, outputSize);
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value last = arith::SubIOp::create(b, outputSize, arith::ConstantIndexOp::create(b, 1));
  return arith::MaxSIOp::create(b, zero, arith::MinSIOp::create(b, window, last));
}

/// What a covering window at `position` (one index per dimension) adds, or null for nothing but
/// where `condition`, which the callee may set, holds.
using Term = function_ref<Value(LinalgBuilder &, ValueRange position, Value &condition)>;

/// Sums term(window) over the windows of `output` that cover each position of `init`.
static Value gatherWindows(LinalgBuilder &b, Value init, Value output, const PoolParams &p,
                           Term term) {
  unsigned rank = rankOf(init);
  Value sums = b.fill(b.accumulator(init), 0.0);
  SmallVector<Candidates> candidates;
  SmallVector<int64_t> counts;
  SmallVector<Value> outputSizes;
  for (int64_t i = 0, e = p.kernelSize.size(); i < e; ++i) {
    int64_t dim = getSpatialDim(p.layout, i);
    OpFoldResult size = b.size(output, dim);
    candidates.push_back(getCandidates(b.size(init, dim), size, p, i));
    counts.push_back(candidates.back().count);
    outputSizes.push_back(b.indexValue(size));
  }
  auto body = [&](LinalgBuilder &b, ValueRange args) -> SmallVector<Value> {
    SmallVector<Value> position;
    for (unsigned dim = 0; dim < rank; ++dim)
      position.push_back(b.loopIndex(dim));
    Value covers;
    for (int64_t i = 0, e = counts.size(); i < e; ++i)
      position[getSpatialDim(p.layout, i)] =
          getWindow(b, candidates[i], rank + i, outputSizes[i], p, i, covers);
    Value value = b.convert(term(b, position, covers), args[1].getType());
    Value sum = arith::AddFOp::create(b, args[1], value);
    return {covers ? arith::SelectOp::create(b, covers, sum, args[1]).getResult() : sum};
  };
  sums = b.generic(rank, rank + counts.size(), {b.extents(counts, rank)},
                   {{sums, b.loops(0, rank)}}, body)[0];
  return b.finish(sums, init);
}

static SmallVector<Value> lowerMaxPoolGrad(LinalgBuilder &b, MaxPoolGradOp op) {
  PoolParams p = op.getParams();
  Value init = op.getInits()[0];
  SmallVector<Value> inputSizes;
  for (int64_t i = 0, e = p.kernelSize.size(); i < e; ++i)
    inputSizes.push_back(b.indexValue(b.size(init, getSpatialDim(p.layout, i))));
  // A window contributes where its maximum was.
  auto term = [&](LinalgBuilder &b, ValueRange position, Value &condition) -> Value {
    Value flat;
    for (auto [i, size] : llvm::enumerate(inputSizes)) {
      Value index = b.loopIndex(getSpatialDim(p.layout, i));
      flat = i == 0 ? index : b.indexValue(b.add(b.mul(flat, size), index));
    }
    Value here = arith::IndexCastOp::create(b, b.getI64Type(), flat);
    Value maximum = tensor::ExtractOp::create(b, op.getIndices(), position);
    Value same = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, maximum, here);
    condition = condition ? arith::AndIOp::create(b, condition, same).getResult() : same;
    return tensor::ExtractOp::create(b, op.getOutputGrad(), position);
  };
  return {gatherWindows(b, init, op.getOutputGrad(), p, term)};
}

//===----------------------------------------------------------------------===//
// Average pooling
//===----------------------------------------------------------------------===//

/// Inside a body over the output's loops: what the window's sum is divided by.
static Value getDivisor(LinalgBuilder &b, ArrayRef<Value> inputSizes, ArrayRef<bool> isWhole,
                        const PoolParams &p, Type type) {
  if (p.divisorOverride)
    return b.real(type, *p.divisorOverride);
  double whole = 1.0;
  Value clipped;
  for (int64_t i = 0, e = p.kernelSize.size(); i < e; ++i) {
    if (isWhole[i]) {
      whole *= p.kernelSize[i];
      continue;
    }
    OpFoldResult first =
        b.sub(b.mul(b.loopIndex(getSpatialDim(p.layout, i)), b.index(p.strides[i])),
              b.index(p.paddingLow[i]));
    OpFoldResult end = b.add(first, b.index(p.kernelSize[i]));
    int64_t behind = p.countIncludePad ? p.paddingHigh[i] : 0;
    if (!p.countIncludePad)
      first = b.max(first, b.index(0));
    end = b.min(end, b.add(inputSizes[i], b.index(behind)));
    // A window without any position sums to 0: divide by 1.
    Value count = b.indexValue(b.max(b.sub(end, first), b.index(1)));
    clipped = clipped ? arith::MulIOp::create(b, clipped, count).getResult() : count;
  }
  if (!clipped)
    return b.real(type, whole);
  Value divisor = b.toReal(clipped, type);
  return whole == 1.0 ? divisor
                      : arith::MulFOp::create(b, divisor, b.real(type, whole)).getResult();
}

/// `values` divided by their windows' divisors, written into `destination`.
static Value divideByWindow(LinalgBuilder &b, Value values, Value destination, Value input,
                            const PoolParams &p) {
  unsigned rank = rankOf(values);
  Type type = getAccumulatorType(b.element(values));
  Type resultType = b.element(destination);
  SmallVector<Value> inputSizes;
  SmallVector<bool> isWhole;
  for (int64_t i = 0, e = p.kernelSize.size(); i < e; ++i) {
    int64_t dim = getSpatialDim(p.layout, i);
    OpFoldResult size = b.size(input, dim);
    OpFoldResult overhang = getOverhang(b, size, b.size(values, dim), p, i);
    std::optional<int64_t> behind = getConstantIntValue(overhang);
    isWhole.push_back(behind && (p.countIncludePad ? *behind <= p.paddingHigh[i]
                                                   : *behind <= 0 && p.paddingLow[i] == 0));
    inputSizes.push_back(b.indexValue(size));
  }
  auto body = [&](LinalgBuilder &b, ValueRange args) -> SmallVector<Value> {
    Value divisor = getDivisor(b, inputSizes, isWhole, p, type);
    Value quotient = arith::DivFOp::create(b, b.convert(args[0], type), divisor);
    return {b.convert(quotient, resultType)};
  };
  return b.generic(rank, rank, {{values, b.loops(0, rank)}}, {{destination, b.loops(0, rank)}},
                   body)[0];
}

static SmallVector<Value> lowerAvgPool(LinalgBuilder &b, AvgPoolOp op) {
  PoolParams p = op.getParams();
  Value init = op.getInits()[0];
  unsigned rank = rankOf(init);
  Type type = getAccumulatorType(b.element(init));
  Value padded = padInput(b, op.getInput(), init, p, 0.0);
  Value zeros = b.fill(b.empty(b.sizes(init), type), 0.0);
  auto body = [&](LinalgBuilder &b, ValueRange args) -> SmallVector<Value> {
    return {arith::AddFOp::create(b, args[2], b.convert(args[0], type))};
  };
  Value sums = b.generic(rank, rank + p.kernelSize.size(),
                         {indexWindows(b, padded, p), b.extents(p.kernelSize, rank)},
                         {{zeros, b.loops(0, rank)}}, body)[0];
  return {divideByWindow(b, sums, init, op.getInput(), p)};
}

static SmallVector<Value> lowerAvgPoolGrad(LinalgBuilder &b, AvgPoolGradOp op) {
  PoolParams p = op.getParams();
  Value init = op.getInits()[0], outputGrad = op.getOutputGrad();
  Type type = getAccumulatorType(b.element(init));
  Value shares = divideByWindow(b, outputGrad, b.empty(b.sizes(outputGrad), type), init, p);
  auto term = [&](LinalgBuilder &b, ValueRange position, Value &) -> Value {
    return tensor::ExtractOp::create(b, shares, position);
  };
  return {gatherWindows(b, init, outputGrad, p, term)};
}

void mlir::abn::populatePoolingToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerDnnOp<MaxPoolOp, lowerMaxPool>, LowerDnnOp<MaxPoolGradOp, lowerMaxPoolGrad>,
               LowerDnnOp<AvgPoolOp, lowerAvgPool>, LowerDnnOp<AvgPoolGradOp, lowerAvgPoolGrad>>(
      patterns.getContext());
}
