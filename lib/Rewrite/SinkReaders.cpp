// What only the backward needs may stand in the middle of the forward: x - mean, once the batch
// norm's output comes from an op of its own, or a mask of y. For an in-place chain it moves down to
// its reader: what it reads is recovered there, instead of being kept in another form.
#include "abn/Rewrite/Chains.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace mlir::abn;

/// Whether `op` makes one value of the shape of `value`, elementwise, for the backward only, in
/// front of the op at `end`.
static bool isElementwiseInBackward(const TrainingStep &step, Operation *op, Value value,
                                    unsigned end) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  return linalgOp && !step.isForward(op) && step.getPosition(op) < end &&
         op->getNumResults() == 1 && isPure(op) &&
         linalgOp.getNumParallelLoops() == linalgOp.getNumLoops() &&
         cast<ShapedType>(op->getResult(0).getType()).getShape() ==
             cast<ShapedType>(value.getType()).getShape();
}

/// The first op of the block that reads a result of `op`.
static Operation *findFirstReader(const TrainingStep &step, Operation *op) {
  Operation *first = nullptr;
  for (Operation *user : op->getUsers()) {
    Operation *top = step.getTopLevel(user);
    if (!first || top->isBeforeInBlock(first))
      first = top;
  }
  return first;
}

bool mlir::abn::sinkBackwardReaders(const TrainingStep &step, ArrayRef<Chain> chains) {
  // Behind the forward the given order is as good.
  unsigned forwardEnd = 0;
  for (Operation &op : step.getFunction().getBody().front())
    if (step.isForward(&op))
      forwardEnd = step.getPosition(&op);
  llvm::SetVector<Operation *> readers;
  for (const Chain &chain : chains) {
    if (chain.strategy == ChainStrategy::Kept)
      continue;
    SmallVector<Value> worklist = {chain.x};
    if (chain.y != chain.z)
      worklist.push_back(chain.y);
    while (!worklist.empty()) {
      Value value = worklist.pop_back_val();
      for (Operation *user : value.getUsers())
        if (isElementwiseInBackward(step, user, chain.x, forwardEnd) && readers.insert(user))
          worklist.push_back(user->getResult(0));
    }
  }
  SmallVector<Operation *> order = readers.takeVector();
  llvm::sort(order,
             [&](Operation *a, Operation *b) { return step.getPosition(a) > step.getPosition(b); });
  bool changed = false;
  for (Operation *op : order) {
    Operation *first = findFirstReader(step, op);
    if (!first || first == op->getNextNode())
      continue;
    op->moveBefore(first);
    changed = true;
  }
  return changed;
}
