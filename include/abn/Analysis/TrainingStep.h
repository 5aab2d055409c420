// A training step as one function: which ops are forward, which values are views of which. The
// rewrite and the memory census both rest on this partition.
#ifndef ABN_ANALYSIS_TRAININGSTEP_H
#define ABN_ANALYSIS_TRAININGSTEP_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include <functional>
#include <optional>

namespace mlir::abn {

/// Whether an op's results are views of its first operand (no bytes of their own).
using ViewPredicate = std::function<bool(Operation *)>;

/// The view predicate of the graph IR: reshapes, casts and slices; transposes and generics that
/// only copy their input count too, as they do in the frameworks.
bool isGraphView(Operation *op);

/// The partition of a single-block function into forward (what the loss depends on) and backward
/// (the rest). Immutable: built again after the function changed.
class TrainingStep {
public:
  /// `lossResult` names the function's result that is the loss. Without it, the loss is the result
  /// with `abn.role = "loss"`, else the only floating-point scalar result. Fails, without a
  /// diagnostic, if the function has no body, several blocks or ops on buffers; emits an error if
  /// `lossResult` is out of range.
  static FailureOr<TrainingStep> get(func::FuncOp func, std::optional<int64_t> lossResult = {},
                                     ViewPredicate isView = isGraphView);

  /// The index of the loss among the results, if there is one.
  std::optional<unsigned> getLossResult() const { return lossResult; }
  func::FuncOp getFunction() const { return func; }

  /// Whether `op` (or its ancestor in the function's block) is one that the loss depends on.
  bool isForward(Operation *op) const { return forward.contains(getTopLevel(op)); }
  /// The op's position in the function's block.
  unsigned getPosition(Operation *op) const { return position.lookup(getTopLevel(op)); }
  /// The ancestor of `op` that stands in the function's block.
  Operation *getTopLevel(Operation *op) const;

  bool isView(Operation *op) const { return viewPredicate(op); }
  /// The value whose bytes `value` shows: looks through views.
  Value getBase(Value value) const;
  /// Whether `value` holds nothing computed: an argument, a constant, an empty or filled tensor.
  bool isArgumentOrConstant(Value value) const;
  /// Whether the op reads the bytes of its operands (a tensor.dim does not; an op that only
  /// writes an operand does not read it).
  static bool readsOperand(OpOperand &operand);

private:
  func::FuncOp func;
  std::optional<unsigned> lossResult;
  ViewPredicate viewPredicate;
  llvm::DenseSet<Operation *> forward;
  llvm::DenseMap<Operation *, unsigned> position;
};

/// The options `loss-result`: which result is the loss; nothing for -1. An error at `loc` below
/// that.
FailureOr<std::optional<int64_t>> readLossOption(Location loc, int64_t option);

/// The options `dynamic-size`, of which 0 means a default where `least` is 0: an error at `loc`
/// below `least`, 0 or 1.
LogicalResult checkDynamicSize(Location loc, int64_t option, int64_t least);

/// Whether `func` has no result of this number: TrainingStep::get says so.
bool isOutOfRange(std::optional<int64_t> lossResult, func::FuncOp func);

/// Whether the function is there for another one to call, and no version of a step.
bool isHelper(func::FuncOp func);

/// Whether the function has a plan already: passes that rewrite or plan a step leave it as it is.
bool isPlanned(func::FuncOp func);

/// Whether the function is a version of a step, or chooses between some (abn-dispatch-gamma).
bool isDispatched(func::FuncOp func);

/// Calls `visit` for each operand of `op`, and of the ops nested in it, that is defined outside.
void visitOuterOperands(Operation *op, llvm::function_ref<void(OpOperand &)> visit);

/// The bytes from one element of a buffer to the next, as LLVM lays out numbers, complex numbers
/// and vectors (a boolean in one, an i24 in four); nothing for other types.
std::optional<int64_t> getElementBytes(Type element);

/// The bytes of a value of `type`: dynamic dimensions count as `dynamicSize`; 0 for types other
/// than tensors and scalars, and elements that getElementBytes does not know; the largest number if
/// they are more.
int64_t getByteSize(Type type, int64_t dynamicSize = 1);

/// What dynamic dimensions count as where nobody says otherwise: the options `dynamic-size`.
inline constexpr int64_t kDefaultDynamicSize = 8;

/// What they count as in `func`: `option` if it is positive, else what its plan is tuned for, else
/// what was counted before, else the default.
int64_t getDynamicSize(func::FuncOp func, int64_t option = 0);

/// How reports and messages spell a location: the name, with the file and line if there are any.
std::string describeLocation(Location loc);

} // namespace mlir::abn

#endif // ABN_ANALYSIS_TRAININGSTEP_H
