// Decomposition of fused generics. Upstream's LinalgOp decomposition takes parallel loops only and
// gives every value all of them; here reductions are split too, and a value has only the loops that
// it depends on, so that per-channel values stay per-channel.
#include "GenericDecomposer.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;
using namespace mlir::abn;

namespace {
/// A body's value as a tensor, with the loop of each of its dimensions.
struct LoopValue {
  Value tensor;
  AffineMap map;
};

class Splitter : OpBuilder::Listener {
public:
  explicit Splitter(linalg::GenericOp op) : op(op), b(op, this), loc(op.getLoc()) {}

  bool canSplit();
  void split();

  SmallVector<Operation *> parts, helpers;
  SmallVector<Value> results;

private:
  void notifyOperationInserted(Operation *inserted, OpBuilder::InsertPoint) override {
    if (inserted->getBlock() == op->getBlock() && !isa<linalg::GenericOp>(inserted))
      helpers.push_back(inserted);
  }
  Operation *getCombiner(unsigned result);
  bool isPosition(Operation *inner);
  bool coversLoops(Value term, AffineMap destination);
  bool readsLoops(Operation *inner);
  void clonePositions(OpBuilder &nested, Operation *inner, IRMapping &mapping);
  llvm::SmallBitVector getLoops(ValueRange values);
  void splitElementwise(Operation *inner);
  Value splitReduction(unsigned result);
  Value splitYield(unsigned result);
  linalg::GenericOp emit(ArrayRef<LoopValue> inputs, Value init, AffineMap initMap,
                         ArrayRef<utils::IteratorType> iterators,
                         llvm::function_ref<Value(OpBuilder &, ValueRange)> body);
  Value createInit(AffineMap map, Type elementType);
  OpFoldResult getExtent(unsigned loop);

  linalg::GenericOp op;
  OpBuilder b;
  Location loc;
  llvm::DenseMap<Value, LoopValue> environment;
  SmallVector<unsigned> order;
  /// The body's ops that compute from constants and loop positions.
  llvm::SmallDenseSet<Operation *> positions;
};
} // namespace

/// Whether an op of the body computes from constants and loop positions only: it is cloned to where
/// it is used.
bool Splitter::isPosition(Operation *inner) {
  if (isa<arith::ConstantOp, linalg::IndexOp>(inner))
    return true;
  return !isa<tensor::ExtractOp>(inner) && llvm::all_of(inner->getOperands(), [&](Value operand) {
    Operation *def = operand.getDefiningOp();
    return def && positions.contains(def);
  });
}

/// Clones the positions that `inner` reads in front of where it will be cloned.
void Splitter::clonePositions(OpBuilder &nested, Operation *inner, IRMapping &mapping) {
  for (Value operand : inner->getOperands()) {
    Operation *def = operand.getDefiningOp();
    if (!def || !positions.contains(def) || mapping.contains(operand))
      continue;
    clonePositions(nested, def, mapping);
    nested.clone(*def, mapping);
  }
}

/// Whether `inner` reads a loop position.
bool Splitter::readsLoops(Operation *inner) {
  return llvm::any_of(inner->getOperands(), [&](Value operand) {
    Operation *def = operand.getDefiningOp();
    return def && positions.contains(def) && (isa<linalg::IndexOp>(def) || readsLoops(def));
  });
}

/// The op that accumulates into a result's destination; null if there is none.
Operation *Splitter::getCombiner(unsigned result) {
  BlockArgument accumulator = op.getRegionOutputArgs()[result];
  Operation *def = op.getBody()->getTerminator()->getOperand(result).getDefiningOp();
  if (!def || def->getNumOperands() != 2 || !accumulator.hasOneUse() ||
      *accumulator.user_begin() != def || !def->getResult(0).hasOneUse())
    return nullptr;
  return def;
}

/// Whether each loop is one of the destination's or of an operand that `term` is computed from: a
/// part that sums it then knows how often.
bool Splitter::coversLoops(Value term, AffineMap destination) {
  llvm::SmallBitVector loops(op.getNumLoops());
  auto mark = [&](AffineMap map) {
    for (AffineExpr expr : map.getResults())
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        loops.set(dim.getPosition());
  };
  mark(destination);
  SmallVector<Value> worklist = {term};
  llvm::SmallDenseSet<Value> seen;
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    if (!seen.insert(value).second || value.getParentBlock() != op.getBody())
      continue;
    Operation *def = value.getDefiningOp();
    if (def && isa<linalg::IndexOp>(def))
      loops.set();
    else if (def)
      llvm::append_range(worklist, def->getOperands());
    else
      mark(op.getMatchingIndexingMap(&op->getOpOperand(cast<BlockArgument>(value).getArgNumber())));
  }
  return loops.all();
}

