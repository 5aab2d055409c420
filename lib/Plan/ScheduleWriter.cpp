// Writes a schedule as the function's body: every op cloned in its place, destinations as the
// planner chose them.
#include "OpCost.h"
#include "ResolveSizes.h"
#include "abn/AbnDialect.h"
#include "abn/Plan/PlanModel.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;
using namespace mlir::abn;
using plan::kNone;

namespace mlir::abn {
class ScheduleWriter {
public:
  ScheduleWriter(PlanModel &model, const plan::Schedule &schedule)
      : model(model), schedule(schedule), evaluation(plan::evaluate(model.graph, schedule)),
        block(model.func.getBody().front()), builder(model.func.getContext()),
        current(model.values.begin(), model.values.end()) {
    for (Operation &op : block)
      if (auto mark = op.getAttrOfType<IntegerAttr>(AbnDialect::kRecomputeAttr))
        nextMark = std::max(nextMark, mark.getInt() + 1);
  }

  void run() {
    Operation *terminator = block.getTerminator();
    SmallVector<Operation *> before;
    for (Operation &op : block.without_terminator())
      if (op.hasTrait<OpTrait::ConstantLike>() || model.sizeOps.contains(&op))
        constants.push_back(&op);
      else
        before.push_back(&op);
    // Constants and sizes have no place of their own; all others are cloned behind what there was.
    for (Operation *op : llvm::reverse(constants))
      op->moveBefore(&block, block.begin());
    builder.setInsertionPoint(terminator);
    for (unsigned step = 0; step < schedule.size(); ++step)
      emit(step);
    for (OpOperand &operand : terminator->getOpOperands())
      operand.set(resolve(operand.get()));
    for (Operation *op : llvm::reverse(before)) {
      op->dropAllUses();
      op->erase();
    }
  }

private:
  /// The value that stands for `value` now: its base's last computation, seen through clones of the
  /// views between; constants and arguments as they are; an empty tensor anew.
  Value resolve(Value value) {
    if (auto it = model.valueIds.find(value); it != model.valueIds.end())
      return current[it->second];
    Operation *def = value.getDefiningOp();
    if (!def || def->hasTrait<OpTrait::ConstantLike>() || model.sizeOps.contains(def))
      return value;
    if (isBufferView(def)) {
      Value source = resolve(def->getOperand(0));
      auto [viewed, view] = views.lookup(value);
      if (viewed == source)
        return view;
    }
    IRMapping mapping;
    for (Value operand : def->getOperands())
      mapping.map(operand, resolve(operand));
    Operation *clone = builder.clone(*def, mapping);
    Value result = clone->getResult(cast<OpResult>(value).getResultNumber());
    if (isBufferView(def))
      views[value] = {clone->getOperand(0), result};
    return result;
  }

  /// A new destination like `init`'s.
  Value createDestination(Value init) {
    if (isa_and_nonnull<tensor::EmptyOp>(init.getDefiningOp()))
      return resolve(init);
    return createEmptyLike(builder, init.getLoc(), resolve(init));
  }

  void emit(unsigned step) {
    unsigned id = schedule[step];
    Operation *op = model.ops[id];
    const plan::GraphOp &graphOp = model.graph.ops[id];
    bool isRebuild = model.rebuiltOperands[id];
    bool isNormalize = !isRebuild && isa<BatchNormOp>(op) && graphOp.results.size() == 1;
    IRMapping mapping;
    visitOuterOperands(op, [&](OpOperand &operand) {
      if (!isInit(op, operand) && &operand != model.rebuiltOperands[id])
        mapping.map(operand.get(), resolve(operand.get()));
    });
    SmallVector<Value> inits;
    if (auto destination = dyn_cast<DestinationStyleOpInterface>(op); destination && !isRebuild)
      for (unsigned number = 0, e = std::min<size_t>(op->getNumResults(), graphOp.results.size());
           number < e; ++number)
        inits.push_back(chooseDestination(step, number, graphOp.results[number], id, destination));
    Operation *clone = isRebuild     ? emitRebuild(step, id, mapping)
                       : isNormalize ? createNormalize(cast<BatchNormOp>(op), mapping, inits[0])
                                     : cloneWithInits(op, mapping, inits);
    // Behind the op's own results may stand the state of the world.
    for (auto [made, result] : llvm::zip(clone->getResults(), graphOp.results))
      current[result.value] = made;
    bool isAgain = isNormalize || isRebuild || ++runs[id] > 1;
    if (isAgain)
      clone->setAttr(AbnDialect::kRecomputeAttr, builder.getI64IntegerAttr(nextMark++));
  }

