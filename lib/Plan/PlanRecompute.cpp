// abn-plan-recompute: what is kept, what is computed again and when.
#include "abn/AbnDialect.h"
#include "abn/Analysis/TrainingStep.h"
#include "abn/Passes.h"
#include "abn/Plan/PlanModel.h"
#include "abn/Plan/Planner.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/Format.h"

namespace mlir::abn {
#define GEN_PASS_DEF_PLANRECOMPUTE
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

namespace {
struct PlanRecompute : abn::impl::PlanRecomputeBase<PlanRecompute> {
  using PlanRecomputeBase::PlanRecomputeBase;

  void runOnOperation() override {
    FailureOr<TrainingStep> step = TrainingStep::get(getOperation());
    if (failed(step) || !step->getLossResult())
      return;
    PlanModel model(*step);
    plan::PlannerOptions options;
    plan::PlannerResult result = planStep(model.getGraph(), options);
    if (getenv("ABN_PLAN_PEAK")) {
      auto &graph = model.getGraph();
      auto &schedule = result.curve[0].schedule;
      plan::Evaluation e = evaluate(graph, schedule, 256);
      unsigned peak = std::max_element(e.live.begin(), e.live.end()) - e.live.begin();
      llvm::errs() << "peak at " << peak << " of " << schedule.size() << ": "
                   << model.getOperation(schedule[peak])->getName() << " "
                   << describeLocation(model.getOperation(schedule[peak])->getLoc()) << "\n";
      for (unsigned s = 0; s < schedule.size(); s += 1)
        for (unsigned i = 0; i < e.bufferOf[s].size(); ++i) {
          unsigned b = e.bufferOf[s][i];
          if (b == plan::kNone || e.takenFrom[s][i] != plan::kNone)
            continue;
          if (e.buffers[b].lower <= peak && peak <= e.buffers[b].upper &&
              e.buffers[b].bytes > 1000000)
            llvm::errs() << "  " << e.buffers[b].lower << ".." << e.buffers[b].upper << " "
                         << llvm::format("%.1f ", e.buffers[b].bytes / 1048576.)
                         << model.getOperation(schedule[s])->getName() << " "
                         << describeLocation(model.getOperation(schedule[s])->getLoc()) << "\n";
        }
      for (unsigned s = 0; s < schedule.size(); s += std::max<unsigned>(1, schedule.size() / 60))
        llvm::errs() << s << " " << llvm::format("%.1f", e.live[s] / 1048576.) << " "
                     << model.getOperation(schedule[s])->getName() << "\n";
    }
    model.apply(result.curve[result.chosen].schedule, options.alignment);
  }
};
} // namespace