/// More than one value in the body, all of them scalar arithmetic, and an operand that has all
/// loops.
bool Splitter::canSplit() {
  if (!op.hasPureTensorSemantics())
    return false;
  Block *body = op.getBody();
  unsigned values = 0;
  for (Operation &inner : body->without_terminator()) {
    StringRef dialect = inner.getName().getDialectNamespace();
    bool known =
        dialect == "arith" || dialect == "math" || isa<linalg::IndexOp, tensor::ExtractOp>(inner);
    if (!known || inner.getNumResults() != 1)
      return false;
    if (isPosition(&inner))
      positions.insert(&inner);
    else
      ++values;
  }
  bool reduces = op.getNumReductionLoops() > 0;
  if (values <= 1 && op->getNumResults() == 1)
    return false;
  for (AffineMap map : op.getIndexingMapsArray())
    for (AffineExpr expr : map.getResults())
      if (!isa<AffineDimExpr>(expr) && expr != getAffineConstantExpr(0, op.getContext()))
        return false;
  for (OpOperand *input : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(input);
    if (!map.isPermutation() || !isa<RankedTensorType>(input->get().getType()))
      continue;
    for (AffineExpr expr : map.getResults())
      order.push_back(cast<AffineDimExpr>(expr).getPosition());
    break;
  }
  if (order.empty())
    return false;
  for (unsigned i = 0, e = op->getNumResults(); i < e; ++i) {
    if (reduces && !getCombiner(i))
      return false;
    // What is yielded or accumulated must be a value of the body or an operand.
    Value yielded = body->getTerminator()->getOperand(i);
    if (reduces) {
      Operation *combiner = getCombiner(i);
      bool first = combiner->getOperand(0) == op.getRegionOutputArgs()[i];
      yielded = combiner->getOperand(first ? 1 : 0);
    }
    Operation *def = yielded.getDefiningOp();
    if (yielded.getParentBlock() != body || (def && positions.contains(def)) || (!def && !reduces))
      return false;
    if (reduces && !coversLoops(yielded, op.getMatchingIndexingMap(op.getDpsInitOperand(i))))
      return false;
  }
  return true;
}

/// The loops that any of the body's values depends on.
llvm::SmallBitVector Splitter::getLoops(ValueRange values) {
  llvm::SmallBitVector loops(op.getNumLoops());
  for (Value value : values)
    if (auto it = environment.find(value); it != environment.end())
      for (AffineExpr expr : it->second.map.getResults())
        if (auto dim = dyn_cast<AffineDimExpr>(expr))
          loops.set(dim.getPosition());
  return loops;
}

/// The size of a loop, read off an operand.
OpFoldResult Splitter::getExtent(unsigned loop) {
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [axis, expr] : llvm::enumerate(map.getResults()))
      if (expr == getAffineDimExpr(loop, op.getContext()))
        return tensor::getMixedSize(b, loc, operand.get(), axis);
  }
  llvm_unreachable("a loop has an operand");
}

Value Splitter::createInit(AffineMap map, Type elementType) {
  SmallVector<OpFoldResult> sizes;
  for (AffineExpr expr : map.getResults())
    sizes.push_back(getExtent(cast<AffineDimExpr>(expr).getPosition()));
  return tensor::EmptyOp::create(b, loc, sizes, elementType);
}

linalg::GenericOp Splitter::emit(ArrayRef<LoopValue> inputs, Value init, AffineMap initMap,
                                 ArrayRef<utils::IteratorType> iterators,
                                 llvm::function_ref<Value(OpBuilder &, ValueRange)> body) {
  SmallVector<Value> values;
  SmallVector<AffineMap> maps;
  for (const LoopValue &input : inputs) {
    values.push_back(input.tensor);
    maps.push_back(input.map);
  }
  maps.push_back(initMap);
  auto generic =
      linalg::GenericOp::create(b, loc, init.getType(), values, ValueRange{init}, maps, iterators,
                                [&](OpBuilder &nested, Location l, ValueRange args) {
                                  linalg::YieldOp::create(nested, l, body(nested, args));
                                });
  parts.push_back(generic);
  return generic;
}

/// Renumbers the loops of maps to those in `loops`.
static AffineMap restrictTo(AffineMap map, const llvm::SmallBitVector &loops) {
  SmallVector<AffineExpr> exprs(map.getNumDims(), getAffineConstantExpr(0, map.getContext()));
  unsigned next = 0;
  for (unsigned loop : loops.set_bits())
    exprs[loop] = getAffineDimExpr(next++, map.getContext());
  return map.replaceDimsAndSymbols(exprs, {}, next, 0);
}

