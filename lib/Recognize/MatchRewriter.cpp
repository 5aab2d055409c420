// Emission of abn ops in the place of what they are equal to. A value's copies (casts,
// recomputations, views of statistics) are replaced with it: one that stayed would keep the batch
// norm's input alive.
#include "MatchRewriter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace mlir::abn;

//===----------------------------------------------------------------------===//
// Building blocks
//===----------------------------------------------------------------------===//

/// The value that an index stands for now.
Value MatchRewriter::current(unsigned value) const {
  auto it = replaced.find(value);
  return it == replaced.end() ? evaluation[value].value : it->second;
}

MatchRewriter::MatchRewriter(func::FuncOp func, Evaluation &evaluation, const ValueTables &tables)
    : func(func), evaluation(evaluation), tables(tables) {
  unsigned next = 1;
  for (Operation &op : func.getBody().front())
    positions[&op] = next++;
}

void MatchRewriter::notifyOperationInserted(Operation *op, OpBuilder::InsertPoint) {
  if (op->getBlock() != &func.getBody().front())
    return;
  Operation *previous = op->getPrevNode();
  positions[op] = previous ? positions.lookup(previous) : 0;
}

bool MatchRewriter::isBefore(Operation *a, Operation *b) const {
  unsigned p = positions.lookup(a), q = positions.lookup(b);
  if (p != q)
    return p < q;
  // Both stand behind the same original op, among few others.
  for (Operation *op = a->getNextNode(); op && positions.lookup(op) == p; op = op->getNextNode())
    if (op == b)
      return true;
  return false;
}

/// The latest of the operands' definitions; null if all are arguments.
Operation *MatchRewriter::findLastDefinition(ValueRange operands) const {
  Operation *last = nullptr;
  for (Value operand : operands)
    if (Operation *def = operand ? operand.getDefiningOp() : nullptr)
      if (!last || isBefore(last, def))
        last = def;
  return last;
}

OpBuilder MatchRewriter::builderAfter(ValueRange operands) {
  OpBuilder b(func.getContext(), this);
  if (Operation *last = findLastDefinition(operands))
    b.setInsertionPointAfter(last);
  else
    b.setInsertionPointToStart(&func.getBody().front());
  return b;
}

