// Reads a training step as the planner's graph: which values own a buffer, which ops may write over
// which operand, which can be computed again.
#include "abn/Plan/PlanModel.h"
#include "OpCost.h"
#include "ResolveSizes.h"
#include "abn/AbnDialect.h"
#include "dnn/DnnDialect.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::abn;
using mlir::abn::plan::GraphOp;
using mlir::abn::plan::GraphResult;
using mlir::abn::plan::GraphValue;
using mlir::abn::plan::kNone;

/// Of all values: a schedule has each several times.
static constexpr int64_t kMostBytes = int64_t(1) << 56;

/// Ops that have no place in the schedule: they stand wherever their reader needs them.
bool PlanModel::isPlaceless(Operation *op) const {
  return isBufferView(op) || isa<tensor::EmptyOp>(op) || op->hasTrait<OpTrait::ConstantLike>() ||
         op->hasTrait<OpTrait::IsTerminator>() || sizeOps.contains(op);
}

Value PlanModel::getBase(Value value) const {
  while (Operation *def = value.getDefiningOp()) {
    if (!isBufferView(def))
      break;
    value = def->getOperand(0);
  }
  return value;
}

unsigned PlanModel::getValueId(Value base) {
  auto [it, isNew] = valueIds.try_emplace(base, graph.values.size());
  if (!isNew)
    return it->second;
  GraphValue value;
  value.bytes =
      isa<RankedTensorType>(base.getType()) ? getByteSize(base.getType(), dynamicSize) : 0;
  Operation *def = base.getDefiningOp();
  value.isExternal = !def || def->hasTrait<OpTrait::ConstantLike>();
  if (auto argument = dyn_cast<BlockArgument>(base))
    value.isDonated = static_cast<bool>(func.getArgAttr(argument.getArgNumber(), "abn.donated"));
  graph.values.push_back(value);
  values.push_back(base);
  return it->second;
}

PlanModel::PlanModel(const TrainingStep &step, int64_t dynamicSize, bool mayRebuild)
    : func(step.getFunction()), step(step), dynamicSize(dynamicSize),
      sizeOps(findSizeOps(func.getBody().front())) {
  Block &block = func.getBody().front();
  for (Operation &op : block)
    if (!isPlaceless(&op))
      addOp(&op);
  for (Value returned : block.getTerminator()->getOperands())
    // A donated argument that is returned keeps its contents to the end.
    if (Value base = getBase(returned); isa<TensorType>(base.getType()) &&
                                        !isa_and_nonnull<tensor::EmptyOp>(base.getDefiningOp())) {
      graph.values[getValueId(base)].isOutput = true;
      visitChosen(base, [&](Value chosen) { graph.values[getValueId(chosen)].isOutput = true; });
    }
  for (unsigned op = 0, e = ops.size(); op < e; ++op) {
    addRecipes(op);
    if (mayRebuild && graph.ops[op].isForward)
      addRebuilds(op);
  }
}

LogicalResult PlanModel::checkSizes() const {
  int64_t sum = 0;
  for (auto [graphValue, value] : llvm::zip(graph.values, values)) {
    if (llvm::AddOverflow(sum, graphValue.bytes, sum) || sum > kMostBytes)
      return emitError(value.getLoc())
             << "expected a step on tensors of at most 2^56 bytes in all, "
                "got more up to one of type "
             << value.getType();
  }
  return success();
}

bool PlanModel::hasBuffers() const {
  return llvm::any_of(graph.values,
                      [](const GraphValue &value) { return !value.isExternal && value.bytes > 0; });
}

/// Whether the result may be in the buffer of an operand, as far as the op says: what it allocates
/// is not, nor what it writes to a destination.
static bool mayShowOperand(OpResult result) {
  Operation *op = result.getOwner();
  if (isa<DestinationStyleOpInterface>(op) || isCopiedView(op))
    return false;
  auto bufferizable = dyn_cast<bufferization::BufferizableOpInterface>(op);
  return !bufferizable || !bufferizable.bufferizesToAllocation(result);
}

