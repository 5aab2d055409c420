// A function's training step as a StepGraph, and a schedule of it as the function's new body.
#ifndef ABN_PLAN_PLANMODEL_H
#define ABN_PLAN_PLANMODEL_H

#include "abn/Analysis/TrainingStep.h"
#include "abn/Plan/StepGraph.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::abn {

/// Whether the op's result is a view of its first operand's buffer once bufferized.
bool isBufferView(Operation *op);

/// Whether the op needs the elements of its first operand in a row, which they are not (a part of
/// each row of a larger buffer): bufferization copies them.
bool isCopiedView(Operation *op);

/// Whether the op's result is one of its operands, which one only the running step knows.
bool isChoice(Operation *op);

/// Whether the elements of a ranked tensor, once bufferized, stand in a row from the first byte of
/// its buffer on, whatever its sizes are: then a function returns it as it is.
bool isContiguousFromStart(Value value);

/// The planner's graph of a step with the IR it stands for.
class PlanModel {
public:
  /// Dynamic dimensions count as `dynamicSize`; those that are not the arguments' own have been
  /// made to follow from them (resolveSizes). With `mayRebuild` values may also be recovered
  /// through RebuildOpInterface, equal up to rounding.
  PlanModel(const TrainingStep &step, int64_t dynamicSize, bool mayRebuild = false);

  const plan::StepGraph &getGraph() const { return graph; }

  /// Whether any size of the step is known only when it runs.
  bool isDynamic() const { return !sizeOps.empty(); }

  /// Refuses a step whose sums of sizes may be larger than 64 bits.
  LogicalResult checkSizes() const;

  /// Whether the step computes any tensor.
  bool hasBuffers() const;

  /// Replaces the body of the function by the schedule: recomputed ops carry the attribute
  /// `abn.recompute`, an op whose result takes over an operand's buffer has that operand as
  /// destination.
  void apply(const plan::Schedule &schedule);

  /// The IR op of a graph op.
  Operation *getOperation(unsigned op) const { return ops[op]; }
  /// The value of a graph value (what its buffer first holds).
  Value getValue(unsigned value) const { return values[value]; }

private:
  unsigned getValueId(Value base);
  void addOp(Operation *op);
  void addRead(plan::GraphOp &graphOp, OpOperand *operand, SmallVectorImpl<OpOperand *> &operands);
  llvm::SmallDenseSet<unsigned> addChosenReads(plan::GraphOp &graphOp,
                                               SmallVectorImpl<OpOperand *> &operands);
  void visitChosen(Value base, llvm::function_ref<void(Value)> visit) const;
  void addNormalizeRecipe(unsigned batchNorm);
  void addViewReads(Operation *op, plan::GraphOp &graphOp, SmallVectorImpl<OpOperand *> &operands);
  void addEffect(plan::GraphOp &graphOp, SmallVectorImpl<OpOperand *> &operands);
  void addRecipes(unsigned op);
  void addRebuilds(unsigned op);
  unsigned addRecipeOp(Operation *op, plan::GraphOp recipe, SmallVector<OpOperand *> operands,
                       OpOperand *rebuilt);
  Value getBase(Value value) const;
  bool isPlaceless(Operation *op) const;

  func::FuncOp func;
  const TrainingStep &step;
  int64_t dynamicSize;
  /// They stand at the function's beginning whatever the schedule, like constants.
  llvm::DenseSet<Operation *> sizeOps;
  plan::StepGraph graph;
  SmallVector<Operation *> ops;
  SmallVector<Value> values;
  /// By graph op: the operand of each read; null where a rebuilding op reads the IR op's result.
  std::vector<SmallVector<OpOperand *>> readOperands;
  /// By graph op: the operand of the IR op that it gives back, null if it is the IR op's own work.
  SmallVector<OpOperand *> rebuiltOperands;
  llvm::DenseMap<Value, unsigned> valueIds;
  /// The state of the world, behind the last op with an effect so far.
  unsigned world = plan::kNone;
  friend class ScheduleWriter;
};

} // namespace mlir::abn

#endif // ABN_PLAN_PLANMODEL_H
