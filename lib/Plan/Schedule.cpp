// abn-schedule: the order of the ops for the smallest arena.
#include "Alignment.h"
#include "ResolveSizes.h"
#include "abn/AbnDialect.h"
#include "abn/Analysis/TrainingStep.h"
#include "abn/Passes.h"
#include "abn/Plan/PlanModel.h"
#include "abn/Plan/Planner.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"

namespace mlir::abn {
#define GEN_PASS_DEF_SCHEDULE
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

namespace {
struct Schedule : mlir::abn::impl::ScheduleBase<Schedule> {
  using ScheduleBase::ScheduleBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (failed(checkAlignment(func.getLoc(), alignment)))
      return signalPassFailure();
    if (failed(checkDynamicSize(func.getLoc(), dynamicSize, 1)))
      return signalPassFailure();
    FailureOr<std::optional<int64_t>> loss = readLossOption(func.getLoc(), lossResult);
    if (failed(loss))
      return signalPassFailure();
    if (func->hasAttr(AbnDialect::kVersionsAttr) || isHelper(func))
      return;
    auto plan = func->getAttrOfType<DictionaryAttr>(AbnDialect::kPlanAttr);
    if (plan && plan.contains(AbnDialect::kScheduledKey)) {
      remark::missed(func.getLoc(), remark::RemarkOpts::name("Schedule").category("abn"))
          << "the step has been scheduled and is left as it is";
      return;
    }
    FailureOr<TrainingStep> step = TrainingStep::get(func, *loss);
    // Out of range is an error; control flow is only no training step.
    if (failed(step) && isOutOfRange(*loss, func))
      return signalPassFailure();
    if (failed(step) || !step->getLossResult())
      return;
    if (failed(resolveSizes(func)))
      return signalPassFailure();
    step = TrainingStep::get(func, *loss);
    PlanModel model(*step, dynamicSize);
    if (failed(model.checkSizes()))
      return signalPassFailure();
    if (!model.hasBuffers())
      return;
    // The order is part of what was chosen for a budget: a smaller arena here, which a smaller
    // budget does not find, would be one that rises when the budget falls.
    if (plan && plan.contains(AbnDialect::kBudgetKey))
      return;
    plan::PlanPoint point = reorderStep(model.getGraph(), alignment);
    remark::analysis(func.getLoc(), remark::RemarkOpts::name("Schedule").category("abn"))
        << "arena of " + std::to_string(point.arena) + " bytes";
    model.apply(point.schedule);
    if (!plan)
      return;
    NamedAttrList scheduled(plan);
    scheduled.set(AbnDialect::kScheduledKey, UnitAttr::get(&getContext()));
    func->setAttr(AbnDialect::kPlanAttr, scheduled.getDictionary(&getContext()));
  }
};
} // namespace