void PlanModel::visitChosen(Value base, function_ref<void(Value)> visit) const {
  llvm::SmallSetVector<Value, 4> choices;
  choices.insert(base);
  for (size_t next = 0; next < choices.size(); ++next) {
    if (!isChoice(choices[next].getDefiningOp()))
      continue;
    for (Value operand : choices[next].getDefiningOp()->getOperands().drop_front()) {
      Value chosen = getBase(operand);
      Operation *def = chosen.getDefiningOp();
      bool isNoBuffer =
          def && (def->hasTrait<OpTrait::ConstantLike>() || isa<tensor::EmptyOp>(def));
      if (!isNoBuffer && choices.insert(chosen))
        visit(chosen);
    }
  }
}

/// Who reads a choice reads what it may be. Returns the graph values that the op must not write
/// over: it may read them by two names.
llvm::SmallDenseSet<unsigned> PlanModel::addChosenReads(GraphOp &graphOp,
                                                        SmallVectorImpl<OpOperand *> &operands) {
  llvm::SmallDenseSet<unsigned> chosen;
  for (unsigned read : llvm::to_vector(graphOp.reads))
    if (Value base = values[read])
      visitChosen(base, [&](Value value) {
        chosen.insert(read);
        chosen.insert(getValueId(value));
        graphOp.reads.push_back(getValueId(value));
        operands.push_back(nullptr);
      });
  return chosen;
}

void PlanModel::addRead(GraphOp &graphOp, OpOperand *operand,
                        SmallVectorImpl<OpOperand *> &operands) {
  graphOp.reads.push_back(getValueId(getBase(operand->get())));
  operands.push_back(operand);
}

/// A destination whose contents the op reads.
static bool isUpdated(OpOperand &operand) {
  return isOverwrittenInPlace(operand) || TrainingStep::readsOperand(operand);
}

/// A destination of dnn and abn ops is read only if they say so; of others, if their body does.
static bool isReadDestination(DestinationStyleOpInterface op, OpOperand &operand) {
  if (!op.isDpsInit(&operand))
    return false;
  if (isa_and_nonnull<AbnDialect, dnn::DnnDialect>(op->getDialect()))
    return isOverwrittenInPlace(operand);
  return isUpdated(operand);
}

