// Structured ops whose maps are projected permutations: the body runs once over the loops' tiny
// extents; what it accumulates is reduced afterwards.
#include "ScalarOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::abn;

/// Whether the array of `value` has an axis that is neither constant nor a plain tiny extent: one
/// that a reshape merged.
bool Evaluation::hasMergedAxis(const EvaluatedValue &value) const {
  for (auto [size, extent] : llvm::zip(value.array.sizes, value.shape))
    if (size != 1 && size != getTinyExtent(extent))
      return true;
  return false;
}

/// Two operands disagree on a loop's tiny extent, because a reshape merged one's axes. The reshapes
/// that the merged ones come from are taken as leaves next time.
void Evaluation::forceMergedOperands(Operation *op) {
  SmallVector<unsigned> worklist(getOperandIndices(op));
  llvm::SmallDenseSet<unsigned> seen;
  while (!worklist.empty()) {
    unsigned index = worklist.pop_back_val();
    const EvaluatedValue &value = values[index];
    if (!hasMergedAxis(value) || !seen.insert(index).second)
      continue;
    bool isRoot = llvm::none_of(value.operands,
                                [&](unsigned operand) { return hasMergedAxis(values[operand]); });
    if (isRoot)
      forced->insert(value.value);
    else
      worklist.append(value.operands.begin(), value.operands.end());
  }
}

/// An operand's array with one axis per loop; nothing if the map is no projected permutation (a
/// constant 0 is allowed where the operand does not vary).
std::optional<TinyArray> Evaluation::toLoops(const EvaluatedValue &operand, AffineMap map) {
  SmallVector<int64_t, 5> order(map.getNumDims(), -1);
  for (auto [axis, expr] : llvm::enumerate(map.getResults())) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
      if (order[dim.getPosition()] >= 0)
        return std::nullopt;
      order[dim.getPosition()] = axis;
      continue;
    }
    auto constant = dyn_cast<AffineConstantExpr>(expr);
    if (!constant || constant.getValue() != 0 || operand.array.sizes[axis] != 1)
      return std::nullopt;
  }
  return permute(arena, operand.array, order);
}

/// What a body reads from outside of it: a scalar, with as many axes as there are loops.
std::optional<TinyArray> Evaluation::getCaptured(Value value, unsigned rank) {
  std::optional<unsigned> index = find(value);
  if (!index || values[*index].array.getCount() != 1)
    return std::nullopt;
  return permute(arena, values[*index].array, SmallVector<int64_t, 5>(rank, -1));
}

bool Evaluation::executeBody(Block &block, unsigned rank,
                             llvm::DenseMap<Value, TinyArray> &environment,
                             const llvm::DenseSet<Operation *> &combiners) {
  for (Operation &op : block.without_terminator()) {
    if (combiners.contains(&op))
      continue;
    if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
      std::optional<double> number = getNumber(constant.getValue());
      if (!number)
        return false;
      environment[constant.getResult()] = arena.splat(rank, *number);
      continue;
    }
    SmallVector<TinyArray, 3> operands;
    for (Value operand : op.getOperands()) {
      auto it = environment.find(operand);
      std::optional<TinyArray> array =
          it != environment.end() ? it->second : getCaptured(operand, rank);
      if (!array)
        return false;
      operands.push_back(*array);
    }
    bool isExtract = isa<tensor::ExtractOp>(op);
    std::optional<TinyArray> result = isExtract ? operands[0] : evaluateScalar(&op, operands);
    if (!result || op.getNumResults() != 1)
      return false;
    environment[op.getResult(0)] = *result;
  }
  return true;
}

static double combine(Combiner combiner, double a, double b) {
  switch (combiner) {
  case Combiner::Sum:
  case Combiner::Difference:
    return a + b;
  case Combiner::Maximum:
    return std::isnan(a) || a > b ? a : b;
  case Combiner::Minimum:
    return std::isnan(a) || a < b ? a : b;
  case Combiner::Or:
    return a != 0 || b != 0;
  case Combiner::And:
    return a != 0 && b != 0;
  }
  llvm_unreachable("unknown combiner");
}