/// An elementwise generic of one input; `body` makes the element.
static Value emitMap(OpBuilder &b, Location loc, Value value, Type elementType,
                     llvm::function_ref<Value(OpBuilder &, Location, Value)> body) {
  auto type = cast<RankedTensorType>(value.getType());
  Value init = tensor::EmptyOp::create(b, loc, tensor::getMixedSizes(b, loc, value), elementType);
  SmallVector<AffineMap> maps(2, b.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  return linalg::GenericOp::create(b, loc, init.getType(), ValueRange{value}, ValueRange{init},
                                   maps, iterators,
                                   [&](OpBuilder &nested, Location l, ValueRange args) {
                                     linalg::YieldOp::create(nested, l, body(nested, l, args[0]));
                                   })
      .getResult(0);
}

Value MatchRewriter::castTo(OpBuilder &b, Location loc, Value value, Type elementType) {
  Type from = getElementTypeOrSelf(value.getType());
  if (from == elementType)
    return value;
  return emitMap(b, loc, value, elementType, [&](OpBuilder &nested, Location l, Value x) -> Value {
    if (from.getIntOrFloatBitWidth() < elementType.getIntOrFloatBitWidth())
      return arith::ExtFOp::create(nested, l, elementType, x);
    if (from.getIntOrFloatBitWidth() > elementType.getIntOrFloatBitWidth())
      return arith::TruncFOp::create(nested, l, elementType, x);
    // f16 and bf16 go through f32.
    Value wide = arith::ExtFOp::create(nested, l, nested.getF32Type(), x);
    return arith::TruncFOp::create(nested, l, elementType, wide);
  });
}

/// A reshape that only adds or removes dimensions of size 1; null if the types do not fit.
static Value reshapeVector(OpBuilder &b, Location loc, Value value, RankedTensorType type) {
  auto from = cast<RankedTensorType>(value.getType());
  if (from == type)
    return value;
  if (!from.hasStaticShape() || !type.hasStaticShape() ||
      from.getNumElements() != type.getNumElements())
    return nullptr;
  ReassociationIndices all =
      llvm::to_vector(llvm::seq<int64_t>(0, std::max(from.getRank(), type.getRank())));
  SmallVector<ReassociationIndices> groups = {all};
  if (from.getRank() == 1)
    return tensor::ExpandShapeOp::create(b, loc, type, value, groups);
  if (type.getRank() == 1)
    return tensor::CollapseShapeOp::create(b, loc, type, value, groups);
  return nullptr;
}

/// A per-channel value as a vector that abn ops take.
Value MatchRewriter::toVector(OpBuilder &b, Location loc, unsigned index, Type elementType) {
  Value value = current(index);
  auto type = cast<RankedTensorType>(value.getType());
  value = reshapeVector(b, loc, value,
                        RankedTensorType::get({type.getNumElements()}, type.getElementType()));
  Type statistics = getStatisticsType(elementType);
  if (type.getElementType() == elementType || type.getElementType() == statistics)
    return value;
  return castTo(b, loc, value, statistics);
}

//===----------------------------------------------------------------------===//
// Replacing
//===----------------------------------------------------------------------===//

/// Lets everything after `by` read it.
void MatchRewriter::replace(unsigned index, Value by) {
  Value value = current(index);
  if (value == by)
    return;
  Operation *def = by.getDefiningOp();
  Block *block = def->getBlock();
  value.replaceUsesWithIf(by, [&](OpOperand &use) {
    Operation *user = block->findAncestorOpInBlock(*use.getOwner());
    return user && isBefore(def, user);
  });
  replaced[index] = by;
}

/// Whether each group of the larger type's dimensions has at most one of unknown size, and is of
/// unknown size together if it has one.
static bool hasKnownGroups(RankedTensorType larger, RankedTensorType smaller,
                           ArrayRef<ReassociationIndices> groups) {
  return llvm::all_of(llvm::enumerate(groups), [&](auto group) {
    unsigned unknown =
        llvm::count_if(group.value(), [&](int64_t dim) { return larger.isDynamicDim(dim); });
    return unknown == (smaller.isDynamicDim(group.index()) ? 1 : 0);
  });
}

/// `value` in the shape of `type`, if one reshape gives it.
static Value reshapeFull(OpBuilder &b, Location loc, Value value, RankedTensorType type) {
  auto from = cast<RankedTensorType>(value.getType());
  if (from.getRank() == type.getRank())
    return nullptr;
  auto groups = getReassociationIndicesForReshape(from, type);
  if (!groups)
    return nullptr;
  bool isExpanded = from.getRank() < type.getRank();
  if (!hasKnownGroups(isExpanded ? type : from, isExpanded ? from : type, *groups))
    return nullptr;
  if (isExpanded)
    return tensor::ExpandShapeOp::create(b, loc, type, value, *groups);
  return tensor::CollapseShapeOp::create(b, loc, type, value, *groups);
}

/// Replaces a full value and its copies, cast to their element types and reshaped as they are.
void MatchRewriter::replaceFull(const BatchNormMatch &match, unsigned index, Value by) {
  llvm::MapVector<Type, Value> byType;
  byType[getElementTypeOrSelf(by.getType())] = by;
  auto it = match.copies.find(index);
  if (it == match.copies.end())
    return;
  for (unsigned copy : it->second) {
    const EvaluatedValue &value = evaluation[copy];
    auto type = dyn_cast<RankedTensorType>(value.value.getType());
    if (value.isLeaf || !type || value.value.use_empty())
      continue;
    // A wider copy than the batch norm's own type would lose what it has more.
    if (type.getElementTypeBitWidth() > getElementTypeOrSelf(by.getType()).getIntOrFloatBitWidth())
      continue;
    bool isReshaped = type.getShape() != cast<RankedTensorType>(by.getType()).getShape();
    // A view of a replaced value follows it.
    if (isReshaped &&
        isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(value.value.getDefiningOp()))
      continue;
    Value &cast = byType[type.getElementType()];
    if (!cast) {
      OpBuilder b = builderAfter(by);
      cast = castTo(b, by.getLoc(), by, type.getElementType());
    }
    Value shaped = cast;
    if (isReshaped) {
      OpBuilder b = builderAfter(cast);
      shaped = reshapeFull(b, by.getLoc(), cast, type);
    }
    if (shaped)
      replace(copy, shaped);
  }
}

/// Replaces per-channel values, reshaped and cast as they are.
void MatchRewriter::replaceRows(ArrayRef<unsigned> values, Value by) {
  for (unsigned index : values) {
    const EvaluatedValue &value = evaluation[index];
    auto type = dyn_cast<RankedTensorType>(value.value.getType());
    if (value.isLeaf || !type || value.value.use_empty())
      continue;
    OpBuilder b = builderAfter(by);
    Value cast = castTo(b, by.getLoc(), by, type.getElementType());
    if (Value shaped = reshapeVector(b, by.getLoc(), cast, type))
      replace(index, shaped);
  }
}

//===----------------------------------------------------------------------===//
// Emission
//===----------------------------------------------------------------------===//

void MatchRewriter::emitForward(const BatchNormMatch &match, Emitted &emitted) {
  emitted.x = current(match.x);
  if (match.isActivationOnly) {
    emitted.y = emitted.x;
    return;
  }
  if (match.given) {
    auto given = cast<BatchNormOp>(match.given);
    emitted.y = given->getResult(0);
    emitted.mean = given->getResult(1);
    emitted.variance = given->getResult(2);
    emitted.gamma = given.getGamma();
    return;
  }
  Location loc = evaluation[match.y].value.getLoc();
  SmallVector<Value> operands = {emitted.x};
  for (std::optional<unsigned> parameter : {match.gamma, match.beta})
    if (parameter)
      operands.push_back(current(*parameter));
  OpBuilder b = builderAfter(operands);
  Type elementType = getElementTypeOrSelf(emitted.x.getType());
  if (match.gamma)
    emitted.gamma = toVector(b, loc, *match.gamma, elementType);
  Value beta = match.beta ? toVector(b, loc, *match.beta, elementType) : Value();
  Value full = createEmptyLike(b, loc, emitted.x);
  Value mean = createEmptyStatistics(b, loc, emitted.x, match.channelDim);
  Value variance = createEmptyStatistics(b, loc, emitted.x, match.channelDim);
  auto op =
      BatchNormOp::create(b, loc, TypeRange{full.getType(), mean.getType(), variance.getType()},
                          emitted.x, emitted.gamma, beta, ValueRange{full, mean, variance},
                          APFloat(match.epsilon), match.channelDim);
  emitted.y = op->getResult(0);
  emitted.mean = op->getResult(1);
  emitted.variance = op->getResult(2);
  replaceFull(match, match.y, emitted.y);
  replaceStatistics(match, emitted);
}

/// Lets readers of the statistics, and of the sums and unbiased forms that the graph computes from
/// full tensors (mean*M, v*M, v*M/(M-1)), read the new ones.
void MatchRewriter::replaceStatistics(const BatchNormMatch &match, const Emitted &emitted) {
  std::map<std::pair<bool, double>, Value> scaled;
  for (const BatchNormMatch::Statistic &statistic : match.statistics) {
    bool readsFull = llvm::any_of(evaluation[statistic.value].operands,
                                  [&](unsigned operand) { return tables.isFull(operand); });
    if (statistic.factor != 1 && !readsFull)
      continue;
    Value &by = scaled[{statistic.isVariance, statistic.factor}];
    if (!by)
      by = scale(statistic.isVariance ? emitted.variance : emitted.mean, statistic.factor);
    replaceRows(statistic.value, by);
  }
}

/// value * factor.
Value MatchRewriter::scale(Value value, double factor) {
  if (factor == 1)
    return value;
  OpBuilder b = builderAfter(value);
  Type elementType = getElementTypeOrSelf(value.getType());
  return emitMap(
      b, value.getLoc(), value, elementType, [&](OpBuilder &nested, Location l, Value x) -> Value {
        Value constant =
            arith::ConstantOp::create(nested, l, nested.getFloatAttr(elementType, factor));
        return arith::MulFOp::create(nested, l, x, constant);
      });
}

void MatchRewriter::emitActivation(const BatchNormMatch &match, const Emitted &emitted) {
  Location loc = evaluation[match.z].value.getLoc();
  SmallVector<Value> operands = {emitted.y};
  if (match.param)
    operands.push_back(current(*match.param));
  OpBuilder b = builderAfter(operands);
  SmallVector<Value, 1> params;
  if (match.param)
    params.push_back(toVector(b, loc, *match.param, getElementTypeOrSelf(emitted.y.getType())));
  Value init = createEmptyLike(b, loc, emitted.y);
  auto op = ActivationOp::create(b, loc, TypeRange{init.getType()}, emitted.y, params,
                                 ValueRange{init}, match.phi, match.channelDim);
  replaceFull(match, match.z, op->getResult(0));
  if (!match.hasBackward())
    return;
  Value dz = current(*match.dz);
  operands.push_back(dz);
  b = builderAfter(operands);
  loc = evaluation[*match.dyPart].value.getLoc();
  auto type = cast<RankedTensorType>(emitted.y.getType());
  dz = castTo(b, loc, dz, type.getElementType());
  if (match.dzAxes.empty() && dz.getType() != type)
    dz = reshapeFull(b, loc, dz, type);
  // A gradient that no reshape brings to y's shape: what the graph makes of it stays.
  if (!dz)
    return;
  if (!match.dzAxes.empty()) {
    SmallVector<int64_t> added;
    for (int64_t axis = 0, e = type.getRank(); axis < e; ++axis)
      if (!llvm::is_contained(match.dzAxes, axis))
        added.push_back(axis);
    Value full = createEmptyLike(b, loc, emitted.y);
    dz = linalg::BroadcastOp::create(b, loc, dz, full, added)->getResult(0);
  }
  Value gradInit = createEmptyLike(b, loc, emitted.y);
  auto grad = ActivationGradOp::create(b, loc, TypeRange{gradInit.getType()}, dz, emitted.y,
                                       op.getParams(), ValueRange{gradInit}, match.phi,
                                       /*from_output=*/false, match.channelDim);
  replaceFull(match, *match.dyPart, grad->getResult(0));
}

/// r + dx.
static Value emitSum(OpBuilder &b, Location loc, Value lhs, Value rhs) {
  auto type = cast<RankedTensorType>(lhs.getType());
  Value init =
      tensor::EmptyOp::create(b, loc, tensor::getMixedSizes(b, loc, lhs), type.getElementType());
  SmallVector<AffineMap> maps(3, b.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  return linalg::GenericOp::create(b, loc, init.getType(), ValueRange{lhs, rhs}, ValueRange{init},
                                   maps, iterators,
                                   [](OpBuilder &nested, Location l, ValueRange args) {
                                     Value sum = arith::AddFOp::create(nested, l, args[0], args[1]);
                                     linalg::YieldOp::create(nested, l, sum);
                                   })
      .getResult(0);
}

void MatchRewriter::emitBackward(const BatchNormMatch &match, const Emitted &emitted) {
  Location loc = evaluation[match.dx ? *match.dx : *match.dy].value.getLoc();
  Type elementType = getElementTypeOrSelf(emitted.x.getType());
  Value dy = current(*match.dy);
  OpBuilder b = builderAfter({dy, emitted.y});
  dy = castTo(b, loc, dy, elementType);
  Value full = createEmptyLike(b, loc, emitted.x);
  Value gammaGrad = createEmptyStatistics(b, loc, emitted.x, match.channelDim);
  Value betaGrad = createEmptyStatistics(b, loc, emitted.x, match.channelDim);
  auto op = BatchNormGradOp::create(
      b, loc, TypeRange{full.getType(), gammaGrad.getType(), betaGrad.getType()}, dy, emitted.x,
      emitted.mean, emitted.variance, emitted.gamma, ValueRange{full, gammaGrad, betaGrad},
      APFloat(match.epsilon), match.channelDim);
  replaceRows(match.gammaGrads, op->getResult(1));
  replaceRows(match.betaGrads, op->getResult(2));
  if (!match.dx)
    return;
  Value dx = op->getResult(0);
  if (match.residual) {
    Value residual = current(*match.residual);
    OpBuilder after = builderAfter({dx, residual});
    dx = emitSum(after, loc, castTo(after, loc, residual, elementType), dx);
  }
  replaceFull(match, *match.dx, dx);
}

void MatchRewriter::apply(const BatchNormMatch &match) {
  Emitted emitted;
  emitForward(match, emitted);
  if (match.hasActivation())
    emitActivation(match, emitted);
  if (match.hasBackward() && !match.keepsBatchNorm())
    emitBackward(match, emitted);
}

void MatchRewriter::eraseUnused() {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(func.getBody().front())))
    if (isOpTriviallyDead(&op))
      op.erase();
}
