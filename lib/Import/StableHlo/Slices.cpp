// Slices and paddings. Interior padding inserts with strides into a filled tensor; negative edge
// padding crops.
#include "Slices.h"
#include "Registry.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::abn::hlo;

SmallVector<int64_t> PadSpec::shapeOf(ArrayRef<int64_t> from) const {
  SmallVector<int64_t> shape;
  for (auto [i, size] : llvm::enumerate(from))
    shape.push_back(size + std::max<int64_t>(size - 1, 0) * interior[i] + low[i] + high[i]);
  return shape;
}

Value mlir::abn::hlo::emitScalar(ImplicitLocOpBuilder &b, Type type, double value) {
  auto tensor = RankedTensorType::get({}, type);
  Attribute element;
  if (isa<FloatType>(type))
    element = b.getFloatAttr(type, value);
  else
    element = b.getIntegerAttr(type, static_cast<int64_t>(value));
  return arith::ConstantOp::create(b, DenseElementsAttr::get(tensor, element));
}

Value mlir::abn::hlo::emitScalarValue(ImplicitLocOpBuilder &b, Value rankZero) {
  DenseElementsAttr constant;
  if (matchPattern(rankZero, m_Constant(&constant)))
    return arith::ConstantOp::create(b, cast<TypedAttr>(constant.getSplatValue<Attribute>()));
  return tensor::ExtractOp::create(b, rankZero, ValueRange());
}

static SmallVector<OpFoldResult> toAttrs(OpBuilder &b, ArrayRef<int64_t> values) {
  return llvm::map_to_vector(values, [&](int64_t v) -> OpFoldResult { return b.getIndexAttr(v); });
}

static bool allAtLeast(ArrayRef<int64_t> values, int64_t least) {
  return llvm::all_of(values, [&](int64_t v) { return v >= least; });
}

/// The part of `value` that negative edge padding leaves; the spec's edges are then not negative.
/// Cropping may reach into interior positions, so that it comes last where there are any.
static Value emitCrop(ImplicitLocOpBuilder &b, Value value, PadSpec &spec) {
  SmallVector<int64_t> offsets, sizes(typeOf(value).getShape());
  for (size_t i = 0; i < sizes.size(); ++i) {
    offsets.push_back(std::max<int64_t>(-spec.low[i], 0));
    sizes[i] += std::min<int64_t>(spec.low[i], 0) + std::min<int64_t>(spec.high[i], 0);
    spec.low[i] = std::max<int64_t>(spec.low[i], 0);
    spec.high[i] = std::max<int64_t>(spec.high[i], 0);
  }
  return emitSlice(b, value, offsets, sizes, SmallVector<int64_t>(sizes.size(), 1));
}

/// `value` with `interior` fills between its elements.
static Value emitInterior(ImplicitLocOpBuilder &b, Value value, Value fill,
                          ArrayRef<int64_t> interior) {
  RankedTensorType type = typeOf(value);
  PadSpec spec(type.getRank());
  spec.interior.assign(interior.begin(), interior.end());
  SmallVector<int64_t> strides;
  for (int64_t between : interior)
    strides.push_back(between + 1);
  Value init = emitEmpty(b, spec.shapeOf(type.getShape()), type.getElementType());
  Value filled = linalg::FillOp::create(b, ValueRange{emitScalarValue(b, fill)}, ValueRange{init})
                     .getResult(0);
  return emitInsert(b, value, filled, SmallVector<int64_t>(type.getRank(), 0), strides);
}

Value mlir::abn::hlo::emitPad(ImplicitLocOpBuilder &b, Value value, Value fill,
                              const PadSpec &requested) {
  PadSpec spec = requested;
  // A dimension of one element has no interior.
  for (auto [i, size] : llvm::enumerate(typeOf(value).getShape()))
    if (size <= 1)
      spec.interior[i] = 0;
  if (!allAtLeast(spec.interior, 0) || llvm::any_of(spec.interior, [](int64_t v) { return v; }))
    value = emitInterior(b, value, fill, spec.interior);
  spec.interior.assign(spec.interior.size(), 0);
  // Pad before cropping: the crop of one edge may be more than the tensor has.
  PadSpec grown = spec;
  for (size_t i = 0; i < spec.low.size(); ++i) {
    grown.low[i] = std::max<int64_t>(spec.low[i], 0);
    grown.high[i] = std::max<int64_t>(spec.high[i], 0);
    spec.low[i] = std::min<int64_t>(spec.low[i], 0);
    spec.high[i] = std::min<int64_t>(spec.high[i], 0);
  }
  SmallVector<int64_t> shape = grown.shapeOf(typeOf(value).getShape());
  if (typeOf(value).getShape() != ArrayRef<int64_t>(shape)) {
    Value scalar = emitScalarValue(b, fill);
    value = tensor::PadOp::create(b, withShape(typeOf(value), shape), value, toAttrs(b, grown.low),
                                  toAttrs(b, grown.high), scalar);
  }
  return emitCrop(b, value, spec);
}

static LogicalResult convertPad(HloOp &op) {
  if (failed(op.expectCounts(2, 1)))
    return failure();
  RankedTensorType type = op.operandType(0);
  size_t rank = type.getRank();
  auto low = op.integers("edge_padding_low", rank), high = op.integers("edge_padding_high", rank),
       interior = op.integers("interior_padding", rank);
  if (failed(low) || failed(high) || failed(interior))
    return failure();
  PadSpec spec(rank);
  spec.low = *low;
  spec.high = *high;
  spec.interior = *interior;
  SmallVector<int64_t> shape = spec.shapeOf(type.getShape());
  if (!allAtLeast(spec.interior, 0))
    return op.error() << "expected no negative `interior_padding`";
  if (op.resultType().getShape() != ArrayRef<int64_t>(shape) || op.operandType(1).getRank() != 0 ||
      op.operandType(1).getElementType() != type.getElementType())
    return op.error() << "expected a scalar of " << type.getElementType()
                      << " and a result of shape [" << shape << "], got " << op.resultType();
  Value result = emitPad(op.builder(), op.operand(0), op.operand(1), spec);
  if (result != op.operand(0))
    op.state().padded[result] = {op.operand(0), op.operand(1), *low, *high, *interior};
  return op.replaceWith(result);
}

