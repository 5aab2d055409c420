// Elementwise ops and reductions as linalg.generic.
#include "Emit.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AffineMap.h"
#include <cmath>

using namespace mlir;
using namespace mlir::abn::emit;

Type mlir::abn::emit::computeTypeOf(Type type) {
  if (type.isF16() || type.isBF16())
    return Float32Type::get(type.getContext());
  return type;
}

int64_t mlir::abn::emit::countOf(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

RankedTensorType mlir::abn::emit::withShape(RankedTensorType type, ArrayRef<int64_t> shape) {
  return RankedTensorType::get(shape, type.getElementType());
}

RankedTensorType mlir::abn::emit::withElement(RankedTensorType type, Type elementType) {
  return RankedTensorType::get(type.getShape(), elementType);
}

/// The map by which an input of `shape` is read in loops over `space`: aligned at the right, with
/// position 0 along a dimension that is broadcast.
static AffineMap broadcastMap(MLIRContext *context, ArrayRef<int64_t> shape,
                              ArrayRef<int64_t> space) {
  SmallVector<AffineExpr> exprs;
  size_t offset = space.size() - shape.size();
  for (auto [i, size] : llvm::enumerate(shape))
    exprs.push_back(size == 1 && space[offset + i] != 1 ? getAffineConstantExpr(0, context)
                                                        : getAffineDimExpr(offset + i, context));
  return AffineMap::get(space.size(), 0, exprs, context);
}

/// The block arguments that stand for inputs, converted.
static SmallVector<Value> convertInputs(Body &body, ValueRange args, Type computeType) {
  SmallVector<Value> converted(args.begin(), args.end());
  if (computeType)
    for (Value &value : converted)
      value = body.cast(value, computeType);
  return converted;
}

SmallVector<Value>
mlir::abn::emit::emitElementwise(ImplicitLocOpBuilder &b, ArrayRef<RankedTensorType> types,
                                 ValueRange inputs, Type computeType,
                                 llvm::function_ref<SmallVector<Value>(Body &, ValueRange)> body) {
  ArrayRef<int64_t> space = types.front().getShape();
  SmallVector<AffineMap> maps;
  for (Value input : inputs)
    maps.push_back(broadcastMap(b.getContext(), typeOf(input).getShape(), space));
  maps.append(types.size(), b.getMultiDimIdentityMap(space.size()));
  SmallVector<utils::IteratorType> iterators(space.size(), utils::IteratorType::parallel);
  SmallVector<Value> inits;
  for (RankedTensorType type : types)
    inits.push_back(emitEmpty(b, type.getShape(), type.getElementType()));
  auto generic = linalg::GenericOp::create(
      b, ValueRange(inits).getTypes(), inputs, inits, maps, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        Body scalar{nested, loc};
        SmallVector<Value> values =
            body(scalar, convertInputs(scalar, args.take_front(inputs.size()), computeType));
        for (auto [value, type] : llvm::zip_equal(values, types))
          value = scalar.cast(value, type.getElementType());
        linalg::YieldOp::create(nested, loc, values);
      });
  return generic.getResults();
}

