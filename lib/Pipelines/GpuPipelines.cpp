// abn-to-gpu: from launches of kernels to a host module that loads and launches them.
#include "abn/Passes.h"
#include "abn/Pipelines.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::abn;

/// A planned step as kernels and their launches.
static void addStepPasses(OpPassManager &pm, const GpuOptions &options) {
  ConvertAbnToGpuOptions convert;
  if (!options.chips.empty())
    convert.chip = options.chips.front();
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

static void addKernelPasses(OpPassManager &pm, const GpuOptions &options) {
  pm.addPass(createConvertVectorToSCFPass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertNVGPUToNVVMPass());
  OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  if (options.instrument)
    kernels.addPass(createInstrumentKernels());
  kernels.addPass(createStripDebugInfoPass());
  ConvertGpuOpsToNVVMOpsOptions toNvvm;
  // Sizes of memrefs are 64 bits wide; 32-bit arithmetic is the kernels' own choice.
  toNvvm.indexBitwidth = 64;
  kernels.addPass(createConvertGpuOpsToNVVMOps(toNvvm));
  kernels.addPass(createCanonicalizerPass());
  kernels.addPass(createCSEPass());
  kernels.addPass(createReconcileUnrealizedCastsPass());
}

void mlir::abn::buildGpuPipeline(OpPassManager &pm, const GpuOptions &options) {
  AttachGpuTargetsOptions attach;
  attach.target = options.target;
  attach.chips.assign(options.chips.begin(), options.chips.end());
  attach.toolkit = options.toolkit;
  attach.format = options.format;
  attach.instrument = options.instrument;
  addStepPasses(pm, options);
  pm.addPass(createAttachGpuTargets(attach));
  addKernelPasses(pm, options);
  pm.addPass(createGpuToLLVMConversionPass());
  GpuModuleToBinaryPassOptions binary;
  binary.toolkitPath = options.toolkit;
  binary.compilationTarget = options.format == "offload" ? "offloading" : options.format.getValue();
  pm.addPass(createGpuModuleToBinaryPass(binary));
  pm.addPass(createJoinFatbins());
  pm.addPass(createConvertToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
}

void mlir::abn::registerGpuPipelines() {
  PassPipelineRegistration<GpuOptions>(
      "abn-to-gpu", "compile kernels and their launches for a list of chips, or for the emulator",
      buildGpuPipeline);
}
