// abn-attach-gpu-targets: checks chips and toolkit before anything is compiled for them.
#include "Gpu/LowerToKernels.h"
#include "abn/Lower/GpuTargets.h"
#include "abn/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/LLVMIR/ROCDLDialect.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVDialect.h"
#include "mlir/Dialect/SPIRV/IR/TargetAndABI.h"
#include "mlir/Target/LLVM/NVVM/Target.h"
#include "mlir/Target/LLVM/ROCDL/Target.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Target/SPIRV/Target.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

namespace mlir::abn {
#define GEN_PASS_DEF_ATTACHGPUTARGETS
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

/// Of code objects: one that every ROCm from 5.0 on loads. It changes no instruction.
static constexpr StringLiteral kCodeObjectVersion = "500";

std::string mlir::abn::getGpuFormat(StringRef target, StringRef format) {
  if (!format.empty())
    return format.str();
  return target == stringify(GpuTarget::Spirv) ? "isa" : "fatbin";
}

SmallVector<std::string> mlir::abn::getGpuChips(StringRef target, ArrayRef<std::string> chips) {
  if (chips.empty() && target == stringify(GpuTarget::Spirv))
    return {"opencl"};
  return SmallVector<std::string>(chips);
}

static std::optional<GpuTarget> findTarget(StringRef name) {
  for (GpuTarget target : {GpuTarget::Cuda, GpuTarget::Rocm, GpuTarget::Spirv})
    if (stringify(target) == name)
      return target;
  return std::nullopt;
}

static StringRef getExampleChip(GpuTarget target) {
  return target == GpuTarget::Rocm ? "gfx90a" : "sm_80";
}

namespace {
struct AttachGpuTargets : mlir::abn::impl::AttachGpuTargetsBase<AttachGpuTargets> {
  using AttachGpuTargetsBase::AttachGpuTargetsBase;

  /// What gpu-module-to-binary needs besides dialects, for drivers that do not register all of
  /// upstream.
  void getDependentDialects(DialectRegistry &registry) const override {
    AttachGpuTargetsBase::getDependentDialects(registry);
    registerAllGPUToLLVMIRTranslations(registry);
    NVVM::registerNVVMTargetInterfaceExternalModels(registry);
    ROCDL::registerROCDLTargetInterfaceExternalModels(registry);
    spirv::registerSPIRVTargetInterfaceExternalModels(registry);
  }

  void runOnOperation() override {
    std::optional<GpuTarget> kind = findTarget(target);
    if (!kind) {
      getOperation().emitError("unknown target `")
          << target << "`; expected `cuda`, `rocm` or `spirv`";
      return signalPassFailure();
    }
    FailureOr<SmallVector<const Chip *>> found = failure();
    if (failed(checkFormat(*kind)) || failed(found = findChips(*kind)) ||
        failed(checkToolkit(*kind)))
      return signalPassFailure();
    SmallVector<Attribute> targets =
        llvm::map_to_vector(*found, [&](const Chip *chip) { return makeTarget(*chip); });
    for (auto kernels : getOperation().getOps<gpu::GPUModuleOp>()) {
      kernels.setTargetsAttr(ArrayAttr::get(&getContext(), targets));
      if (*kind == GpuTarget::Rocm)
        fixWavefront(kernels, found->front()->subgroup);
    }
  }

private:
  LogicalResult checkFormat(GpuTarget kind) {
    std::string wanted = getGpuFormat(target, format);
    bool hasMachineCode = kind != GpuTarget::Spirv;
    if ((wanted != "fatbin" || !hasMachineCode) && wanted != "isa" && wanted != "offload")
      return getOperation().emitError("unknown format `")
             << wanted << "`; expected " << (hasMachineCode ? "`fatbin`, `isa`" : "`isa`")
             << " or `offload` for target `" << target << "`";
    if (instrument && wanted != "offload")
      return getOperation().emitError("instrumented kernels can only be executed by the emulator: "
                                      "expected format `offload`, got `")
             << wanted << "`";
    return success();
  }

