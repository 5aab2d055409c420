// Scatters as comparisons and sums.
#include "Scatter.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace mlir::abn::emit;

/// The projection of named loops onto the axes `labels`.
static AffineMap projection(ImplicitLocOpBuilder &b, ArrayRef<int64_t> loops,
                            ArrayRef<int64_t> labels) {
  SmallVector<AffineExpr> exprs;
  for (int64_t label : labels)
    exprs.push_back(b.getAffineDimExpr(llvm::find(loops, label) - loops.begin()));
  return AffineMap::get(loops.size(), 0, exprs, b.getContext());
}

/// Whether all indices select the position at which their new axes' loops stand.
static Value allHit(Body &body, ArrayRef<int64_t> loops, ArrayRef<ScatterIndex> indices,
                    ValueRange values) {
  Value hit;
  for (auto [index, value] : llvm::zip_equal(indices, values)) {
    Value wrapped = body.wrapIndex(value, index.size);
    Value position = body.index(llvm::find(loops, index.newLabel) - loops.begin());
    Value equal = body.call<arith::CmpIOp>(arith::CmpIPredicate::eq, wrapped, position);
    hit = hit ? body.both(hit, equal) : equal;
  }
  return hit;
}

static SmallVector<utils::IteratorType> iteratorsOf(ArrayRef<int64_t> loops,
                                                    ArrayRef<int64_t> parallel) {
  return llvm::map_to_vector(loops, [&](int64_t label) {
    return llvm::is_contained(parallel, label) ? utils::IteratorType::parallel
                                               : utils::IteratorType::reduction;
  });
}

/// Scatters along one group of indices, which share axes.
static LabelledValue scatterGroup(ImplicitLocOpBuilder &b, LabelledValue values,
                                  ArrayRef<ScatterIndex> group, Type accumulator) {
  llvm::DenseMap<int64_t, int64_t> sizes;
  for (auto [label, size] : llvm::zip_equal(values.labels, typeOf(values.value).getShape()))
    sizes[label] = size;
  SmallVector<int64_t> reduced;
  for (const ScatterIndex &index : group) {
    llvm::append_range(reduced, index.labels);
    sizes[index.newLabel] = index.size;
  }
  SmallVector<int64_t> result, loops;
  for (int64_t label : values.labels)
    if (!llvm::is_contained(reduced, label))
      result.push_back(label);
  for (const ScatterIndex &index : group)
    result.push_back(index.newLabel);
  loops = result;
  for (int64_t label : values.labels)
    if (llvm::is_contained(reduced, label))
      loops.push_back(label);

  SmallVector<Value> inputs = {values.value};
  SmallVector<AffineMap> maps = {projection(b, loops, values.labels)};
  for (const ScatterIndex &index : group) {
    inputs.push_back(index.index);
    maps.push_back(projection(b, loops, index.labels));
  }
  maps.push_back(projection(b, loops, result));
  SmallVector<int64_t> shape =
      llvm::map_to_vector(result, [&](int64_t label) { return sizes.lookup(label); });
  SmallVector<Value> inits = {emitFill(b, RankedTensorType::get(shape, accumulator), 0.0)};
  auto generic = linalg::GenericOp::create(
      b, ValueRange(inits).getTypes(), inputs, inits, maps, iteratorsOf(loops, result),
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        Body body{nested, loc};
        Value hit = allHit(body, loops, group, args.slice(1, group.size()));
        Value x = body.cast(args[0], accumulator);
        Value added = body.select(hit, x, body.like(x, 0));
        linalg::YieldOp::create(nested, loc, body.add(args.back(), added));
      });
  return {generic.getResult(0), result};
}

/// Splits the indices into groups that share no axis.
static SmallVector<SmallVector<ScatterIndex>> groupByAxes(ArrayRef<ScatterIndex> indices) {
  SmallVector<SmallVector<ScatterIndex>> groups;
  for (const ScatterIndex &index : indices) {
    SmallVector<ScatterIndex> merged;
    auto shares = [&](const SmallVector<ScatterIndex> &group) {
      return llvm::any_of(group, [&](const ScatterIndex &other) {
        return llvm::any_of(index.labels,
                            [&](int64_t l) { return llvm::is_contained(other.labels, l); });
      });
    };
    for (auto &group : groups)
      if (shares(group))
        llvm::append_range(merged, group);
    llvm::erase_if(groups, shares);
    merged.push_back(index);
    groups.push_back(merged);
  }
  return groups;
}

LabelledValue mlir::abn::emit::emitScatterSum(ImplicitLocOpBuilder &b, LabelledValue values,
                                              ArrayRef<ScatterIndex> indices, Type accumulator) {
  for (const SmallVector<ScatterIndex> &group : groupByAxes(indices))
    values = scatterGroup(b, values, group, accumulator);
  return values;
}

Value mlir::abn::emit::emitScatterWriter(ImplicitLocOpBuilder &b, ArrayRef<int64_t> spaceLabels,
                                         ArrayRef<int64_t> spaceSizes,
                                         ArrayRef<ScatterIndex> indices) {
  SmallVector<int64_t> result, shape, loops;
  for (const ScatterIndex &index : indices) {
    result.push_back(index.newLabel);
    shape.push_back(index.size);
  }
  loops = result;
  llvm::append_range(loops, spaceLabels);
  // A linalg.generic must see the size of each loop; b's space may be wider than any one index.
  SmallVector<Value> inputs = {emitEmpty(b, spaceSizes, b.getI1Type())};
  SmallVector<AffineMap> maps = {projection(b, loops, spaceLabels)};
  for (const ScatterIndex &index : indices) {
    inputs.push_back(index.index);
    maps.push_back(projection(b, loops, index.labels));
  }
  maps.push_back(projection(b, loops, result));
  Type i64 = b.getI64Type();
  SmallVector<Value> inits = {emitFill(b, RankedTensorType::get(shape, i64), -1.0)};
  auto generic = linalg::GenericOp::create(
      b, ValueRange(inits).getTypes(), inputs, inits, maps, iteratorsOf(loops, result),
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        Body body{nested, loc};
        Value number = body.constant(i64, 0.0);
        for (auto [i, size] : llvm::enumerate(spaceSizes)) {
          Value position = body.cast(body.index(result.size() + i), i64);
          number =
              body.add(body.mul(number, body.constant(i64, static_cast<double>(size))), position);
        }
        Value hit = allHit(body, loops, indices, args.slice(1, indices.size()));
        Value written = body.select(hit, number, body.like(number, -1));
        linalg::YieldOp::create(nested, loc, body.max(args.back(), written));
      });
  return generic.getResult(0);
}

Value mlir::abn::emit::emitOrdered(ImplicitLocOpBuilder &b, const LabelledValue &value,
                                   ArrayRef<int64_t> labels) {
  SmallVector<int64_t> permutation = llvm::map_to_vector(labels, [&](int64_t label) -> int64_t {
    return llvm::find(value.labels, label) - value.labels.begin();
  });
  return emitTranspose(b, value.value, permutation);
}
