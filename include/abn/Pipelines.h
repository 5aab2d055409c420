// The pipelines: the only place that knows all stages.
#ifndef ABN_PIPELINES_H
#define ABN_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace mlir::abn {

/// Whether the backward may recover values by inversion (equal up to rounding), or only computes
/// them again (equal bit by bit to the step that is planned: recognition comes before).
enum class Numerics { Invert, Exact };

/// Options of `abn-optimize`; they mean what they mean on `abn-recognize`, `abn-fuse-forward` and
/// `abn-plan-recompute`.
struct OptimizeOptions : PassPipelineOptions<OptimizeOptions> {
  ListOption<std::string> gammaPolicy{
      *this, "gamma-policy",
      llvm::cl::desc(
          "dispatch (the default): compile a version that recomputes instead, and choose at "
          "run time by the smallest |gamma|; trust, check, clamp, abs or keep: one version; "
          "chain:policy overrides it for one chain")};
  Option<double> gammaThreshold{*this, "gamma-threshold",
                                llvm::cl::desc("the smallest |gamma| under clamp, and for which "
                                               "dispatch runs the inverting version"),
                                llvm::cl::init(1e-3)};
  Option<bool> throughAdd{*this, "through-add",
                          llvm::cl::desc("recover chains through residual adds"),
                          llvm::cl::init(true)};
  Option<bool> substituteRelu{
      *this, "substitute-relu",
      llvm::cl::desc("replace relu by leaky_relu(0.01): this changes the network"),
      llvm::cl::init(false)};
  Option<int64_t> lossResult{*this, "loss-result",
                             llvm::cl::desc("which result is the loss, whatever the roles say"),
                             llvm::cl::init(-1)};
  Option<bool> recognize{
      *this, "recognize",
      llvm::cl::desc("look for batch norms that are decomposed, and make each one op, "
                     "equal up to rounding"),
      llvm::cl::init(true)};
  Option<bool> anyChannelDim{
      *this, "any-channel-dim",
      llvm::cl::desc(
          "also recognise normalisations whose channel is the first dimension or part of one"),
      llvm::cl::init(false)};
  Option<bool> verifyEquivalence{
      *this, "verify-equivalence",
      llvm::cl::desc("evaluate the function before and after each rewrite on tiny tensors; a "
                     "difference is an error"),
      llvm::cl::init(false)};
  Option<Numerics> numerics{
      *this, "numerics", llvm::cl::desc("how the backward gets what is not kept"),
      llvm::cl::values(clEnumValN(Numerics::Invert, "invert",
                                  "recover it from stored outputs, or compute it again"),
                       clEnumValN(Numerics::Exact, "exact",
                                  "compute it again only: planning changes no bit (recognition "
                                  "does, up to rounding, unless recognize=false)")),
      llvm::cl::init(Numerics::Invert)};
  Option<bool> plan{*this, "plan",
                    llvm::cl::desc("choose what is kept, what is recomputed and when"),
                    llvm::cl::init(true)};
  Option<int64_t> budgetBytes{*this, "budget-bytes",
                              llvm::cl::desc("bytes that the arena must not exceed"),
                              llvm::cl::init(-1)};
  Option<std::string> objective{*this, "objective", llvm::cl::desc("peak, balanced or time"),
                                llvm::cl::init("balanced")};
  Option<int64_t> alignment{*this, "alignment",
                            llvm::cl::desc("offsets in the arena are multiples of it, in bytes"),
                            llvm::cl::init(256)};
  Option<int64_t> dynamicSize{
      *this, "dynamic-size",
      llvm::cl::desc("what dynamic dimensions count as; the plan is valid for all sizes"),
      llvm::cl::init(8)};
};

/// Options of `abn-plan`; they mean what they mean on `abn-form-pack-problem`, `abn-assign-offsets`
/// and `abn-materialize-arena`.
struct PlanOptions : PassPipelineOptions<PlanOptions> {
  Option<int64_t> alignment{*this, "alignment",
                            llvm::cl::desc("offsets in the arena are multiples of it, in bytes"),
                            llvm::cl::init(256)};
  Option<std::string> arena{
      *this, "arena",
      llvm::cl::desc("alloc: the step allocates the arena; argument: its caller does"),
      llvm::cl::init("alloc")};
  Option<std::string> outputs{
      *this, "outputs",
      llvm::cl::desc("arena: results are views of the arena; outside: they have their own buffers"),
      llvm::cl::init("arena")};
  Option<std::string> chip{
      *this, "chip",
      llvm::cl::desc("plan the buffers that kernels for this chip keep while they run, too"),
      llvm::cl::init("")};
  Option<int64_t> lossResult{*this, "loss-result",
                             llvm::cl::desc("which result is the loss, whatever the roles say"),
                             llvm::cl::init(-1)};
  Option<int64_t> dynamicSize{
      *this, "dynamic-size",
      llvm::cl::desc(
          "what dynamic dimensions count as where buffers are ordered in the arena; 0: what "
          "they did in abn-optimize, or 8"),
      llvm::cl::init(0)};
};

/// Options of `abn-to-gpu`; they mean what they mean on `abn-attach-gpu-targets`.
struct GpuOptions : PassPipelineOptions<GpuOptions> {
  Option<std::string> target{*this, "target",
                             llvm::cl::desc("the kind of GPU: cuda, rocm or spirv (OpenCL)"),
                             llvm::cl::init("cuda")};
  ListOption<std::string> chips{
      *this, "chips",
      llvm::cl::desc("the chips, such as sm_80 or gfx90a; kernels are tiled for the first")};
  Option<std::string> toolkit{*this, "toolkit",
                              llvm::cl::desc("the folder of the CUDA toolkit, or of ROCm")};
  Option<std::string> format{
      *this, "format",
      llvm::cl::desc("fatbin: machine code for each chip; isa: text or SPIR-V that the driver "
                     "compiles; offload: LLVM bitcode, for the emulator. The default is isa for "
                     "spirv, else fatbin")};
  Option<bool> expandMath{
      *this, "expand-math",
      llvm::cl::desc(
          "compute functions of math by polynomials, without libdevice (cuda); always so "
          "for format=isa without a toolkit"),
      llvm::cl::init(false)};
  Option<bool> instrument{
      *this, "instrument",
      llvm::cl::desc("let the emulator check and count what kernels access: format=offload only"),
      llvm::cl::init(false)};
};

/// Recognise, rewrite, plan: tensors in, tensors out.
void buildOptimizePipeline(OpPassManager &pm, const OptimizeOptions &options);

/// Bufferize and pack: tensors in, views of one arena out, checked.
void buildPlanPipeline(OpPassManager &pm, const PlanOptions &options);

/// Kernels and their launches (gpu.module, gpu.launch_func) in, a host module in the LLVM dialect
/// out, which calls the host ABI (mgpuModuleLoad, mgpuLaunchKernel, ...).
void buildGpuPipeline(OpPassManager &pm, const GpuOptions &options);

void registerAbnPipelines();
void registerGpuPipelines();

} // namespace mlir::abn

#endif // ABN_PIPELINES_H
