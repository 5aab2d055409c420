// abn-to-gpu: from launches of kernels to a host module that loads and launches them.
#include "abn/Lower/GpuTargets.h"
#include "abn/Passes.h"
#include "abn/Pipelines.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::abn;

/// A planned step as kernels and their launches.
static void addStepPasses(OpPassManager &pm, ArrayRef<std::string> chips) {
  ConvertAbnToGpuOptions convert;
  if (!chips.empty())
    convert.chip = chips.front();
  pm.addPass(createConvertAbnToGpu(convert));
  pm.addNestedPass<func::FuncOp>(createMoveToDevice());
  // Descriptors stay in host memory.
  pm.addPass(createConvertDnnToCalls());
  pm.addNestedPass<func::FuncOp>(createMapLinalgLoops());
  pm.addPass(createConvertParallelLoopToGpuPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createGpuKernelOutliningPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createMergeKernels());
  pm.addPass(createOrderStream());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
}

static void addNvvmPasses(OpPassManager &kernels, const GpuOptions &options) {
  // PTX that calls libdevice is of no use without it.
  if (options.expandMath || (options.format == "isa" && options.toolkit.empty()))
    kernels.addPass(createExpandMath());
  ConvertGpuOpsToNVVMOpsOptions toNvvm;
  // Sizes of memrefs are 64 bits wide; 32-bit arithmetic is the kernels' own choice.
  toNvvm.indexBitwidth = 64;
  kernels.addPass(createConvertGpuOpsToNVVMOps(toNvvm));
}

static void addRocdlPasses(OpPassManager &kernels, StringRef chip) {
  ConvertGpuOpsToROCDLOpsOptions toRocdl;
  toRocdl.chipset = chip.str();
  toRocdl.indexBitwidth = 64;
  // All but math, of which ROCDL has conversions of its own: the general ones may be taken instead,
  // and lose accuracy (expm1 as exp - 1) or have no instruction (tanh).
  toRocdl.allowedDialects = {"arith", "cf", "func", "index", "memref", "ub", "vector"};
  kernels.addPass(createConvertGpuOpsToROCDLOps(toRocdl));
}

static void addAssertions(OpPassManager &kernels, bool print) {
  LowerAssertionsOptions assertions;
  assertions.print = print;
  kernels.addPass(createLowerAssertions(assertions));
}

static void addInstrumentation(OpPassManager &kernels, const GpuOptions &options) {
  if (options.instrument)
    kernels.addPass(createInstrumentKernels());
  kernels.addPass(createStripDebugInfoPass());
}

static void addCleanup(OpPassManager &kernels, const GreedyRewriteConfig &config) {
  kernels.addPass(createCanonicalizerPass(config));
  kernels.addPass(createCSEPass());
  kernels.addPass(createReconcileUnrealizedCastsPass());
}

/// Through the LLVM dialect as SPIR-V's back end wants it. Upstream's conversion of kernels knows
/// no branches: loops are lowered behind it.
static void addOpenClPasses(OpPassManager &pm, const GpuOptions &options) {
  OpPassManager &structured = pm.nest<gpu::GPUModuleOp>();
  addAssertions(structured, /*print=*/true);
  // Before the instrumentation takes memrefs apart: buffers change their type.
  structured.addPass(createConvertKernelsToOpenCl());
  addInstrumentation(structured, options);
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = true;
  structured.addPass(arith::createArithExpandOpsPass(expand));
  ConvertGpuOpsToLLVMSPVOpsOptions toSpirv;
  toSpirv.use64bitIndex = true;
  structured.addPass(createConvertGpuOpsToLLVMSPVOps(toSpirv));
  pm.addPass(createSCFToControlFlowPass());
  OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  kernels.addPass(createConvertToLLVMPass());
  // Equal blocks are not merged: OpenCL's printf wants a constant format, and so no argument.
  GreedyRewriteConfig config;
  config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Normal);
  addCleanup(kernels, config);
  kernels.addPass(createStoreBf16AsI16());
}

static void addKernelPasses(OpPassManager &pm, const GpuOptions &options, StringRef chip) {
  pm.addPass(createConvertVectorToSCFPass());
  if (options.target == "spirv")
    return addOpenClPasses(pm, options);
  bool isRocm = options.target == "rocm";
  if (isRocm)
    addAssertions(pm.nest<gpu::GPUModuleOp>(), /*print=*/false);
  pm.addPass(createSCFToControlFlowPass());
  if (!isRocm)
    pm.addPass(createConvertNVGPUToNVVMPass());
  OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  addInstrumentation(kernels, options);
  if (isRocm)
    addRocdlPasses(kernels, chip);
  else
    addNvvmPasses(kernels, options);
  addCleanup(kernels, GreedyRewriteConfig());
}

/// The kernels as gpu.binary.
static void addSerialization(OpPassManager &pm, const GpuOptions &options) {
  std::string format = getGpuFormat(options.target, options.format);
  if (options.target == "spirv") {
    SerializeSpirvOptions spirv;
    spirv.bitcode = format == "offload";
    pm.addPass(createSerializeSpirv(spirv));
    return;
  }
  GpuModuleToBinaryPassOptions binary;
  binary.toolkitPath = options.toolkit;
  binary.compilationTarget = format == "offload" ? "offloading" : format;
  pm.addPass(createGpuModuleToBinaryPass(binary));
  pm.addPass(createVerifyGpuBinaries());
  pm.addPass(createJoinFatbins());
}

void mlir::abn::buildGpuPipeline(OpPassManager &pm, const GpuOptions &options) {
  SmallVector<std::string> chips = getGpuChips(options.target, llvm::to_vector(options.chips));
  AttachGpuTargetsOptions attach;
  attach.target = options.target;
  attach.chips.assign(chips.begin(), chips.end());
  attach.toolkit = options.toolkit;
  attach.format = options.format;
  attach.instrument = options.instrument;
  addStepPasses(pm, chips);
  pm.addPass(createAttachGpuTargets(attach));
  addKernelPasses(pm, options, chips.empty() ? "" : chips.front());
  pm.addPass(createGpuToLLVMConversionPass());
  addSerialization(pm, options);
  pm.addPass(createConvertToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
}

void mlir::abn::registerGpuPipelines() {
  PassPipelineRegistration<GpuOptions>(
      "abn-to-gpu", "compile kernels and their launches for a list of chips, or for the emulator",
      buildGpuPipeline);
}
