// Scatters as dense reductions: every position of the operand looks at the updates that could go
// there. linalg has no scatter; comparing costs (positions) x (updates that share none of its
// dimensions), which is small where networks use it (labels, embeddings), and has a fixed order.
#include "DimensionNumbers.h"
#include "IndexVectors.h"
#include "Registry.h"
#include "Scalar.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace mlir::abn::hlo;

namespace {
/// The loops: the operand's dimensions, then the update's that are not one of them.
struct ScatterLoops {
  int64_t operandRank = 0;
  /// For each dimension of the update, its loop.
  SmallVector<int64_t> updateLoop;
  /// For each dimension of the batch, its loop.
  SmallVector<int64_t> batchLoop;
  /// Operand dimension -> the loop over a window that is smaller than it or starts anywhere.
  llvm::SmallDenseMap<int64_t, int64_t> windowLoop;
  int64_t count = 0;
};
} // namespace

/// Window dimensions that cover the operand's whole dimension, and batching dimensions, run with
/// the operand's loop; the others have one of their own.
static FailureOr<ScatterLoops> planLoops(HloOp &op, const DimensionLists &lists,
                                         const IndexVectors &vectors) {
  RankedTensorType operand = op.operandType(0), update = op.operandType(2);
  SmallVector<int64_t> windowDims = lists.get("update_window_dims");
  SmallVector<int64_t> dropped = lists.get("inserted_window_dims");
  llvm::append_range(dropped, lists.get("input_batching_dims"));
  if (failed(op.checkDims("update_window_dims", windowDims, update.getRank())) ||
      failed(op.checkDims("inserted_window_dims", dropped, operand.getRank())))
    return failure();
  SmallVector<int64_t> kept = otherDims(operand.getRank(), dropped);
  SmallVector<int64_t> batch = otherDims(update.getRank(), windowDims);
  if (kept.size() != windowDims.size() || batch.size() != vectors.batchShape.size())
    return op.error() << "expected an update of the batch's and the window's dimensions, got "
                      << update;
  ScatterLoops loops;
  loops.operandRank = loops.count = operand.getRank();
  loops.updateLoop.assign(update.getRank(), -1);
  for (auto [updateDim, dim] : llvm::zip_equal(windowDims, kept)) {
    int64_t size = update.getDimSize(updateDim);
    if (size > operand.getDimSize(dim))
      return op.error() << "expected a window within " << operand << ", got " << update;
    bool whole = size == operand.getDimSize(dim) && !llvm::is_contained(vectors.indexed, dim);
    loops.updateLoop[updateDim] = whole ? dim : loops.count;
    if (!whole)
      loops.windowLoop[dim] = loops.count++;
  }
  for (auto [i, updateDim] : llvm::enumerate(batch)) {
    if (update.getDimSize(updateDim) != vectors.batchShape[i])
      return op.error() << "expected an update of the batch's sizes, got " << update;
    auto along = llvm::find_if(
        vectors.along, [&, i = i](auto pair) { return pair.second == static_cast<int64_t>(i); });
    int64_t loop = along == vectors.along.end() ? loops.count++ : along->first;
    loops.updateLoop[updateDim] = loop;
    loops.batchLoop.push_back(loop);
  }
  return loops;
}

/// Whether the update of the current loops goes to their position of the operand. One that lies
/// outside goes nowhere.
static Value emitHit(Body &body, const ScatterLoops &loops, const IndexVectors &vectors,
                     RankedTensorType operand, RankedTensorType update, ValueRange starts) {
  Value hit;
  auto require = [&](Value condition) { hit = hit ? body.both(hit, condition) : condition; };
  SmallVector<Value> target(operand.getRank());
  for (auto [dim, start] : llvm::zip_equal(vectors.indexed, starts)) {
    Value index = body.cast(start, body.b.getIndexType());
    target[dim] = index;
    auto window = loops.windowLoop.find(dim);
    if (window == loops.windowLoop.end())
      continue;
    // A window that does not fit as a whole is dropped as a whole.
    target[dim] = body.call<arith::AddIOp>(index, body.index(window->second));
    int64_t updateDim = llvm::find(loops.updateLoop, window->second) - loops.updateLoop.begin();
    int64_t last = operand.getDimSize(dim) - update.getDimSize(updateDim);
    require(body.call<arith::CmpIOp>(arith::CmpIPredicate::sge, index, body.indexConstant(0)));
    require(body.call<arith::CmpIOp>(arith::CmpIPredicate::sle, index, body.indexConstant(last)));
  }
  for (int64_t dim = 0; dim < operand.getRank(); ++dim) {
    auto window = loops.windowLoop.find(dim);
    if (!target[dim] && window != loops.windowLoop.end())
      target[dim] = body.index(window->second);
    if (target[dim])
      require(body.call<arith::CmpIOp>(arith::CmpIPredicate::eq, target[dim], body.index(dim)));
  }
  return hit ? hit : body.constant(body.b.getI1Type(), 1);
}