static LogicalResult convertSlice(HloOp &op) {
  if (failed(op.expectCounts(1, 1)))
    return failure();
  Value source = op.operand(0);
  RankedTensorType type = typeOf(source);
  size_t rank = type.getRank();
  auto starts = op.integers("start_indices", rank), limits = op.integers("limit_indices", rank),
       strides = op.integersOr("strides", rank, 1);
  if (failed(starts) || failed(limits) || failed(strides))
    return failure();
  SmallVector<int64_t> sizes;
  for (size_t i = 0; i < rank; ++i) {
    int64_t start = (*starts)[i], limit = (*limits)[i], stride = (*strides)[i];
    if (start < 0 || limit <= start || limit > type.getDimSize(i) || stride < 1)
      return op.error() << "cannot take " << start << " to " << limit << " by " << stride
                        << " of dimension " << i << " of " << type;
    sizes.push_back((limit - start + stride - 1) / stride);
  }
  // The gradient of a padded window pads, and JAX cuts that off again.
  if (auto pad = source.getDefiningOp<tensor::PadOp>())
    if (pad.getStaticLow() == ArrayRef<int64_t>(*starts) &&
        pad.getSourceType().getShape() == ArrayRef<int64_t>(sizes) &&
        llvm::all_of(*strides, [](int64_t s) { return s == 1; }))
      return op.replaceWith(pad.getSource());
  return op.replaceWith(emitSlice(op.builder(), source, *starts, sizes, *strides));
}

/// Where a slice of `sizes` starts along each dimension, clamped so that it lies within.
static FailureOr<SmallVector<OpFoldResult>>
readStarts(HloOp &op, unsigned first, ArrayRef<int64_t> shape, ArrayRef<int64_t> sizes) {
  if (op.getNumOperands() != first + shape.size())
    return op.error() << "expected " << shape.size() << " start indices";
  ImplicitLocOpBuilder &b = op.builder();
  SmallVector<OpFoldResult> starts;
  for (auto [i, size] : llvm::enumerate(shape)) {
    Value start = op.operand(first + i);
    if (typeOf(start).getRank() != 0 || !isa<IntegerType>(typeOf(start).getElementType()))
      return op.error() << "expected start indices that are integer scalars, got "
                        << start.getType();
    if (sizes[i] < 1 || sizes[i] > size)
      return op.error() << "expected a slice of 1 to " << size << " in dimension " << i << ", got "
                        << sizes[i];
    DenseElementsAttr constant;
    if (matchPattern(start, m_Constant(&constant))) {
      int64_t value = constant.getSplatValue<APInt>().getSExtValue();
      starts.push_back(b.getIndexAttr(std::clamp<int64_t>(value, 0, size - sizes[i])));
      continue;
    }
    Body body{b, b.getLoc()};
    Value index = body.cast(emitScalarValue(b, start), b.getIndexType());
    index = body.call<arith::MaxSIOp>(index, body.indexConstant(0));
    starts.push_back(body.call<arith::MinSIOp>(index, body.indexConstant(size - sizes[i])));
  }
  return starts;
}

static LogicalResult convertDynamicSlice(HloOp &op) {
  if (op.getNumOperands() == 0 || op.getNumResults() != 1)
    return op.error() << "expected an operand and a result";
  RankedTensorType type = op.operandType(0);
  auto sizes = op.integers("slice_sizes", type.getRank());
  if (failed(sizes))
    return failure();
  auto starts = readStarts(op, 1, type.getShape(), *sizes);
  if (failed(starts))
    return failure();
  ImplicitLocOpBuilder &b = op.builder();
  SmallVector<OpFoldResult> strides(type.getRank(), b.getIndexAttr(1));
  return op.replaceWith(tensor::ExtractSliceOp::create(b, withShape(type, *sizes), op.operand(0),
                                                       *starts, toAttrs(b, *sizes), strides)
                            ->getResults());
}

static LogicalResult convertDynamicUpdateSlice(HloOp &op) {
  if (op.getNumOperands() < 2 || op.getNumResults() != 1)
    return op.error() << "expected an operand, an update and a result";
  RankedTensorType type = op.operandType(0), update = op.operandType(1);
  if (type.getRank() != update.getRank() || type.getElementType() != update.getElementType())
    return op.error() << "expected an update of rank " << type.getRank() << " of "
                      << type.getElementType() << ", got " << update;
  auto starts = readStarts(op, 2, type.getShape(), update.getShape());
  if (failed(starts))
    return failure();
  ImplicitLocOpBuilder &b = op.builder();
  SmallVector<OpFoldResult> strides(type.getRank(), b.getIndexAttr(1));
  return op.replaceWith(tensor::InsertSliceOp::create(b, op.operand(1), op.operand(0), *starts,
                                                      toAttrs(b, update.getShape()), strides)
                            ->getResults());
}

void mlir::abn::hlo::addSlices(Registry &r) {
  r.add("stablehlo.dynamic_slice", convertDynamicSlice);
  r.add("stablehlo.dynamic_update_slice", convertDynamicUpdateSlice);
  r.add("stablehlo.pad", convertPad);
  r.add("stablehlo.slice", convertSlice);
}