Value mlir::abn::emit::emitElementwise(ImplicitLocOpBuilder &b, RankedTensorType type,
                                       ValueRange inputs, Type computeType, BodyFn body) {
  return emitElementwise(b, ArrayRef<RankedTensorType>{type}, inputs, computeType,
                         [&](Body &scalar, ValueRange args) -> SmallVector<Value> {
                           return {body(scalar, args)};
                         })
      .front();
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

static SmallVector<int64_t> dropDims(ArrayRef<int64_t> shape, ArrayRef<int64_t> dims) {
  SmallVector<int64_t> kept;
  for (auto [i, size] : llvm::enumerate(shape))
    if (!llvm::is_contained(dims, static_cast<int64_t>(i)))
      kept.push_back(size);
  return kept;
}

/// One linalg.generic; the reduced dimensions are dropped.
static Value emitOneLevel(ImplicitLocOpBuilder &b, const ReductionSpec &spec,
                          ArrayRef<int64_t> dims, ValueRange inputs, BodyFn map,
                          CombineFn combine) {
  MLIRContext *context = b.getContext();
  int64_t rank = spec.shape.size();
  SmallVector<AffineMap> maps;
  for (Value input : inputs)
    maps.push_back(broadcastMap(context, typeOf(input).getShape(), spec.shape));
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
  SmallVector<AffineExpr> outExprs;
  for (int64_t i = 0; i < rank; ++i) {
    if (llvm::is_contained(dims, i))
      iterators[i] = utils::IteratorType::reduction;
    else
      outExprs.push_back(getAffineDimExpr(i, context));
  }
  maps.push_back(AffineMap::get(rank, 0, outExprs, context));
  auto outType = RankedTensorType::get(dropDims(spec.shape, dims), spec.accumulator);
  SmallVector<Value> inits = {emitFill(b, outType, spec.init)};
  auto generic = linalg::GenericOp::create(
      b, ValueRange(inits).getTypes(), inputs, inits, maps, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        Body body{nested, loc};
        SmallVector<Value> values = convertInputs(body, args.drop_back(), spec.accumulator);
        Value mapped = map ? map(body, values) : values.front();
        linalg::YieldOp::create(nested, loc, combine(body, args.back(), mapped));
      });
  return generic.getResult(0);
}

/// A divisor of `size` near its square root, 1 if there is none worth using.
static int64_t findBalancedDivisor(int64_t size) {
  for (int64_t d = static_cast<int64_t>(std::sqrt(static_cast<double>(size))); d >= 8; --d)
    if (size % d == 0)
      return d;
  return 1;
}

/// Longer sums than this are taken in two levels.
static constexpr int64_t kLongReduction = 512;

/// Splits the long dimension `dim` of all inputs in two, so that it can be reduced in two levels.
static void splitDim(ImplicitLocOpBuilder &b, int64_t dim, int64_t divisor,
                     SmallVectorImpl<int64_t> &shape, SmallVectorImpl<Value> &inputs) {
  int64_t rank = shape.size(), size = shape[dim];
  for (Value &input : inputs) {
    SmallVector<int64_t> inputShape(typeOf(input).getShape());
    int64_t inputDim = dim - (rank - static_cast<int64_t>(inputShape.size()));
    if (inputDim < 0)
      continue;
    bool broadcast = inputShape[inputDim] != size;
    inputShape[inputDim] = broadcast ? 1 : size / divisor;
    inputShape.insert(inputShape.begin() + inputDim + 1, broadcast ? 1 : divisor);
    input = emitReshape(b, input, inputShape);
  }
  shape[dim] = size / divisor;
  shape.insert(shape.begin() + dim + 1, divisor);
}

Value mlir::abn::emit::emitReduction(ImplicitLocOpBuilder &b, const ReductionSpec &spec,
                                     ValueRange inputs, BodyFn map, CombineFn combine) {
  SmallVector<int64_t> shape(spec.shape), dims(spec.dims), finalShape;
  for (auto [i, size] : llvm::enumerate(shape)) {
    bool reduced = llvm::is_contained(dims, static_cast<int64_t>(i));
    if (!reduced || spec.keepDims)
      finalShape.push_back(reduced ? 1 : size);
  }
  SmallVector<Value> operands(inputs.begin(), inputs.end());
  int64_t count = 1;
  for (int64_t dim : dims)
    count *= shape[dim];
  if (dims.size() == 1 && count > kLongReduction)
    if (int64_t divisor = findBalancedDivisor(count); divisor > 1) {
      splitDim(b, dims.front(), divisor, shape, operands);
      dims.push_back(dims.front() + 1);
    }

  ReductionSpec level = spec;
  level.shape = shape;
  Value result;
  if (dims.size() > 1 && count > kLongReduction) {
    int64_t inner = dims.pop_back_val();
    Value partial = emitOneLevel(b, level, {inner}, operands, map, combine);
    level.shape = typeOf(partial).getShape();
    result = emitOneLevel(b, level, dims, partial, nullptr, combine);
  } else {
    result = emitOneLevel(b, level, dims, operands, map, combine);
  }
  return emitReshape(b, result, finalShape);
}

