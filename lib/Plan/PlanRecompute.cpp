// abn-plan-recompute: what is kept, what is computed again and when.
#include "Alignment.h"
#include "CopyPartialResults.h"
#include "GradientsFromOutput.h"
#include "ResolveSizes.h"
#include "abn/AbnDialect.h"
#include "abn/Analysis/TrainingStep.h"
#include "abn/Passes.h"
#include "abn/Plan/PlanModel.h"
#include "abn/Plan/PlanOptions.h"
#include "abn/Plan/Planner.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSwitch.h"

namespace mlir::abn {
#define GEN_PASS_DEF_PLANRECOMPUTE
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

static std::optional<plan::Objective> parseObjective(StringRef text) {
  return llvm::StringSwitch<std::optional<plan::Objective>>(text)
      .Case("peak", plan::Objective::Peak)
      .Case("balanced", plan::Objective::Balanced)
      .Case("time", plan::Objective::Time)
      .Default(std::nullopt);
}

// Errors are not of an op: that would print the whole module.
LogicalResult mlir::abn::checkPlanOptions(Location loc, const PlanRecomputeOptions &options) {
  if (!parseObjective(options.objective))
    return emitError(loc) << "expected peak, balanced or time for the option `objective`, got `"
                          << options.objective << "`";
  if (failed(checkAlignment(loc, options.alignment)) ||
      failed(readLossOption(loc, options.lossResult)) ||
      failed(checkDynamicSize(loc, options.dynamicSize, 1)))
    return failure();
  if (options.budgetBytes < -1)
    return emitError(loc) << "expected a number of bytes for the option `budget-bytes`, got "
                          << options.budgetBytes;
  return success();
}

/// Whether the backward inverts anything.
static StringRef getNumerics(func::FuncOp func) {
  WalkResult result = func.walk([](Operation *op) {
    return isa<InplaceBackwardOp, InplaceInferenceBackwardOp, RecoverOp, ActivationInverseOp>(op)
               ? WalkResult::interrupt()
               : WalkResult::advance();
  });
  return result.wasInterrupted() ? "invert" : "exact";
}

/// What the report says of the plan, on the function. The curve has four numbers for each plan:
/// bytes of the arena, bytes, operations and convolutions that are computed again.
static void recordPlan(func::FuncOp func, const plan::PlannerResult &result, StringRef objective,
                       std::optional<int64_t> budget) {
  Builder b(func.getContext());
  auto integer = [&](StringRef key, int64_t value) {
    return b.getNamedAttr(key, b.getI64IntegerAttr(value));
  };
  SmallVector<int64_t> curve;
  for (const plan::PlanPoint &point : result.curve)
    curve.append({point.arena, point.cost.bytes, point.cost.flops, point.cost.heavyOps});
  const plan::PlanPoint &chosen = result.curve[result.chosen];
  // One that runs convolutions twice may stay below the bound of those that do not.
  int64_t lowerBound = chosen.cost.heavyOps > 0 ? result.lowerBound : result.lowerBoundWithoutHeavy;
  NamedAttrList plan(b.getDictionaryAttr(
      {integer("arena_bytes", chosen.arena), integer("max_live_bytes", chosen.maxLive),
       integer("recompute_bytes", chosen.cost.bytes), integer("recompute_flops", chosen.cost.flops),
       integer("convolutions_recomputed", chosen.cost.heavyOps),
       integer("plan_lower_bound_bytes", lowerBound),
       b.getNamedAttr("curve", b.getDenseI64ArrayAttr(curve)), integer("chosen", result.chosen),
       b.getNamedAttr("numerics", b.getStringAttr(getNumerics(func))),
       b.getNamedAttr("objective", b.getStringAttr(objective))}));
  // A promise to be kept by what places the buffers.
  if (budget)
    plan.set(AbnDialect::kBudgetKey, b.getI64IntegerAttr(*budget));
  func->setAttr(AbnDialect::kPlanAttr, plan.getDictionary(func.getContext()));
}

/// What the plan is tuned for, so that abn-assign-offsets does not have to be told again.
static void recordDynamicSize(func::FuncOp func, int64_t dynamicSize) {
  Builder b(func.getContext());
  NamedAttrList plan(func->getAttrOfType<DictionaryAttr>(AbnDialect::kPlanAttr));
  plan.set(AbnDialect::kDynamicSizeKey, b.getI64IntegerAttr(dynamicSize));
  func->setAttr(AbnDialect::kPlanAttr, plan.getDictionary(func.getContext()));
}

namespace {
struct PlanRecompute : mlir::abn::impl::PlanRecomputeBase<PlanRecompute> {
  using PlanRecomputeBase::PlanRecomputeBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    PlanRecomputeOptions given;
    given.budgetBytes = budgetBytes;
    given.objective = objective;
    given.alignment = alignment;
    given.lossResult = lossResult;
    given.dynamicSize = dynamicSize;
    if (failed(checkPlanOptions(module.getLoc(), given)))
      return signalPassFailure();
    plan::PlannerOptions options;
    options.objective = *parseObjective(objective);
    options.alignment = alignment;
    if (budgetBytes >= 0)
      options.budget = budgetBytes;
    // What chooses between versions has nothing to plan, and may go with one of them.
    SmallVector<func::FuncOp> steps;
    for (auto func : module.getOps<func::FuncOp>())
      if (!func->hasAttr(AbnDialect::kFallbackAttr) && !func->hasAttr(AbnDialect::kVersionsAttr))
        steps.push_back(func);
    unsigned planned = 0;
    for (func::FuncOp func : steps) {
      FailureOr<func::FuncOp> step = planFunction(func, options);
      if (failed(step))
        return signalPassFailure();
      planned += (*step)->hasAttr(AbnDialect::kPlanAttr);
    }
    // A promise that nobody has kept.
    if (options.budget && planned == 0) {
      emitError(module.getLoc())
          << "cannot keep a budget: there is no training step, a function of "
             "one block on tensors with a loss among its results";
      return signalPassFailure();
    }
  }

