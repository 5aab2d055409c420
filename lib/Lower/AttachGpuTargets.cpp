// abn-attach-gpu-targets: checks chips and toolkit before anything is compiled for them.
#include "Gpu/LowerToKernels.h"
#include "abn/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Target/LLVM/NVVM/Target.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

namespace mlir::abn {
#define GEN_PASS_DEF_ATTACHGPUTARGETS
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

namespace {
struct AttachGpuTargets : mlir::abn::impl::AttachGpuTargetsBase<AttachGpuTargets> {
  using AttachGpuTargetsBase::AttachGpuTargetsBase;

  /// What gpu-module-to-binary needs besides dialects, for drivers that do not register all of
  /// upstream.
  void getDependentDialects(DialectRegistry &registry) const override {
    AttachGpuTargetsBase::getDependentDialects(registry);
    registerAllGPUToLLVMIRTranslations(registry);
    NVVM::registerNVVMTargetInterfaceExternalModels(registry);
  }

  void runOnOperation() override {
    if (failed(checkOptions()))
      return signalPassFailure();
    FailureOr<SmallVector<Attribute>> targets = makeTargets();
    if (failed(targets) || failed(checkToolkit()))
      return signalPassFailure();
    for (auto kernels : getOperation().getOps<gpu::GPUModuleOp>())
      kernels.setTargetsAttr(ArrayAttr::get(&getContext(), *targets));
  }

private:
  LogicalResult checkOptions() {
    if (target != "nvvm")
      return getOperation().emitError("unknown target `") << target << "`; expected `nvvm`";
    if (format != "fatbin" && format != "isa" && format != "offload")
      return getOperation().emitError("unknown format `")
             << format << "`; expected `fatbin`, `isa` or `offload`";
    if (instrument && format != "offload")
      return getOperation().emitError("instrumented kernels can only be executed by the emulator: "
                                      "expected format `offload`, got `")
             << format << "`";
    if (chips.empty())
      return getOperation().emitError("expected at least one chip, such as `sm_80`");
    return success();
  }

  /// A given toolkit must be one, and a fatbin needs one: upstream would look for ptxas wherever it
  /// can.
  LogicalResult checkToolkit() {
    if (toolkit.empty() && format != "fatbin")
      return success();
    if (toolkit.empty())
      return getOperation().emitError(
          "format `fatbin` needs a CUDA toolkit: pass its folder as `toolkit`, or use `isa` or "
          "`offload`");
    SmallVector<StringRef> needed = {"nvvm/libdevice/libdevice.10.bc"};
    if (format == "fatbin")
      needed.append({"bin/ptxas", "bin/fatbinary"});
    for (StringRef file : needed) {
      SmallString<128> path(toolkit.getValue());
      llvm::sys::path::append(path, file);
      if (!llvm::sys::fs::exists(path))
        return getOperation().emitError("`")
               << toolkit << "` is not a CUDA toolkit: it has no `" << file << "`";
    }
    return success();
  }

  FailureOr<SmallVector<Attribute>> makeTargets() {
    SmallVector<Attribute> targets;
    for (const std::string &name : chips) {
      const Chip *chip = findChipOrError(getOperation(), name);
      if (!chip)
        return failure();
      if (chip->ptx.empty())
        return getOperation().emitError("chip `") << name << "` is not one of target `nvvm`";
      targets.push_back(NVVM::NVVMTargetAttr::get(&getContext(), /*optLevel=*/3,
                                                  "nvptx64-nvidia-cuda", chip->name, chip->ptx));
    }
    return targets;
  }
};
} // namespace