Value mlir::abn::emit::emitSum(ImplicitLocOpBuilder &b, const ReductionSpec &spec,
                               ValueRange inputs, BodyFn map) {
  return emitReduction(b, spec, inputs, map,
                       [](Body &body, Value acc, Value x) { return body.add(acc, x); });
}

Value mlir::abn::emit::emitAxisSum(ImplicitLocOpBuilder &b, Value value, int64_t dim,
                                   int64_t outSize, Type accumulator, AxisTermFn term) {
  return emitAxisReduction(b, value, dim, outSize, accumulator, 0, term,
                           [](Body &body, Value acc, Value x) { return body.add(acc, x); });
}

Value mlir::abn::emit::whereEqual(Body &body, Value value, Value position, Value other) {
  Value equal = body.call<arith::CmpIOp>(arith::CmpIPredicate::eq, position, other);
  return body.select(equal, value, body.like(value, 0));
}

Value mlir::abn::emit::emitAxisReduction(ImplicitLocOpBuilder &b, Value value, int64_t dim,
                                         int64_t outSize, Type accumulator, double init,
                                         AxisTermFn term, CombineFn combine) {
  RankedTensorType type = typeOf(value);
  int64_t rank = type.getRank();
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] = outSize;
  // The last loop runs over the old dimension.
  SmallVector<AffineExpr> inputExprs, outputExprs;
  for (int64_t i = 0; i < rank; ++i) {
    outputExprs.push_back(b.getAffineDimExpr(i));
    inputExprs.push_back(b.getAffineDimExpr(i == dim ? rank : i));
  }
  SmallVector<AffineMap> maps = {AffineMap::get(rank + 1, 0, inputExprs, b.getContext()),
                                 AffineMap::get(rank + 1, 0, outputExprs, b.getContext())};
  SmallVector<utils::IteratorType> iterators(rank + 1, utils::IteratorType::parallel);
  iterators.back() = utils::IteratorType::reduction;
  SmallVector<Value> inits = {emitFill(b, RankedTensorType::get(shape, accumulator), init)};
  auto generic = linalg::GenericOp::create(
      b, ValueRange(inits).getTypes(), ValueRange{value}, inits, maps, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        Body body{nested, loc};
        Value added =
            term(body, body.cast(args[0], accumulator), body.index(dim), body.index(rank));
        linalg::YieldOp::create(nested, loc, combine(body, args[1], added));
      });
  return generic.getResult(0);
}

//===----------------------------------------------------------------------===//
// Conversions and constants
//===----------------------------------------------------------------------===//

Value mlir::abn::emit::emitCast(ImplicitLocOpBuilder &b, Value value, Type elementType) {
  RankedTensorType type = typeOf(value);
  if (type.getElementType() == elementType)
    return value;
  return emitElementwise(b, withElement(type, elementType), value, nullptr,
                         [](Body &, ValueRange args) { return args[0]; });
}

Value mlir::abn::emit::emitBroadcast(ImplicitLocOpBuilder &b, Value value,
                                     ArrayRef<int64_t> shape) {
  RankedTensorType type = typeOf(value);
  if (type.getShape() == shape)
    return value;
  return emitElementwise(b, withShape(type, shape), value, nullptr,
                         [](Body &, ValueRange args) { return args[0]; });
}

Value mlir::abn::emit::emitEmpty(ImplicitLocOpBuilder &b, ArrayRef<int64_t> shape,
                                 Type elementType) {
  return tensor::EmptyOp::create(b, shape, elementType);
}

static Value emitFill(ImplicitLocOpBuilder &b, RankedTensorType type, Value scalar) {
  Value init = emitEmpty(b, type.getShape(), type.getElementType());
  return linalg::FillOp::create(b, ValueRange{scalar}, ValueRange{init}).getResult(0);
}

Value mlir::abn::emit::emitFill(ImplicitLocOpBuilder &b, RankedTensorType type,
                                const ScalarArgument &value) {
  return ::emitFill(b, type, Body{b, b.getLoc()}.constant(type.getElementType(), value));
}

Value mlir::abn::emit::emitFill(ImplicitLocOpBuilder &b, RankedTensorType type, double value) {
  return ::emitFill(b, type, Body{b, b.getLoc()}.constant(type.getElementType(), value));
}