  /// Plans a step and the version of it that runs in its place at times: the two share an arena.
  /// Returns the step that there is then.
  FailureOr<func::FuncOp> planFunction(func::FuncOp func, plan::PlannerOptions options) {
    auto fallback = func->getAttrOfType<FlatSymbolRefAttr>(AbnDialect::kFallbackOfAttr);
    auto exact =
        fallback ? getOperation().lookupSymbol<func::FuncOp>(fallback.getValue()) : func::FuncOp();
    if (exact && options.budget)
      return planWithin(func, exact, options);
    FailureOr<int64_t> arena = planVersion(func, options);
    if (failed(arena))
      return failure();
    if (!exact)
      return func;
    options.target = *arena;
    if (failed(planVersion(exact, options)))
      return failure();
    return func;
  }

  /// Plans two versions within a budget. The exact one may have to run, and can do so alone: what
  /// it cannot meet is refused, and what only it meets it does without the inverting one.
  FailureOr<func::FuncOp> planWithin(func::FuncOp func, func::FuncOp exact,
                                     const plan::PlannerOptions &options) {
    FailureOr<int64_t> arena = planVersion(exact, options);
    if (failed(arena))
      return failure();
    plan::PlannerResult refused;
    FailureOr<int64_t> inverting = planVersion(func, options, &refused);
    if (succeeded(inverting))
      return func;
    if (refused.curve.empty())
      return failure();
    remark::missed(func.getLoc(), remark::RemarkOpts::name("PlanRecompute").category("abn"))
        << "the inverting version is dropped: its smallest arena found has " +
               std::to_string(refused.curve.back().arena) + " bytes, the exact version meets the " +
               "budget of " + std::to_string(*options.budget) + " bytes with " +
               std::to_string(*arena);
    keepOnly(exact, func);
    return exact;
  }

  /// Lets `version` be the step, in place of what chose between it and `other`.
  void keepOnly(func::FuncOp version, func::FuncOp other) {
    for (auto chooser : llvm::to_vector(getOperation().getOps<func::FuncOp>())) {
      auto versions = chooser->getAttrOfType<ArrayAttr>(AbnDialect::kVersionsAttr);
      if (!versions || !llvm::is_contained(versions, FlatSymbolRefAttr::get(other.getNameAttr())))
        continue;
      llvm::SetVector<func::FuncOp> called;
      chooser.walk([&](func::CallOp call) {
        called.insert(getOperation().lookupSymbol<func::FuncOp>(call.getCallee()));
      });
      StringAttr name = chooser.getNameAttr();
      version.setVisibility(chooser.getVisibility());
      version->moveBefore(chooser);
      chooser.erase();
      version.setName(name);
      // What it asked of the gammas.
      for (func::FuncOp helper : called)
        if (helper && helper != version && helper != other && isHelper(helper) &&
            SymbolTable::symbolKnownUseEmpty(helper, getOperation()))
          helper.erase();
      break;
    }
    version->removeAttr(AbnDialect::kFallbackAttr);
    other.erase();
  }

