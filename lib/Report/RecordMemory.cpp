// abn-record-memory: leaves on a step what the report will say of it, before its tensors become
// buffers.
#include "StepMemory.h"
#include "abn/AbnDialect.h"
#include "abn/Passes.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

namespace mlir::abn {
#define GEN_PASS_DEF_RECORDMEMORY
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

/// Marks the first op behind the forward that will still be there when there are buffers.
static void markBackward(const TrainingStep &step) {
  Operation *first = nullptr;
  for (Operation &op : llvm::reverse(step.getFunction().getBody().front())) {
    if (step.isForward(&op) && isa<DestinationStyleOpInterface>(op))
      break;
    if (isa<DestinationStyleOpInterface>(op))
      first = &op;
  }
  if (first)
    first->setAttr(AbnDialect::kBackwardAttr, UnitAttr::get(first->getContext()));
}

namespace {
struct RecordMemory : mlir::abn::impl::RecordMemoryBase<RecordMemory> {
  using RecordMemoryBase::RecordMemoryBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    FailureOr<std::optional<int64_t>> loss = readLossOption(func.getLoc(), lossResult);
    if (failed(loss))
      return signalPassFailure();
    if (failed(checkDynamicSize(func.getLoc(), dynamicSize, 0)))
      return signalPassFailure();
    // Of a step in versions the report looks at those.
    if (isHelper(func) || func->hasAttr(AbnDialect::kVersionsAttr))
      return;
    FailureOr<TrainingStep> step = TrainingStep::get(func, *loss);
    // Out of range is an error; control flow is only no training step.
    if (failed(step) && isOutOfRange(*loss, func))
      return signalPassFailure();
    if (failed(step) || !step->getLossResult())
      return;
    func->setAttr(
        AbnDialect::kMemoryAfterAttr,
        StepMemory::compute(*step, getDynamicSize(func, dynamicSize)).toAttribute(&getContext()));
    markBackward(*step);
  }
};
} // namespace