  /// Gives an operand of an op back from its result and its other operands.
  Operation *emitRebuild(unsigned step, unsigned id, const IRMapping &mapping) {
    Operation *op = model.ops[id];
    OpOperand *rebuilt = model.rebuiltOperands[id];
    SmallVector<Value> operands;
    for (OpOperand &operand : op->getOpOperands())
      operands.push_back(&operand == rebuilt || isInit(op, operand)
                             ? Value()
                             : mapping.lookupOrDefault(operand.get()));
    Value value = cast<RebuildOpInterface>(op).rebuildOperand(builder, op->getLoc(), *rebuilt,
                                                              resolve(op->getResult(0)), operands);
    Operation *made = value.getDefiningOp();
    unsigned read = evaluation.takenFrom[step][0];
    if (auto destination = dyn_cast<DestinationStyleOpInterface>(made);
        destination && read != kNone)
      destination.getDpsInitsMutable()[0].set(getRead(id, read));
    // The op that made it first is not what the backward reads any more.
    if (Operation *def = current[model.valueIds.lookup(rebuilt->get())].getDefiningOp();
        def && def->hasAttr(AbnDialect::kStrategyAttr))
      def->setAttr(AbnDialect::kStrategyAttr, builder.getStringAttr("through-add"));
    return made;
  }

  /// What a read of a graph op stands for now.
  Value getRead(unsigned id, unsigned read) {
    OpOperand *operand = model.readOperands[id][read];
    return resolve(operand ? operand->get() : model.ops[id]->getResult(0));
  }

  static bool isInit(Operation *op, OpOperand &operand) {
    auto destination = dyn_cast<DestinationStyleOpInterface>(op);
    return destination && operand.getOwner() == op && destination.isDpsInit(&operand);
  }

  Value chooseDestination(unsigned step, unsigned number, const plan::GraphResult &result,
                          unsigned id, DestinationStyleOpInterface op) {
    Value init = op.getDpsInits()[number];
    if (result.tiedTo != kNone)
      return resolve(init);
    unsigned read = evaluation.takenFrom[step][number];
    return read == kNone ? createDestination(init) : resolve(model.readOperands[id][read]->get());
  }

  Operation *cloneWithInits(Operation *op, IRMapping &mapping, ArrayRef<Value> inits) {
    // A destination may also be an input of the op: it is set on the clone.
    auto destination = dyn_cast<DestinationStyleOpInterface>(op);
    for (Value operand : op->getOperands())
      if (!mapping.contains(operand))
        mapping.map(operand, operand);
    Operation *clone = builder.clone(*op, mapping);
    if (destination)
      for (auto [init, value] :
           llvm::zip(cast<DestinationStyleOpInterface>(clone).getDpsInitsMutable(), inits))
        init.set(value);
    return clone;
  }

  Operation *createNormalize(BatchNormOp op, IRMapping &mapping, Value init) {
    auto mapped = [&](Value value) { return value ? mapping.lookup(value) : Value(); };
    auto statistic = [&](unsigned result) {
      return current[model.valueIds.lookup(op->getResult(result))];
    };
    return BatchNormInferenceOp::create(
        builder, op.getLoc(), TypeRange{init.getType()}, mapped(op.getInput()), statistic(1),
        statistic(2), mapped(op.getGamma()), mapped(op.getBeta()), ValueRange{init},
        op.getEpsilonAttr(), op.getChannelDimAttr());
  }

  PlanModel &model;
  const plan::Schedule &schedule;
  plan::Evaluation evaluation;
  Block &block;
  OpBuilder builder;
  /// By graph value: its last computation.
  SmallVector<Value> current;
  SmallVector<Operation *> constants;
  /// By view: the source and the clone of the last time.
  llvm::DenseMap<Value, std::pair<Value, Value>> views;
  llvm::DenseMap<unsigned, unsigned> runs;
  /// A number that no op of the function is marked with.
  int64_t nextMark = 0;
};
} // namespace mlir::abn

void PlanModel::apply(const plan::Schedule &schedule) {
  ScheduleWriter(*this, schedule).run();
  // New destinations have the sizes of what they are like.
  [[maybe_unused]] LogicalResult resolved = resolveSizes(func);
  assert(succeeded(resolved) && "a step that has been read has sizes that follow");
}