  /// A step that is planned keeps its plan, if that is within the budget.
  FailureOr<int64_t> keepPlan(func::FuncOp func, const plan::PlannerOptions &options) {
    auto plan = func->getAttrOfType<DictionaryAttr>(AbnDialect::kPlanAttr);
    auto bytes = plan ? plan.getAs<IntegerAttr>("arena_bytes") : IntegerAttr();
    int64_t arena = bytes ? bytes.getInt() : 0;
    if (options.budget && arena > *options.budget)
      return emitError(func.getLoc())
             << "expected a step without a plan, to plan it within " << *options.budget
             << " bytes: it has one, with an arena of " << arena;
    remark::missed(func.getLoc(), remark::RemarkOpts::name("PlanRecompute").category("abn"))
        << "the step has a plan and is left as it is";
    return arena;
  }

  /// The arena's bytes; 0 for a function that is no training step. A budget that cannot be met is
  /// an error, or, with `refused`, that has the plans that there are.
  FailureOr<int64_t> planVersion(func::FuncOp func, const plan::PlannerOptions &options,
                                 plan::PlannerResult *refused = nullptr) {
    std::optional<int64_t> loss = *readLossOption(func.getLoc(), lossResult);
    if (isHelper(func))
      return 0;
    if (isPlanned(func))
      return keepPlan(func, options);
    FailureOr<TrainingStep> step = TrainingStep::get(func, loss);
    // Out of range is an error; control flow is only no training step.
    if (failed(step) && isOutOfRange(loss, func))
      return failure();
    if (failed(step) || !step->getLossResult())
      return 0;
    if (failed(resolveSizes(func)))
      return failure();
    copyPartialResults(func);
    readOutputsInGradients(func);
    step = TrainingStep::get(func, loss);
    // Where the step inverts anyway, other values may be recovered too.
    PlanModel model(*step, dynamicSize, /*mayRebuild=*/getNumerics(func) == "invert");
    if (failed(model.checkSizes()))
      return failure();
    if (!model.hasBuffers())
      return 0;
    plan::PlannerResult result = planStep(model.getGraph(), options);
    if (result.chosen == plan::kNone) {
      if (!refused)
        return refuse(func, result, *options.budget);
      *refused = std::move(result);
      return failure();
    }
    const plan::PlanPoint &chosen = result.curve[result.chosen];
    recordPlan(func, result, objective, options.budget);
    if (model.isDynamic())
      recordDynamicSize(func, dynamicSize);
    remark::analysis(func.getLoc(), remark::RemarkOpts::name("PlanRecompute").category("abn"))
        << "arena of " + std::to_string(chosen.arena) + " bytes; " +
               std::to_string(chosen.cost.bytes) + " bytes and " +
               std::to_string(chosen.cost.heavyOps) + " convolutions computed again";
    model.apply(chosen.schedule);
    return chosen.arena;
  }

  static LogicalResult refuse(func::FuncOp func, const plan::PlannerResult &result,
                              int64_t budget) {
    // Not of the op: that would print the whole function.
    InFlightDiagnostic error = emitError(func.getLoc()) << "no plan within the budget of " << budget
                                                        << " bytes: the smallest arena found has "
                                                        << result.curve.back().arena << " bytes";
    error.attachNote(func.getLoc())
        << "proved: no plan has less than " << result.lowerBound << " bytes, none without "
        << "recomputing convolutions less than " << result.lowerBoundWithoutHeavy;
    // With both versions the exact one has been asked.
    if (getNumerics(func) == "invert")
      error.attachNote(func.getLoc())
          << "the plans and bounds are of the step that inverts; with `numerics=exact` another "
          << "arena may be reached";
    return error;
  }
};
} // namespace