/// Reduces `term` along the loops that `map` leaves out and combines it with the initial value.
std::optional<TinyArray> Evaluation::reduce(Operation *combinerOp, TinyArray term,
                                            const TinyArray &init, AffineMap map,
                                            ArrayRef<int64_t> extents) {
  Combiner combiner = *getCombiner(combinerOp);
  SmallVector<int64_t, 5> sizes(term.sizes);
  double factor = 1;
  for (unsigned loop = 0; loop < sizes.size(); ++loop) {
    if (map.isFunctionOfDim(loop))
      continue;
    // A sum over an axis of which `size` positions stand for `extents[loop]`.
    factor *= static_cast<double>(extents[loop]) / sizes[loop];
    sizes[loop] = 1;
  }
  TinyArray reduced = arena.allocate(sizes);
  std::vector<bool> started(reduced.getTotal(), false);
  std::vector<double> magnitudes(reduced.getTotal(), 0);
  const TinyArray *const arrays[] = {&reduced};
  forEachElement(term.sizes, arrays, [&](int64_t i, const int64_t *offsets) {
    double &target = reduced.data[offsets[0]];
    target = started[offsets[0]] ? combine(combiner, target, term.data[i]) : term.data[i];
    started[offsets[0]] = true;
    magnitudes[offsets[0]] += std::fabs(term.data[i]);
  });
  bool isSum = combiner == Combiner::Sum || combiner == Combiner::Difference;
  double sign = combiner == Combiner::Difference ? -1 : 1;
  // What cancels to less than f32 resolves (a bias' gradient in front of a batch norm) is rounding:
  // two forms of a graph agree on it only as 0.
  if (isSum)
    for (auto [x, magnitude] : llvm::zip_equal(reduced.getMutableContents(), magnitudes))
      x = std::fabs(x) < kCancelled * magnitude ? 0 : x * sign * factor;
  SmallVector<int64_t, 5> merged;
  if (!mergeSizes({reduced, init}, merged))
    return std::nullopt;
  TinyArray result = arena.allocate(merged);
  const TinyArray *const both[] = {&reduced, &init};
  forEachElement(merged, both, [&](int64_t i, const int64_t *offsets) {
    result.data[i] = combine(combiner, init.data[offsets[1]], reduced.data[offsets[0]]);
  });
  return result;
}

/// The op that adds to a destination's argument, which nothing else reads; null if there is none.
static Operation *findCombiner(Value yielded, BlockArgument accumulator) {
  Operation *op = yielded.getDefiningOp();
  if (!op || op->getBlock() != accumulator.getOwner() || !getCombiner(op) ||
      op->getNumOperands() != 2 || !accumulator.hasOneUse() || *accumulator.user_begin() != op)
    return nullptr;
  if (*getCombiner(op) == Combiner::Difference && op->getOperand(0) != accumulator)
    return nullptr;
  return op;
}

/// A contraction: two or more inputs, none of which has all loops. Executing it would need them
/// all.
static bool isContraction(linalg::LinalgOp op) {
  if (op.getNumReductionLoops() == 0 || op.getNumDpsInputs() < 2)
    return false;
  return llvm::none_of(op.getDpsInputOperands(), [&](OpOperand *operand) {
    return op.getMatchingIndexingMap(operand).getNumResults() == op.getNumLoops();
  });
}

std::optional<Evaluation::Arrays> Evaluation::executeLinalg(Operation *operation) {
  auto op = cast<linalg::LinalgOp>(operation);
  if (!op.hasPureTensorSemantics() || isContraction(op))
    return std::nullopt;
  unsigned loops = op.getNumLoops();
  Block *block = op.getBlock();
  llvm::DenseMap<Value, TinyArray> environment;
  SmallVector<int64_t, 5> extents(loops, 1), sizes;
  SmallVector<TinyArray, 4> arrays;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  for (auto [operand, map] : llvm::zip_equal(op->getOpOperands(), maps)) {
    const EvaluatedValue &value = values[indices.lookup(operand.get())];
    std::optional<TinyArray> array = toLoops(value, map);
    if (!array)
      return std::nullopt;
    arrays.push_back(*array);
    environment[op.getMatchingBlockArgument(&operand)] = *array;
    for (auto [axis, expr] : llvm::enumerate(map.getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        extents[dim.getPosition()] = value.shape[axis];
  }
  if (!mergeSizes(arrays, sizes)) {
    forceMergedOperands(operation);
    return std::nullopt;
  }
  SmallVector<Operation *, 2> combinerOf;
  llvm::DenseSet<Operation *> combiners;
  bool reduces = op.getNumReductionLoops() > 0;
  for (auto [yielded, argument] :
       llvm::zip_equal(block->getTerminator()->getOperands(), op.getRegionOutputArgs())) {
    combinerOf.push_back(reduces ? findCombiner(yielded, argument) : nullptr);
    if (reduces && !combinerOf.back())
      return std::nullopt;
    if (reduces)
      combiners.insert(combinerOf.back());
  }
  if (!executeBody(*block, loops, environment, combiners))
    return std::nullopt;
  Arrays results;
  for (unsigned i = 0, e = op->getNumResults(); i < e; ++i) {
    OpOperand *init = op.getDpsInitOperand(i);
    AffineMap map = op.getMatchingIndexingMap(init);
    Value yielded = block->getTerminator()->getOperand(i);
    auto lookup = [&](Value value) -> std::optional<TinyArray> {
      auto it = environment.find(value);
      return it != environment.end() ? it->second : getCaptured(value, loops);
    };
    std::optional<TinyArray> result;
    if (Operation *combiner = combinerOf[i]) {
      BlockArgument accumulator = op.getMatchingBlockArgument(init);
      Value other = combiner->getOperand(combiner->getOperand(0) == accumulator ? 1 : 0);
      std::optional<TinyArray> term = lookup(other);
      if (term)
        result = reduce(combiner, *term, environment[accumulator], map, extents);
    } else {
      result = lookup(yielded);
    }
    if (!result)
      return std::nullopt;
    SmallVector<int64_t, 5> order;
    for (AffineExpr expr : map.getResults()) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      order.push_back(dim ? static_cast<int64_t>(dim.getPosition()) : -1);
    }
    results.push_back(permute(arena, *result, order));
  }
  return results;
}