void PlanModel::addOp(Operation *op) {
  GraphOp graphOp;
  SmallVector<OpOperand *> operands;
  auto destination = dyn_cast<DestinationStyleOpInterface>(op);
  llvm::SmallDenseMap<OpOperand *, unsigned> tiedReads;
  visitOuterOperands(op, [&](OpOperand &operand) {
    Value base = getBase(operand.get());
    Operation *def = base.getDefiningOp();
    if (isa_and_nonnull<tensor::EmptyOp>(def) || sizeOps.contains(def))
      return;
    bool isInit = destination && operand.getOwner() == op && destination.isDpsInit(&operand);
    if (isInit && !isReadDestination(destination, operand))
      return;
    // A constant needs no buffer, unless it is what the op updates: a copy of it then.
    if (def && def->hasTrait<OpTrait::ConstantLike>() && !isInit)
      return;
    if (isInit)
      tiedReads[&operand] = graphOp.reads.size();
    addRead(graphOp, &operand, operands);
  });
  addViewReads(op, graphOp, operands);
  // The reads that have an operand come first.
  SmallVector<OpOperand *> allOperands = operands;
  llvm::SmallDenseSet<unsigned> chosen = addChosenReads(graphOp, allOperands);
  // What the body reads by itself, wherever it likes, or through another view is not written over.
  auto isReadElsewhere = [&](unsigned base, Value as) {
    return llvm::any_of(llvm::zip(graphOp.reads, operands), [&](auto read) {
      return std::get<0>(read) == base &&
             (std::get<1>(read)->getOwner() != op || std::get<1>(read)->get() != as);
    });
  };
  // An updated operand that another operand shows too, but for elementwise ops.
  auto isReadTwice = [&](unsigned base, OpOperand *init) {
    return llvm::any_of(llvm::zip(graphOp.reads, operands), [&](auto read) {
      auto [other, operand] = read;
      return other == base && operand != init &&
             (operand->getOwner() != op || operand->get() != init->get() ||
              !mayWriteOver(op, *operand, *init));
    });
  };
  for (OpResult result : op->getResults()) {
    GraphResult graphResult;
    graphResult.value = getValueId(result);
    graph.values[graphResult.value].mayShowOther = mayShowOperand(result);
    OpOperand *init = destination ? destination.getTiedOpOperand(result) : nullptr;
    if (init && tiedReads.contains(init)) {
      graphResult.tiedTo = tiedReads[init];
      unsigned updated = graphOp.reads[graphResult.tiedTo];
      graphResult.isTiedCopied = chosen.contains(updated) || isReadTwice(updated, init);
    } else if (init) {
      for (auto [read, operand] : llvm::enumerate(operands))
        if (operand->getOwner() == op && operand->get().getType() == result.getType() &&
            mayWriteOver(op, *operand, *init) && !chosen.contains(graphOp.reads[read]) &&
            !isReadElsewhere(graphOp.reads[read], operand->get()))
          graphResult.reusable.push_back(read);
    }
    graphOp.results.push_back(graphResult);
  }
  OpCost cost = getOpCost(op, dynamicSize);
  graphOp.flops = cost.flops;
  graphOp.isHeavy = cost.isHeavy;
  graphOp.isElementwise = cost.isElementwise;
  graphOp.isForward = step.isForward(op);
  graphOp.isRecomputation = !graphOp.isForward && (op->hasAttr(AbnDialect::kRecomputeAttr) ||
                                                   isa<RecoverOp, ActivationInverseOp>(op));
  // One of the caller's buffers is in the arena by no name.
  if (isChoice(op) && llvm::all_of(op->getOperands().drop_front(), [&](Value operand) {
        return graph.values[getValueId(getBase(operand))].isExternal ||
               graph.values[getValueId(getBase(operand))].bytes == 0;
      }))
    graph.values[graphOp.results[0].value].bytes = 0;
  if (!isMemoryEffectFree(op))
    addEffect(graphOp, allOperands);
  graph.order.push_back(graph.ops.size());
  addRecipeOp(op, std::move(graphOp), std::move(allOperands), /*rebuilt=*/nullptr);
}

/// Ops with effects stay in their order: each reads the state of the world that the one before
/// left, a value without bytes.
void PlanModel::addEffect(GraphOp &graphOp, SmallVectorImpl<OpOperand *> &operands) {
  if (world != kNone) {
    graphOp.reads.push_back(world);
    operands.push_back(nullptr);
  }
  world = graph.values.size();
  graph.values.emplace_back();
  values.push_back(Value());
  GraphResult result;
  result.value = world;
  graphOp.results.push_back(result);
}

/// The offsets and sizes that the views and destinations of an op's operands take.
void PlanModel::addViewReads(Operation *op, GraphOp &graphOp,
                             SmallVectorImpl<OpOperand *> &operands) {
  SmallVector<Value> open;
  llvm::SmallDenseSet<Value> seen;
  visitOuterOperands(op, [&](OpOperand &operand) { open.push_back(operand.get()); });
  while (!open.empty()) {
    Operation *def = open.pop_back_val().getDefiningOp();
    if (!def || !(isBufferView(def) || isa<tensor::EmptyOp>(def)))
      continue;
    for (OpOperand &operand : def->getOpOperands()) {
      bool isSource = isBufferView(def) && operand.getOperandNumber() == 0;
      Operation *source = operand.get().getDefiningOp();
      if (isSource)
        open.push_back(operand.get());
      else if (source && !isPlaceless(source) && seen.insert(operand.get()).second)
        addRead(graphOp, &operand, operands);
    }
  }
}

