// abn-convert-kernels-to-opencl: what upstream's convert-gpu-to-llvm-spv leaves to others.
#include "abn/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::abn {
#define GEN_PASS_DEF_CONVERTKERNELSTOOPENCL
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;

/// SPIR-V's storage class Workgroup, as the LLVM back end numbers address spaces.
static constexpr unsigned kWorkgroupSpace = 3;

/// The OpenCL function that computes `op`, or "". Others have an LLVM intrinsic that the back end
/// selects (it selects none for hyperbolic functions).
static StringRef getFunction(Operation *op) {
  return llvm::TypeSwitch<Operation *, StringRef>(op)
      .Case([](math::AcosOp) { return "acos"; })
      .Case([](math::AsinOp) { return "asin"; })
      .Case([](math::AtanOp) { return "atan"; })
      .Case([](math::CoshOp) { return "cosh"; })
      .Case([](math::SinhOp) { return "sinh"; })
      .Case([](math::TanOp) { return "tan"; })
      .Case([](math::TanhOp) { return "tanh"; })
      .Case([](math::ErfOp) { return "erf"; })
      .Case([](math::ErfcOp) { return "erfc"; })
      .Case([](math::ExpM1Op) { return "expm1"; })
      .Case([](math::Log1pOp) { return "log1p"; })
      .Case([](math::CbrtOp) { return "cbrt"; })
      .Case([](math::RsqrtOp) { return "rsqrt"; })
      .Case([](math::AcoshOp) { return "acosh"; })
      .Case([](math::AsinhOp) { return "asinh"; })
      .Case([](math::AtanhOp) { return "atanh"; })
      .Default([](Operation *) { return ""; });
}

namespace {
class KernelConverter {
public:
  explicit KernelConverter(gpu::GPUModuleOp module)
      : module(module), rewriter(module.getContext()) {}

  LogicalResult run() {
    for (auto kernel : llvm::to_vector(module.getOps<gpu::GPUFuncOp>()))
      globalizeWorkgroup(kernel);
    SmallVector<Operation *> calls;
    module.walk([&](Operation *op) {
      if (!getFunction(op).empty())
        calls.push_back(op);
    });
    for (Operation *op : calls)
      if (failed(call(op, getFunction(op))))
        return failure();
    return success();
  }

private:
  /// Workgroup buffers would become arguments whose size the host has to give; as variables of the
  /// module they need nothing from it.
  void globalizeWorkgroup(gpu::GPUFuncOp kernel) {
    for (auto [number, buffer] : llvm::enumerate(kernel.getWorkgroupAttributions())) {
      auto type = cast<MemRefType>(buffer.getType());
      type = MemRefType::get(type.getShape(), type.getElementType(), type.getLayout(),
                             rewriter.getI64IntegerAttr(kWorkgroupSpace));
      auto align = dyn_cast_if_present<IntegerAttr>(
          kernel.getWorkgroupAttributionAttr(number, LLVM::LLVMDialect::getAlignAttrName()));
      std::string name = (kernel.getName() + "_workgroup_" + Twine(number)).str();
      rewriter.setInsertionPoint(kernel);
      auto global = memref::GlobalOp::create(
          rewriter, buffer.getLoc(), name, rewriter.getStringAttr("private"), type,
          /*initial_value=*/rewriter.getUnitAttr(), /*constant=*/false, align);
      rewriter.setInsertionPointToStart(&kernel.getBody().front());
      Value address =
          memref::GetGlobalOp::create(rewriter, buffer.getLoc(), type, global.getSymName());
      rewriter.replaceAllUsesWith(buffer, address);
    }
    unsigned first = kernel.getNumArguments();
    kernel.getBody().front().eraseArguments(first, kernel.getNumWorkgroupAttributions());
    kernel.setWorkgroupAttribAttrsAttr(nullptr);
    kernel->removeAttr("workgroup_attributions");
  }

  LogicalResult call(Operation *op, StringRef function) {
    Type type = op->getResult(0).getType();
    if (!type.isF32())
      return op->emitOpError("expected f32 in a kernel for OpenCL, got ") << type;
    // An Itanium-mangled name, which the back end takes for OpenCL's function.
    std::string name = ("_Z" + Twine(function.size()) + function + "f").str();
    rewriter.setInsertionPointToStart(module.getBody());
    auto callee = module.lookupSymbol<LLVM::LLVMFuncOp>(name);
    if (!callee) {
      auto signature = LLVM::LLVMFunctionType::get(type, {type});
      callee =
          LLVM::LLVMFuncOp::create(rewriter, op->getLoc(), name, signature, LLVM::Linkage::External,
                                   /*dsoLocal=*/false, LLVM::CConv::SPIR_FUNC);
      callee.setNoUnwind(true);
      callee.setWillReturn(true);
    }
    rewriter.setInsertionPoint(op);
    auto made = LLVM::CallOp::create(rewriter, op->getLoc(), callee, op->getOperands());
    made.setCConv(LLVM::CConv::SPIR_FUNC);
    rewriter.replaceOp(op, made.getResults());
    return success();
  }

  gpu::GPUModuleOp module;
  IRRewriter rewriter;
};

struct ConvertKernelsToOpenCl
    : mlir::abn::impl::ConvertKernelsToOpenClBase<ConvertKernelsToOpenCl> {
  void runOnOperation() override {
    if (failed(KernelConverter(getOperation()).run()))
      signalPassFailure();
  }
};
} // namespace
