// abn-optimize and abn-plan.
#include "abn/Pipelines.h"
#include "RewritePipeline.h"
#include "abn/Analysis/TrainingStep.h"
#include "abn/Passes.h"
#include "abn/Plan/PlanOptions.h"
#include "abn/Rewrite/Chains.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::abn;

void mlir::abn::buildRewritePipeline(OpPassManager &functions, const RewriteOptions &options) {
  FuseForwardOptions fuse;
  fuse.gammaPolicy.assign(options.gammaPolicy.begin(), options.gammaPolicy.end());
  fuse.gammaThreshold = options.gammaThreshold;
  fuse.throughAdd = options.throughAdd;
  fuse.substituteReluOption = options.substituteRelu;
  fuse.lossResult = options.lossResult;
  fuse.dynamicSize = options.dynamicSize;
  fuse.verifyEquivalence = options.verifyEquivalence;
  RewriteBackwardOptions rewrite;
  rewrite.verifyEquivalence = options.verifyEquivalence;
  functions.addPass(createFuseForward(fuse));
  functions.addPass(createRewriteBackward(rewrite));
  functions.addPass(createVerifyRewrite());
}

/// Takes `dispatch` out of the policies; whether it was there, or nothing said otherwise.
static bool takeDispatch(SmallVectorImpl<std::string> &policies, bool byDefault) {
  bool isDispatched = llvm::is_contained(policies, "dispatch");
  bool hasGeneral = llvm::any_of(policies, [](const std::string &entry) {
    return entry != "dispatch" && entry.find(':') == std::string::npos;
  });
  llvm::erase(policies, "dispatch");
  return isDispatched || (byDefault && !hasGeneral);
}

static void addRewrite(OpPassManager &pm, const OptimizeOptions &options) {
  RewriteOptions rewrite;
  rewrite.gammaPolicy.assign(options.gammaPolicy.begin(), options.gammaPolicy.end());
  rewrite.gammaThreshold = options.gammaThreshold;
  rewrite.throughAdd = options.throughAdd;
  rewrite.substituteRelu = options.substituteRelu;
  rewrite.lossResult = options.lossResult;
  rewrite.dynamicSize = options.dynamicSize;
  rewrite.verifyEquivalence = options.verifyEquivalence;
  if (!takeDispatch(rewrite.gammaPolicy, /*byDefault=*/options.plan)) {
    buildRewritePipeline(pm.nest<func::FuncOp>(), rewrite);
    return;
  }
  DispatchGammaOptions dispatch;
  dispatch.gammaPolicy = rewrite.gammaPolicy;
  dispatch.gammaThreshold = rewrite.gammaThreshold;
  dispatch.throughAdd = rewrite.throughAdd;
  dispatch.substituteReluOption = rewrite.substituteRelu;
  dispatch.lossResult = rewrite.lossResult;
  dispatch.dynamicSize = rewrite.dynamicSize;
  dispatch.verifyEquivalence = rewrite.verifyEquivalence;
  pm.addPass(createDispatchGamma(dispatch));
}

namespace {
/// Says what is wrong with the gamma options, also where no pass that has them runs.
struct CheckGammaOptions : PassWrapper<CheckGammaOptions, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(CheckGammaOptions)

  explicit CheckGammaOptions(const OptimizeOptions &options)
      : policies(options.gammaPolicy.begin(), options.gammaPolicy.end()),
        threshold(options.gammaThreshold) {
    llvm::erase(policies, "dispatch");
  }

  void runOnOperation() override {
    if (failed(
            ChainOptions().parseGamma(policies, threshold, getOperation().getLoc(), "dispatch, ")))
      signalPassFailure();
  }

  SmallVector<std::string> policies;
  double threshold;
};

/// Canonicalizes steps that have no plan yet: what is planned has its ops as they are to run.
struct CanonicalizeUnplanned : PassWrapper<CanonicalizeUnplanned, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(CanonicalizeUnplanned)

  void runOnOperation() override {
    if (isPlanned(getOperation()))
      return;
    OpPassManager pipeline(func::FuncOp::getOperationName());
    pipeline.addPass(createCanonicalizerPass());
    if (failed(runPipeline(pipeline, getOperation())))
      signalPassFailure();
  }
};

