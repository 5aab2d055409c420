// The shared building blocks of the lowerings to linalg.
#include "LinalgBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::abn;

FloatType mlir::abn::getAccumulatorType(Type element) {
  auto type = mlir::cast<FloatType>(element);
  return type.getWidth() < 32 ? Float32Type::get(element.getContext()) : type;
}

//===----------------------------------------------------------------------===//
// Index arithmetic
//===----------------------------------------------------------------------===//

Value LinalgBuilder::indexValue(OpFoldResult value) {
  if (auto known = dyn_cast<Value>(value))
    return known;
  return arith::ConstantIndexOp::create(*this, *getConstantIntValue(value));
}

/// Folds two constants with `fold`, or creates `Op`.
template <typename Op, typename Fold>
static OpFoldResult combine(LinalgBuilder &b, OpFoldResult x, OpFoldResult y, Fold fold) {
  std::optional<int64_t> cx = getConstantIntValue(x), cy = getConstantIntValue(y);
  if (cx && cy)
    return b.getIndexAttr(fold(*cx, *cy));
  return Op::create(b, b.indexValue(x), b.indexValue(y)).getResult();
}

OpFoldResult LinalgBuilder::add(OpFoldResult x, OpFoldResult y) {
  if (isZeroInteger(x))
    return y;
  if (isZeroInteger(y))
    return x;
  return combine<arith::AddIOp>(*this, x, y, std::plus<int64_t>());
}

OpFoldResult LinalgBuilder::sub(OpFoldResult x, OpFoldResult y) {
  if (isZeroInteger(y))
    return x;
  return combine<arith::SubIOp>(*this, x, y, std::minus<int64_t>());
}

OpFoldResult LinalgBuilder::mul(OpFoldResult x, OpFoldResult y) {
  if (isOneInteger(x))
    return y;
  if (isOneInteger(y))
    return x;
  return combine<arith::MulIOp>(*this, x, y, std::multiplies<int64_t>());
}

OpFoldResult LinalgBuilder::floorDiv(OpFoldResult x, OpFoldResult y) {
  if (isOneInteger(y))
    return x;
  return combine<arith::DivSIOp>(*this, x, y, [](int64_t a, int64_t b) { return a / b; });
}

OpFoldResult LinalgBuilder::ceilDiv(OpFoldResult x, OpFoldResult y) {
  return floorDiv(add(x, sub(y, index(1))), y);
}

OpFoldResult LinalgBuilder::min(OpFoldResult x, OpFoldResult y) {
  return combine<arith::MinSIOp>(*this, x, y, [](int64_t a, int64_t b) { return std::min(a, b); });
}