/// One op of the body as a generic of its own, over the loops that it depends on.
void Splitter::splitElementwise(Operation *inner) {
  SmallVector<Value> operands;
  for (Value operand : inner->getOperands())
    if (environment.contains(operand) && !llvm::is_contained(operands, operand))
      operands.push_back(operand);
  llvm::SmallBitVector loops = getLoops(operands);
  if (readsLoops(inner))
    loops.set();
  SmallVector<AffineExpr> exprs;
  for (unsigned loop : order)
    if (loops.test(loop))
      exprs.push_back(b.getAffineDimExpr(loop));
  AffineMap map = AffineMap::get(op.getNumLoops(), 0, exprs, op.getContext());
  Value init = createInit(map, inner->getResult(0).getType());
  SmallVector<LoopValue> inputs;
  for (Value operand : operands) {
    LoopValue input = environment[operand];
    inputs.push_back({input.tensor, restrictTo(input.map, loops)});
  }
  SmallVector<utils::IteratorType> iterators(loops.count(), utils::IteratorType::parallel);
  auto generic = emit(inputs, init, restrictTo(map, loops), iterators,
                      [&](OpBuilder &nested, ValueRange args) {
                        IRMapping mapping;
                        for (auto [operand, arg] : llvm::zip(operands, args))
                          mapping.map(operand, arg);
                        clonePositions(nested, inner, mapping);
                        return nested.clone(*inner, mapping)->getResult(0);
                      });
  environment[inner->getResult(0)] = {generic->getResult(0), map};
}

/// What a combiner adds up, reduced into the result's destination.
Value Splitter::splitReduction(unsigned result) {
  Operation *combiner = getCombiner(result);
  OpOperand *init = op.getDpsInitOperand(result);
  BlockArgument accumulator = op.getRegionOutputArgs()[result];
  bool first = combiner->getOperand(0) == accumulator;
  Value term = combiner->getOperand(first ? 1 : 0);
  auto generic = emit(environment[term], init->get(), op.getMatchingIndexingMap(init),
                      op.getIteratorTypesArray(), [&](OpBuilder &nested, ValueRange args) {
                        IRMapping mapping;
                        mapping.map(term, args[0]);
                        mapping.map(accumulator, args[1]);
                        return nested.clone(*combiner, mapping)->getResult(0);
                      });
  return generic->getResult(0);
}

/// A yielded value in the layout of the result.
Value Splitter::splitYield(unsigned result) {
  OpOperand *init = op.getDpsInitOperand(result);
  AffineMap map = op.getMatchingIndexingMap(init);
  LoopValue value = environment[op.getBody()->getTerminator()->getOperand(result)];
  if (value.map == map && value.tensor.getType() == op->getResult(result).getType())
    return value.tensor;
  auto generic = emit(value, init->get(), map, op.getIteratorTypesArray(),
                      [](OpBuilder &, ValueRange args) { return args[0]; });
  return generic->getResult(0);
}

void Splitter::split() {
  for (OpOperand &operand : op->getOpOperands())
    environment[op.getMatchingBlockArgument(&operand)] = {operand.get(),
                                                          op.getMatchingIndexingMap(&operand)};
  llvm::SmallDenseSet<Operation *> combiners;
  bool reduces = op.getNumReductionLoops() > 0;
  unsigned count = op->getNumResults();
  for (unsigned i = 0; reduces && i < count; ++i)
    combiners.insert(getCombiner(i));
  for (Operation &inner : op.getBody()->without_terminator())
    if (!combiners.contains(&inner) && !positions.contains(&inner))
      splitElementwise(&inner);
  for (unsigned i = 0; i < count; ++i)
    results.push_back(reduces ? splitReduction(i) : splitYield(i));
}

GenericDecomposer::GenericDecomposer(func::FuncOp func) {
  SmallVector<linalg::GenericOp> generics(func.getBody().front().getOps<linalg::GenericOp>());
  for (linalg::GenericOp op : generics) {
    Splitter splitter(op);
    if (!splitter.canSplit())
      continue;
    splitter.split();
    op->replaceAllUsesWith(splitter.results);
    splits.push_back(
        {op, std::move(splitter.parts), std::move(splitter.helpers), std::move(splitter.results)});
    fused.insert(op);
  }
}

/// Whether all parts are read, by each other only, and the results by anybody behind the fused op.
bool GenericDecomposer::isIntact(const Split &split) const {
  llvm::SmallDenseSet<Operation *> parts(split.parts.begin(), split.parts.end());
  bool anyResult = false;
  for (Operation *part : split.parts)
    for (Value value : part->getResults()) {
      bool isResult = llvm::is_contained(split.results, value);
      if (value.use_empty())
        return false;
      for (Operation *user : value.getUsers()) {
        if (parts.contains(user))
          continue;
        Operation *top = split.op->getBlock()->findAncestorOpInBlock(*user);
        // What was inserted behind a part stands in front of the fused op.
        if (!isResult || top == split.op || top->isBeforeInBlock(split.op))
          return false;
        anyResult = true;
      }
    }
  return anyResult;
}

void GenericDecomposer::restore(bool changed) {
  for (Split &split : llvm::reverse(splits)) {
    if (changed && !isIntact(split)) {
      split.op->erase();
      continue;
    }
    for (auto [part, fusedResult] : llvm::zip_equal(split.results, split.op->getResults()))
      part.replaceAllUsesWith(fusedResult);
    for (Operation *part : llvm::reverse(split.parts))
      part->erase();
    for (Operation *helper : llvm::reverse(split.helpers))
      if (helper->use_empty())
        helper->erase();
  }
}
