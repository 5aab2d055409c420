// Reads convolutions, and writes those that dnn has no op for.
#include "Convolution.h"
#include "Registry.h"
#include "Slices.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace mlir::abn::hlo;

static constexpr int64_t kLargest = std::numeric_limits<int32_t>::max();

static LogicalResult readAttributes(HloOp &op, Convolution &conv) {
  size_t n = conv.dims.input.spatial.size();
  auto strides = op.integersOr("window_strides", n, 1), input = op.integersOr("lhs_dilation", n, 1),
       filter = op.integersOr("rhs_dilation", n, 1);
  auto padding = op.padding(n);
  if (failed(strides) || failed(input) || failed(filter) || failed(padding))
    return failure();
  conv.strides = *strides;
  conv.inputDilations = *input;
  conv.filterDilations = *filter;
  conv.low = padding->low;
  conv.high = padding->high;
  for (auto list : {&conv.strides, &conv.inputDilations, &conv.filterDilations})
    for (int64_t value : *list)
      if (value < 1 || value > kLargest)
        return op.error() << "expected strides and dilations from 1 to 2^31 - 1, got " << value;
  for (auto list : {&conv.low, &conv.high})
    for (int64_t value : *list)
      if (std::abs(value) > kLargest)
        return op.error() << "expected padding below 2^31, got " << value;
  for (auto [name, count] :
       {std::pair<StringRef, int64_t *>{"feature_group_count", &conv.featureGroups},
        {"batch_group_count", &conv.batchGroups}}) {
    if (!op.attribute(name))
      continue;
    FailureOr<int64_t> value = op.integer(name);
    if (failed(value))
      return failure();
    *count = *value;
  }
  if (conv.featureGroups < 1 || conv.batchGroups < 1 ||
      (conv.featureGroups > 1 && conv.batchGroups > 1))
    return op.error() << "expected positive group counts, one of them 1";
  return success();
}

/// Sizes of one operand in canonical order: first, second, spatial.
static SmallVector<int64_t> canonicalShape(RankedTensorType type, const ConvolutionLayout &layout) {
  SmallVector<int64_t> shape = {type.getDimSize(layout.first), type.getDimSize(layout.second)};
  for (int64_t dim : layout.spatial)
    shape.push_back(type.getDimSize(dim));
  return shape;
}

static LogicalResult checkShapes(HloOp &op, const Convolution &conv) {
  RankedTensorType inputType = op.operandType(0), filterType = op.operandType(1);
  if (inputType.getRank() != conv.dims.input.rank() ||
      filterType.getRank() != conv.dims.input.rank() ||
      op.resultType().getRank() != conv.dims.input.rank())
    return op.error() << "expected operands and result of rank " << conv.dims.input.rank();
  SmallVector<int64_t> input = canonicalShape(inputType, conv.dims.input),
                       filter = canonicalShape(filterType, conv.dims.filter),
                       result = canonicalShape(op.resultType(), conv.dims.output);
  int64_t groups = conv.featureGroups * conv.batchGroups;
  if (input[1] != filter[0] * conv.featureGroups || filter[1] % groups ||
      input[0] % conv.batchGroups)
    return op.error() << "cannot convolve " << inputType << " with " << filterType << " in "
                      << groups << " groups";
  SmallVector<int64_t> expected = {input[0] / conv.batchGroups, filter[1]};
  for (size_t i = 0; i < conv.numSpatial(); ++i) {
    int64_t padded = (input[i + 2] - 1) * conv.inputDilations[i] + 1 + conv.low[i] + conv.high[i];
    int64_t extent = (filter[i + 2] - 1) * conv.filterDilations[i] + 1;
    expected.push_back(padded < extent ? 0 : (padded - extent) / conv.strides[i] + 1);
  }
  if (result != expected)
    return op.error() << "expected a result of sizes [" << expected
                      << "] (batch, features, spatial), got [" << result << "]";
  return success();
}