OpFoldResult LinalgBuilder::max(OpFoldResult x, OpFoldResult y) {
  return combine<arith::MaxSIOp>(*this, x, y, [](int64_t a, int64_t b) { return std::max(a, b); });
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

SmallVector<OpFoldResult> LinalgBuilder::sizes(Value tensor) {
  return tensor::getMixedSizes(*this, getLoc(), tensor);
}

OpFoldResult LinalgBuilder::size(Value tensor, int64_t dim) {
  return tensor::getMixedSize(*this, getLoc(), tensor, dim);
}

Value LinalgBuilder::empty(ArrayRef<OpFoldResult> sizes, Type element) {
  return tensor::EmptyOp::create(*this, sizes, element);
}

Value LinalgBuilder::fill(Value destination, double value) {
  Type type = element(destination);
  Value scalar = isa<FloatType>(type) ? real(type, value) : integer(type, value);
  return linalg::FillOp::create(*this, ValueRange{scalar}, ValueRange{destination}).getResult(0);
}

Value LinalgBuilder::accumulator(Value init) {
  Type type = getAccumulatorType(element(init));
  return type == element(init) ? init : empty(sizes(init), type);
}

Value LinalgBuilder::finish(Value values, Value init) {
  Type type = element(init);
  if (element(values) == type)
    return values;
  unsigned rank = mlir::cast<RankedTensorType>(init.getType()).getRank();
  return generic(rank, rank, {{values, loops(0, rank)}}, {{init, loops(0, rank)}},
                 [&](LinalgBuilder &b, ValueRange args) -> SmallVector<Value> {
                   return {b.convert(args[0], type)};
                 })[0];
}

Value LinalgBuilder::cast(Value tensor, Type type) {
  if (tensor.getType() == type)
    return tensor;
  return tensor::CastOp::create(*this, type, tensor);
}

Value LinalgBuilder::pad(Value tensor, ArrayRef<OpFoldResult> low, ArrayRef<OpFoldResult> high,
                         double value) {
  SmallVector<OpFoldResult> kept = sizes(tensor), behind(high);
  SmallVector<OpFoldResult> zeros(kept.size(), index(0)), ones(kept.size(), index(1));
  bool crops = false;
  for (auto [size, amount] : llvm::zip_equal(kept, behind)) {
    std::optional<int64_t> known = getConstantIntValue(amount);
    if (!known || *known >= 0)
      continue;
    size = add(size, amount);
    amount = index(0);
    crops = true;
  }
  if (crops)
    tensor = tensor::ExtractSliceOp::create(*this, tensor, zeros, kept, ones);
  auto isZero = [](OpFoldResult size) { return isZeroInteger(size); };
  if (llvm::all_of(low, isZero) && llvm::all_of(behind, isZero))
    return tensor;
  return tensor::PadOp::create(*this, /*resultType=*/Type(), tensor, low, behind,
                               real(element(tensor), value), /*nofold=*/false);
}

/// The reassociation that groups dimensions `dim` and `dim + 1` of a tensor of rank `rank + 1`.
static SmallVector<ReassociationIndices> groupReassociation(int64_t rank, int64_t dim) {
  SmallVector<ReassociationIndices> indices;
  for (int64_t i = 0; i < rank; ++i) {
    if (i == dim)
      indices.push_back({i, i + 1});
    else
      indices.push_back({i < dim ? i : i + 1});
  }
  return indices;
}

Value LinalgBuilder::splitGroups(Value tensor, int64_t dim, int64_t groups) {
  if (groups == 1)
    return tensor;
  SmallVector<OpFoldResult> shape = sizes(tensor);
  auto indices = groupReassociation(shape.size(), dim);
  shape[dim] = floorDiv(shape[dim], index(groups));
  shape.insert(shape.begin() + dim, index(groups));
  auto type = RankedTensorType::get(decomposeMixedValues(shape).first, element(tensor));
  return tensor::ExpandShapeOp::create(*this, type, tensor, indices, shape);
}

Value LinalgBuilder::mergeGroups(Value tensor, int64_t dim, int64_t groups, Type type) {
  if (groups == 1)
    return tensor;
  int64_t rank = mlir::cast<RankedTensorType>(type).getRank();
  return tensor::CollapseShapeOp::create(*this, type, tensor, groupReassociation(rank, dim));
}

//===----------------------------------------------------------------------===//
// Generics
//===----------------------------------------------------------------------===//

SmallVector<Value> LinalgBuilder::generic(unsigned numParallel, unsigned numLoops,
                                          ArrayRef<Indexed> inputs, ArrayRef<Indexed> outputs,
                                          Body body) {
  SmallVector<AffineMap> maps;
  SmallVector<Value> ins, outs;
  for (const Indexed &operand : inputs) {
    maps.push_back(AffineMap::get(numLoops, 0, operand.exprs, getContext()));
    ins.push_back(operand.tensor);
  }
  for (const Indexed &operand : outputs) {
    maps.push_back(AffineMap::get(numLoops, 0, operand.exprs, getContext()));
    outs.push_back(operand.tensor);
  }
  SmallVector<utils::IteratorType> iterators(numLoops, utils::IteratorType::reduction);
  std::fill_n(iterators.begin(), numParallel, utils::IteratorType::parallel);
  auto op =
      linalg::GenericOp::create(*this, TypeRange(ValueRange(outs)), ins, outs, maps, iterators,
                                [&](OpBuilder &nested, Location loc, ValueRange args) {
                                  LinalgBuilder b(loc, nested);
                                  linalg::YieldOp::create(b, body(b, args));
                                });
  return llvm::to_vector_of<Value>(op.getResults());
}

Indexed LinalgBuilder::extents(ArrayRef<int64_t> sizes, unsigned firstLoop) {
  return {tensor::EmptyOp::create(*this, sizes, getF32Type()), loops(firstLoop, sizes.size())};
}

SmallVector<AffineExpr> LinalgBuilder::loops(unsigned first, unsigned count) {
  SmallVector<AffineExpr> exprs;
  for (unsigned i = 0; i < count; ++i)
    exprs.push_back(getAffineDimExpr(first + i));
  return exprs;
}

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

Value LinalgBuilder::real(Type type, double value) {
  return arith::ConstantOp::create(*this, getFloatAttr(type, value));
}

Value LinalgBuilder::integer(Type type, int64_t value) {
  return arith::ConstantOp::create(*this, getIntegerAttr(type, value));
}

Value LinalgBuilder::convert(Value value, Type type) {
  unsigned from = value.getType().getIntOrFloatBitWidth(), to = type.getIntOrFloatBitWidth();
  if (value.getType() == type)
    return value;
  if (from < to)
    return arith::ExtFOp::create(*this, type, value);
  return arith::TruncFOp::create(*this, type, value);
}

Value LinalgBuilder::toReal(Value value, Type type) {
  if (isa<IndexType>(value.getType()))
    value = arith::IndexCastOp::create(*this, getI64Type(), value);
  return arith::SIToFPOp::create(*this, type, value);
}