  /// The chips, which all are of the target and run the same kernels.
  FailureOr<SmallVector<const Chip *>> findChips(GpuTarget kind) {
    SmallVector<const Chip *> found;
    for (const std::string &name : getGpuChips(target, llvm::to_vector(chips))) {
      const Chip *chip = findChipOrError(getOperation(), name);
      if (!chip)
        return failure();
      if (chip->target != kind)
        return getOperation().emitError("chip `") << name << "` is not one of target `" << target
                                                  << "` but of `" << stringify(chip->target) << "`";
      if (!found.empty() && chip->subgroup != found.front()->subgroup)
        return getOperation().emitError("chips `")
               << found.front()->name << "` and `" << name
               << "` need kernels of their own: subgroups have " << found.front()->subgroup
               << " and " << chip->subgroup << " threads";
      found.push_back(chip);
    }
    if (found.empty())
      return getOperation().emitError("expected at least one chip, such as `")
             << getExampleChip(kind) << "`";
    return found;
  }

  LogicalResult checkFiles(StringRef what, ArrayRef<StringRef> files) {
    for (StringRef file : files) {
      SmallString<128> path(toolkit.getValue());
      llvm::sys::path::append(path, file);
      if (!llvm::sys::fs::exists(path))
        return getOperation().emitError("`")
               << toolkit << "` is not a " << what << ": it has no `" << file << "`";
    }
    return success();
  }

  /// A given toolkit must be one, and a fatbin needs one: upstream would look for tools and device
  /// libraries wherever it can.
  LogicalResult checkToolkit(GpuTarget kind) {
    bool isFatbin = getGpuFormat(target, format) == "fatbin";
    if (kind == GpuTarget::Spirv)
      return toolkit.empty() ? success()
                             : getOperation().emitError("target `spirv` uses no toolkit, got `")
                                   << toolkit << "`";
    if (kind == GpuTarget::Rocm) {
      if (toolkit.empty())
        return getOperation().emitError(
            "target `rocm` needs ROCm's device libraries: pass a folder that has "
            "`amdgcn/bitcode` and `llvm/bin/ld.lld` as `toolkit`, such as /opt/rocm; Debian's "
            "package rocm-device-libs has the former");
      SmallVector<StringRef> needed = {"amdgcn/bitcode/ocml.bc", "amdgcn/bitcode/ockl.bc"};
      if (isFatbin)
        needed.push_back("llvm/bin/ld.lld");
      return checkFiles("ROCm toolkit", needed);
    }
    if (toolkit.empty())
      return !isFatbin ? success()
                       : getOperation().emitError("format `fatbin` needs a CUDA toolkit: pass its "
                                                  "folder as `toolkit`, or use `isa` or `offload`");
    SmallVector<StringRef> needed = {"nvvm/libdevice/libdevice.10.bc"};
    if (isFatbin)
      needed.append({"bin/ptxas", "bin/fatbinary"});
    return checkFiles("CUDA toolkit", needed);
  }

  Attribute makeTarget(const Chip &chip) {
    MLIRContext *context = &getContext();
    switch (chip.target) {
    case GpuTarget::Cuda:
      return NVVM::NVVMTargetAttr::get(context, /*optLevel=*/3, "nvptx64-nvidia-cuda", chip.name,
                                       chip.ptx);
    case GpuTarget::Rocm:
      return ROCDL::ROCDLTargetAttr::get(context, /*optLevel=*/3, "amdgcn-amd-amdhsa", chip.name,
                                         /*features=*/"", kCodeObjectVersion);
    case GpuTarget::Spirv:
      break;
    }
    // What every OpenCL device that reads SPIR-V has.
    auto version =
        spirv::VerCapExtAttr::get(spirv::Version::V_1_0, {spirv::Capability::Kernel}, {}, context);
    return spirv::TargetEnvAttr::get(version, spirv::getDefaultResourceLimits(context),
                                     spirv::ClientAPI::OpenCL);
  }

  /// Says to the back end what the kernels were built for, so that they cannot run with another
  /// number of threads per wavefront; the emulator reads it.
  void fixWavefront(gpu::GPUModuleOp kernels, unsigned width) {
    std::string feature = "+wavefrontsize" + std::to_string(width);
    auto features = LLVM::TargetFeaturesAttr::get(&getContext(), {StringRef(feature)});
    for (auto kernel : kernels.getOps<gpu::GPUFuncOp>())
      kernel->setAttr("target_features", features);
  }
};
} // namespace