static AffineMap mapOf(OpBuilder &b, int64_t loops, ArrayRef<int64_t> dims) {
  SmallVector<AffineExpr> exprs;
  for (int64_t dim : dims)
    exprs.push_back(b.getAffineDimExpr(dim));
  return AffineMap::get(loops, 0, exprs, b.getContext());
}

static Value emitScatter(HloOp &op, const ScatterLoops &loops, const IndexVectors &vectors,
                         const ScalarRegion &region) {
  ImplicitLocOpBuilder &b = op.builder();
  RankedTensorType operand = op.operandType(0), update = op.operandType(2);
  bool isSum = region.getSingleOp() == "stablehlo.add";
  Type accumulator = isSum ? computeTypeOf(operand.getElementType()) : operand.getElementType();
  SmallVector<Value> inputs = {op.operand(2)};
  SmallVector<AffineMap> maps = {mapOf(b, loops.count, loops.updateLoop)};
  for (Value start : vectors.starts) {
    inputs.push_back(start);
    maps.push_back(mapOf(b, loops.count, loops.batchLoop));
  }
  maps.push_back(mapOf(b, loops.count, llvm::to_vector(llvm::seq<int64_t>(0, loops.operandRank))));
  SmallVector<utils::IteratorType> iterators(loops.operandRank, utils::IteratorType::parallel);
  iterators.resize(loops.count, utils::IteratorType::reduction);
  SmallVector<Value> outs = {emitCast(b, op.operand(0), accumulator)};
  auto generic = linalg::GenericOp::create(
      b, ValueRange(outs).getTypes(), inputs, outs, maps, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        Body body{nested, loc};
        Value hit = emitHit(body, loops, vectors, operand, update, args.drop_front().drop_back());
        Value value = body.cast(args[0], accumulator), current = args.back();
        Value result;
        if (isSum)
          result = body.add(current, body.select(hit, value, body.like(value, 0)));
        else
          result = body.select(hit, region.emit(body, {current, value}).front(), current);
        linalg::YieldOp::create(nested, loc, result);
      });
  return emitCast(b, generic.getResult(0), operand.getElementType());
}

static LogicalResult convertScatter(HloOp &op) {
  if (op.getNumOperands() != 3)
    return op.error() << "of several operands is not supported";
  if (failed(op.expectCounts(3, 1, 1)))
    return failure();
  RankedTensorType operand = op.operandType(0), update = op.operandType(2);
  Type element = operand.getElementType();
  if (update.getElementType() != element || op.resultType() != operand)
    return op.error() << "expected an update and a result of the operand's type, got " << update
                      << " and " << op.resultType();
  DimensionLists lists(op, "scatter_dimension_numbers");
  auto vectors = IndexVectors::read(op, op.operand(1), lists.number("index_vector_dim").value_or(0),
                                    lists.get("scatter_dims_to_operand_dims"),
                                    lists.get("input_batching_dims"),
                                    lists.get("scatter_indices_batching_dims"), operand);
  if (failed(vectors))
    return failure();
  auto loops = planLoops(op, lists, *vectors);
  SmallVector<Type> arguments(2, element);
  if (failed(loops))
    return failure();
  auto region = ScalarRegion::get(op, op.region(0), arguments, 1);
  if (failed(region))
    return failure();
  return op.replaceWith(emitScatter(op, *loops, *vectors, *region));
}

void mlir::abn::hlo::addScatter(Registry &r) { r.add("stablehlo.scatter", convertScatter); }
