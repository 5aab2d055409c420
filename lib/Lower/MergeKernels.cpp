// abn-merge-kernels: one gpu.module for a step, with each kernel once.
#include "Gpu/KernelBuilder.h"
#include "abn/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"

namespace mlir::abn {
#define GEN_PASS_DEF_MERGEKERNELS
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

/// Whether the module holds nothing but kernels, and has no target yet.
static bool isMergeable(gpu::GPUModuleOp module) {
  return !module.getTargetsAttr() &&
         llvm::all_of(*module.getBody(), [](Operation &op) { return isa<gpu::GPUFuncOp>(op); });
}

namespace {
struct MergeKernels : abn::impl::MergeKernelsBase<MergeKernels> {
  void runOnOperation() override {
    SmallVector<gpu::GPUModuleOp> modules =
        llvm::filter_to_vector(getOperation().getOps<gpu::GPUModuleOp>(), isMergeable);
    if (modules.empty())
      return;
    KernelModule kernels(modules.front());
    llvm::MapVector<SymbolRefAttr, SymbolRefAttr> replacements;
    for (gpu::GPUModuleOp module : modules) {
      for (auto kernel : llvm::to_vector(module.getOps<gpu::GPUFuncOp>())) {
        SymbolRefAttr before = getReference(module, kernel);
        replacements[before] = getReference(modules.front(), kernels.add(kernel));
      }
      if (module != modules.front())
        module.erase();
    }
    getOperation().walk([&](gpu::LaunchFuncOp launch) {
      if (SymbolRefAttr after = replacements.lookup(launch.getKernelAttr()))
        launch.setKernelAttr(after);
    });
  }

  static SymbolRefAttr getReference(gpu::GPUModuleOp module, gpu::GPUFuncOp kernel) {
    return SymbolRefAttr::get(module.getNameAttr(), {FlatSymbolRefAttr::get(kernel.getNameAttr())});
  }
};
} // namespace