unsigned PlanModel::addRecipeOp(Operation *op, GraphOp recipe, SmallVector<OpOperand *> operands,
                                OpOperand *rebuilt) {
  graph.ops.push_back(std::move(recipe));
  ops.push_back(op);
  readOperands.push_back(std::move(operands));
  rebuiltOperands.push_back(rebuilt);
  return graph.ops.size() - 1;
}

/// The operands of a forward op that it gives back from its result: each a member of a class of
/// values of which not all need be kept.
void PlanModel::addRebuilds(unsigned id) {
  auto rebuild = dyn_cast<RebuildOpInterface>(ops[id]);
  if (!rebuild || ops[id]->getNumResults() != 1 || isBufferView(ops[id]))
    return;
  auto destination = dyn_cast<DestinationStyleOpInterface>(ops[id]);
  for (OpOperand &operand : ops[id]->getOpOperands()) {
    bool isInit = destination && destination.isDpsInit(&operand);
    // What is rebuilt is the value itself, not a view of it.
    auto known = valueIds.find(operand.get());
    if (isInit || known == valueIds.end() || graph.values[known->second].isExternal ||
        !rebuild.canRebuildOperand(operand))
      continue;
    GraphOp recipe;
    SmallVector<OpOperand *> operands{nullptr};
    recipe.reads.push_back(getValueId(ops[id]->getResult(0)));
    for (OpOperand &other : ops[id]->getOpOperands())
      if (&other != &operand && !(destination && destination.isDpsInit(&other)))
        addRead(recipe, &other, operands);
    GraphResult result;
    result.value = known->second;
    // The difference of a sum and an activation's inverse are elementwise.
    if (ops[id]->getResult(0).getType() == operand.get().getType())
      result.reusable.push_back(0);
    recipe.results.push_back(result);
    recipe.flops = graph.ops[id].flops;
    recipe.isElementwise = graph.ops[id].isElementwise;
    recipe.isForward = true;
    graph.values[known->second].rebuilds.push_back(
        addRecipeOp(ops[id], std::move(recipe), std::move(operands), &operand));
  }
}

/// y of a batch norm again, from x and the statistics: one pass, the same values bit by bit.
void PlanModel::addNormalizeRecipe(unsigned id) {
  auto op = cast<BatchNormOp>(ops[id]);
  GraphOp recipe;
  SmallVector<OpOperand *> operands;
  for (auto [read, operand] : llvm::zip(graph.ops[id].reads, readOperands[id])) {
    recipe.reads.push_back(read);
    operands.push_back(operand);
  }
  for (unsigned i : {1u, 2u})
    recipe.reads.push_back(getValueId(op->getResult(i)));
  unsigned value = getValueId(op->getResult(0));
  GraphResult result;
  result.value = value;
  for (auto [read, operand] : llvm::enumerate(operands))
    if (operand && operand->get() == op.getInput() && graph.values[recipe.reads[read]].bytes > 0)
      result.reusable.push_back(read);
  recipe.results.push_back(result);
  recipe.flops = 4 * getElementCount(op->getResult(0).getType(), dynamicSize);
  recipe.isElementwise = true;
  recipe.isForward = true;
  graph.values[value].recipe =
      addRecipeOp(op, std::move(recipe), std::move(operands), /*rebuilt=*/nullptr);
}

void PlanModel::addRecipes(unsigned id) {
  Operation *op = ops[id];
  if (isa<BatchNormOp>(op)) {
    addNormalizeRecipe(id);
    return;
  }
  if (!canComputeAgain(op))
    return;
  // The statistics of an in-place op are never worth running it again.
  bool isInplace = isa<InplaceForwardOp>(op);
  for (auto [number, result] : llvm::enumerate(graph.ops[id].results))
    if (number == 0 || !isInplace)
      graph.values[result.value].recipe = id;
}