/// A reversed filter and `window_reversal` both turn the window around; a filter that is already
/// turned around is looked through.
static LogicalResult readFlip(HloOp &op, Convolution &conv) {
  RankedTensorType type = typeOf(conv.filter);
  auto flags = op.integersOr("window_reversal", conv.numSpatial(), 0);
  if (failed(flags))
    return failure();
  SmallVector<int64_t> turned;
  for (auto [flag, dim] : llvm::zip_equal(*flags, conv.dims.filter.spatial))
    if (flag)
      turned.push_back(dim);
  auto coversAll = [&](ArrayRef<int64_t> dims) {
    return llvm::all_of(conv.dims.filter.spatial,
                        [&](int64_t dim) {
                          return type.getDimSize(dim) == 1 || llvm::is_contained(dims, dim);
                        }) &&
           llvm::all_of(dims, [&](int64_t dim) {
             return llvm::is_contained(conv.dims.filter.spatial, dim);
           });
  };
  auto found = op.state().reversed.find(conv.filter);
  if (found != op.state().reversed.end() && coversAll(found->second.second)) {
    conv.filter = found->second.first;
    conv.flipped = true;
  }
  if (turned.empty())
    return success();
  if (!coversAll(turned))
    return op.error() << "with `window_reversal` along some dimensions only is not supported";
  conv.flipped = !conv.flipped;
  return success();
}

FailureOr<Convolution> Convolution::read(HloOp &op) {
  Convolution conv;
  if (failed(op.expectCounts(2, 1)))
    return failure();
  FailureOr<ConvolutionDims> dims = readConvolutionDims(op);
  if (failed(dims))
    return failure();
  conv.dims = *dims;
  conv.input = op.operand(0);
  conv.filter = op.operand(1);
  if (failed(readAttributes(op, conv)) || failed(checkShapes(op, conv)) ||
      failed(readFlip(op, conv)))
    return failure();
  // A result of a wider type (preferred_element_type) is computed in that type.
  Type element = op.resultType().getElementType();
  conv.input = emitCast(op.builder(), conv.input, element);
  conv.filter = emitCast(op.builder(), conv.filter, element);
  return conv;
}

Value mlir::abn::hlo::emitFlip(HloOp &op, Value filter, const ConvolutionLayout &layout) {
  RankedTensorType type = typeOf(filter);
  return emitGather(op.builder(), filter, type.getShape(), [&](Body &body, ValueRange position) {
    SmallVector<Value> from(position.begin(), position.end());
    for (int64_t dim : layout.spatial)
      from[dim] = body.call<arith::SubIOp>(body.indexConstant(type.getDimSize(dim) - 1), from[dim]);
    return from;
  });
}

//===----------------------------------------------------------------------===//
// The general form
//===----------------------------------------------------------------------===//

static SmallVector<int64_t> permutationOf(const ConvolutionLayout &layout) {
  SmallVector<int64_t> permutation = {layout.first, layout.second};
  llvm::append_range(permutation, layout.spatial);
  return permutation;
}

/// The padded input, [batch, features, spatial...], the split dimension in two: groups in front.
static Value prepareInput(HloOp &op, const Convolution &conv) {
  ImplicitLocOpBuilder &b = op.builder();
  Value input = emitTranspose(b, conv.input, permutationOf(conv.dims.input));
  PadSpec pad(conv.numSpatial() + 2);
  for (size_t i = 0; i < conv.numSpatial(); ++i) {
    pad.low[i + 2] = conv.low[i];
    pad.high[i + 2] = conv.high[i];
    pad.interior[i + 2] = conv.inputDilations[i] - 1;
  }
  input = emitPad(b, input, emitScalar(b, typeOf(input).getElementType(), 0), pad);
  SmallVector<int64_t> shape(typeOf(input).getShape());
  int64_t split = conv.batchGroups > 1 ? 0 : 1;
  int64_t groups = conv.batchGroups * conv.featureGroups;
  shape[split] /= groups;
  shape.insert(shape.begin() + split, groups);
  return emitReshape(b, input, shape);
}