/// Says what is wrong with the plan's options where nothing is planned, and refuses a budget that
/// no pass would keep.
struct CheckUnusedPlanOptions : PassWrapper<CheckUnusedPlanOptions, OperationPass<>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(CheckUnusedPlanOptions)

  explicit CheckUnusedPlanOptions(PlanRecomputeOptions options) : options(std::move(options)) {}

  void runOnOperation() override {
    Location loc = getOperation()->getLoc();
    if (failed(checkPlanOptions(loc, options)))
      return signalPassFailure();
    if (options.budgetBytes == -1)
      return;
    // Not of the op: that would print all of it.
    emitError(loc) << "expected no option `budget-bytes` with `plan=false`: nothing is planned";
    signalPassFailure();
  }

  PlanRecomputeOptions options;
};
} // namespace

void mlir::abn::buildOptimizePipeline(OpPassManager &pm, const OptimizeOptions &options) {
  pm.addNestedPass<func::FuncOp>(std::make_unique<CheckGammaOptions>(options));
  PlanRecomputeOptions plan;
  plan.budgetBytes = options.budgetBytes;
  plan.objective = options.objective;
  plan.alignment = options.alignment;
  plan.lossResult = options.lossResult;
  plan.dynamicSize = options.dynamicSize;
  if (!options.plan)
    pm.addPass(std::make_unique<CheckUnusedPlanOptions>(plan));
  if (options.recognize) {
    RecognizeOptions recognize;
    recognize.anyChannelDim = options.anyChannelDim;
    recognize.verifyEquivalence = options.verifyEquivalence;
    pm.addNestedPass<func::FuncOp>(createRecognize(recognize));
  }
  if (options.numerics == Numerics::Invert)
    addRewrite(pm, options);
  if (!options.plan)
    return;
  pm.addNestedPass<func::FuncOp>(createFoldTransposes());
  pm.addNestedPass<func::FuncOp>(std::make_unique<CanonicalizeUnplanned>());
  pm.addPass(createPlanRecompute(plan));
  ScheduleOptions schedule;
  schedule.alignment = options.alignment;
  schedule.lossResult = options.lossResult;
  schedule.dynamicSize = options.dynamicSize;
  pm.addNestedPass<func::FuncOp>(createSchedule(schedule));
  FuseRecomputationOptions fuse;
  fuse.alignment = options.alignment;
  pm.addNestedPass<func::FuncOp>(createFuseRecomputation(fuse));
}

void mlir::abn::buildPlanPipeline(OpPassManager &pm, const PlanOptions &options) {
  RecordMemoryOptions record;
  record.lossResult = options.lossResult;
  record.dynamicSize = options.dynamicSize;
  pm.addNestedPass<func::FuncOp>(createRecordMemory(record));
  pm.addPass(createBufferize());
  if (!options.chip.empty()) {
    AddScratchOptions scratch;
    scratch.chip = options.chip;
    pm.addPass(createAddScratch(scratch));
  }
  FormPackProblemOptions form;
  form.outputs = options.outputs;
  AssignOffsetsOptions assign;
  assign.alignment = options.alignment;
  assign.dynamicSize = options.dynamicSize;
  OpPassManager &functions = pm.nest<func::FuncOp>();
  functions.addPass(createFormPackProblem(form));
  functions.addPass(createAssignOffsets(assign));
  MaterializeArenaOptions materialize;
  materialize.arena = options.arena;
  pm.addPass(createMaterializeArena(materialize));
  if (!options.chip.empty())
    pm.addNestedPass<func::FuncOp>(createLendWorkspaces());
  pm.addNestedPass<func::FuncOp>(createVerifyPlan());
}

void mlir::abn::registerAbnPipelines() {
  PassPipelineRegistration<OptimizeOptions>(
      "abn-optimize",
      "recognise batch norm -> activation chains, compute them in place, rewrite the backward to "
      "recover from the stored outputs, and plan what is kept, what is recomputed and when",
      buildOptimizePipeline);
  PassPipelineRegistration<PlanOptions>(
      "abn-plan", "give every tensor a buffer and every buffer a place in one arena",
      buildPlanPipeline);
}
