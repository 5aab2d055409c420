// Slow and simple counterparts of the planner's parts, to compare with.
#ifndef ABN_TEST_UNIT_PLAN_REFERENCE_H
#define ABN_TEST_UNIT_PLAN_REFERENCE_H

#include "abn/Plan/StepGraph.h"
#include <optional>
#include <string>

namespace planner_test {

/// Runs a schedule in the buffers that `evaluation` gives it: every read must find the value that
/// it names, at the end every output must be there. Says what is wrong first; empty if nothing is.
std::string simulate(const mlir::abn::plan::StepGraph &graph,
                     const mlir::abn::plan::Schedule &schedule,
                     const mlir::abn::plan::Evaluation &evaluation);

/// Compares lifetimes, takeovers, live bytes and costs with what their definitions give, step by
/// step and buffer by buffer. Empty if all agree.
std::string checkEvaluation(const mlir::abn::plan::StepGraph &graph,
                            const mlir::abn::plan::Schedule &schedule,
                            const mlir::abn::plan::Evaluation &evaluation);

/// Whether the op computes the value again or gives it back.
bool givesAgain(const mlir::abn::plan::StepGraph &graph, unsigned op, unsigned value);

/// Whether ops run again in `schedule` that are no recipe of what they compute, or convolutions
/// that `recomputedHeavy` does not allow.
std::string checkRecomputations(const mlir::abn::plan::StepGraph &graph,
                                const mlir::abn::plan::Schedule &schedule,
                                const std::vector<bool> &recomputedHeavy);

/// Whether any schedule whatsoever needs no more than `bytes` live bytes, by search; without
/// `recomputeHeavy`, any that runs each heavy op of the forward once. Unknown if the search takes
/// too long.
std::optional<bool> fitsWithin(const mlir::abn::plan::StepGraph &graph, int64_t bytes,
                               bool recomputeHeavy);

} // namespace planner_test

#endif // ABN_TEST_UNIT_PLAN_REFERENCE_H
