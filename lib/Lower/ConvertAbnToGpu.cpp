// convert-abn-to-gpu. What each op computes is in Lower{Activation,BatchNorm,Inplace}.cpp, how
// nests become kernels in Gpu/.
#include "Gpu/LowerToKernels.h"
#include "abn/AbnDialect.h"
#include "abn/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"

namespace mlir::abn {
#define GEN_PASS_DEF_CONVERTABNTOGPU
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

static constexpr StringLiteral kModuleName = "abn_kernels";

namespace {
struct ConvertAbnToGpu : abn::impl::ConvertAbnToGpuBase<ConvertAbnToGpu> {
  using ConvertAbnToGpuBase::ConvertAbnToGpuBase;

  void runOnOperation() override {
    const Chip *found = findChipOrError(getOperation(), chip);
    if (!found)
      return signalPassFailure();
    SmallVector<Operation *> ops;
    getOperation()->walk([&](Operation *op) {
      if (isChannelComputation(op))
        ops.push_back(op);
    });
    for (Operation *op : ops)
      if (failed(checkForKernels(op)))
        return signalPassFailure();
    if (ops.empty())
      return;
    KernelModule kernels(createModule());
    CallArguments calls(getOperation());
    for (Operation *op : ops)
      lower(op, kernels, *found, calls);
  }

  gpu::GPUModuleOp createModule() {
    ModuleOp module = getOperation();
    module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(), UnitAttr::get(&getContext()));
    OpBuilder b(&getContext());
    SymbolTable symbols(module);
    auto kernels = gpu::GPUModuleOp::create(b, module.getLoc(), kModuleName);
    symbols.insert(kernels);
    return kernels;
  }

  static void lower(Operation *op, KernelModule &kernels, const Chip &chip,
                    const CallArguments &calls) {
    OpBuilder b(op);
    lowerToKernels(b, op, kernels, chip, calls, ScratchOp::take(op));
    op->erase();
  }
};
} // namespace
