// What the options of abn-plan-recompute may be, also for a pipeline that does not run it.
#ifndef ABN_PLAN_PLANOPTIONS_H
#define ABN_PLAN_PLANOPTIONS_H

#include "abn/Passes.h"

namespace mlir::abn {

/// An error at `loc` for the first option that is not what it may be.
LogicalResult checkPlanOptions(Location loc, const PlanRecomputeOptions &options);

} // namespace mlir::abn

#endif // ABN_PLAN_PLANOPTIONS_H