/// [groups, features of a group, input features, spatial...].
static Value prepareFilter(HloOp &op, const Convolution &conv) {
  ImplicitLocOpBuilder &b = op.builder();
  Value filter = conv.flipped ? emitFlip(op, conv.filter, conv.dims.filter) : conv.filter;
  SmallVector<int64_t> permutation = permutationOf(conv.dims.filter);
  std::swap(permutation[0], permutation[1]);
  filter = emitTranspose(b, filter, permutation);
  SmallVector<int64_t> shape(typeOf(filter).getShape());
  int64_t groups = conv.batchGroups * conv.featureGroups;
  shape[0] /= groups;
  shape.insert(shape.begin(), groups);
  return emitReshape(b, filter, shape);
}

/// The three maps over loops n, g, o, positions..., c, offsets....
static SmallVector<AffineMap> convolutionMaps(OpBuilder &b, const Convolution &conv) {
  int64_t s = conv.numSpatial(), loops = 2 * s + 4;
  auto dim = [&](int64_t i) { return b.getAffineDimExpr(i); };
  AffineExpr n = dim(0), g = dim(1), o = dim(2), c = dim(3 + s);
  SmallVector<AffineExpr> input, filter = {g, o, c}, output = {n, g, o};
  input =
      conv.batchGroups > 1 ? SmallVector<AffineExpr>{g, n, c} : SmallVector<AffineExpr>{n, g, c};
  for (int64_t i = 0; i < s; ++i) {
    AffineExpr position = dim(3 + i), offset = dim(4 + s + i);
    input.push_back(position * conv.strides[i] + offset * conv.filterDilations[i]);
    filter.push_back(offset);
    output.push_back(position);
  }
  MLIRContext *context = b.getContext();
  return {AffineMap::get(loops, 0, input, context), AffineMap::get(loops, 0, filter, context),
          AffineMap::get(loops, 0, output, context)};
}

Value mlir::abn::hlo::emitGeneralConvolution(HloOp &op, const Convolution &conv) {
  ImplicitLocOpBuilder &b = op.builder();
  Value input = prepareInput(op, conv), filter = prepareFilter(op, conv);
  RankedTensorType type = op.resultType();
  Type accumulator = computeTypeOf(type.getElementType());
  SmallVector<int64_t> permutation = permutationOf(conv.dims.output), shape;
  for (int64_t dim : permutation)
    shape.push_back(type.getDimSize(dim));
  SmallVector<int64_t> canonical = shape;
  int64_t groups = typeOf(filter).getDimSize(0);
  shape[1] /= groups;
  shape.insert(shape.begin() + 1, groups);
  SmallVector<utils::IteratorType> iterators(conv.numSpatial() + 3, utils::IteratorType::parallel);
  iterators.append(conv.numSpatial() + 1, utils::IteratorType::reduction);
  SmallVector<Value> outs = {emitFill(b, RankedTensorType::get(shape, accumulator), 0.0)};
  auto generic = linalg::GenericOp::create(
      b, ValueRange(outs).getTypes(), ValueRange{input, filter}, outs, convolutionMaps(b, conv),
      iterators, [&](OpBuilder &nested, Location loc, ValueRange args) {
        Body body{nested, loc};
        Value product = body.mul(body.cast(args[0], accumulator), body.cast(args[1], accumulator));
        linalg::YieldOp::create(nested, loc, body.add(args[2], product));
      });
  Value result = emitReshape(b, generic.getResult(0), canonical);
  result = emitTranspose(b, result, invertPermutationVector(permutation));
  return emitCast(b, result, type.getElementType());
}

static LogicalResult convertConvolution(HloOp &op) {
  FailureOr<Convolution> conv = Convolution::read(op);
  if (failed(conv))
    return failure();
  for (auto raise : {raiseWeightGrad, raiseInputGrad, raiseForward, emitGeneralConvolution})
    if (Value result = raise(op, *conv))
      return op.replaceWith(result);
  return failure();
}

void mlir::abn::hlo::addConvolution(Registry &r) {
  r.add("stablehlo.convolution", convertConvolution);
}
