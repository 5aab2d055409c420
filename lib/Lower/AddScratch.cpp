// abn-add-scratch: buffers for what kernels keep while they run, before the arena is planned.
#include "Gpu/LowerToKernels.h"
#include "abn/AbnDialect.h"
#include "abn/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::abn {
#define GEN_PASS_DEF_ADDSCRATCH
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

/// What decides how an op is lowered, as text.
static std::string getKey(Operation *op) {
  std::string key = op->getName().getStringRef().str();
  llvm::raw_string_ostream stream(key);
  stream << op->getPropertiesAsAttribute();
  if (Attribute tiling = op->getAttr(AbnDialect::kTilingAttr))
    stream << tiling;
  for (Value operand : op->getOperands())
    stream << ' ' << operand.getType();
  return key;
}

/// Lowers a copy of `op` in a module of its own and throws it away.
static int64_t measureScratch(Operation *op, const Chip &chip) {
  Location loc = op->getLoc();
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  OpBuilder b = OpBuilder::atBlockEnd(module->getBody());
  auto kernelModule = gpu::GPUModuleOp::create(b, loc, "kernels");
  auto func = func::FuncOp::create(b, loc, "copy", b.getFunctionType(op->getOperandTypes(), {}));
  b.setInsertionPointToStart(func.addEntryBlock());
  // Slots of an arena, aligned unlike arguments.
  IRMapping slots;
  for (Value operand : op->getOperands()) {
    auto type = cast<MemRefType>(operand.getType());
    Value size = arith::ConstantIndexOp::create(b, loc, 1);
    SmallVector<Value> sizes(type.getNumDynamicDims(), size);
    slots.map(
        operand,
        gpu::AllocOp::create(b, loc, type, Type(), ValueRange(), sizes, ValueRange()).getMemref());
  }
  Operation *copy = b.clone(*op, slots);
  KernelModule kernels(kernelModule);
  return lowerToKernels(b, copy, kernels, chip, CallArguments(*module), /*scratch=*/Value());
}

namespace {
struct AddScratch : abn::impl::AddScratchBase<AddScratch> {
  using AddScratchBase::AddScratchBase;

  void runOnOperation() override {
    const Chip *found = findChipOrError(getOperation(), chip);
    if (!found)
      return signalPassFailure();
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isChannelComputation(op))
        ops.push_back(op);
    });
    llvm::StringMap<int64_t> bytesOf;
    for (Operation *op : ops) {
      if (failed(checkForKernels(op)))
        return signalPassFailure();
      auto [known, isNew] = bytesOf.try_emplace(getKey(op), 0);
      if (isNew)
        known->second = measureScratch(op, *found);
      if (known->second > 0)
        lend(op, known->second);
    }
  }

  static void lend(Operation *op, int64_t bytes) {
    OpBuilder b(op);
    auto type = MemRefType::get({bytes}, b.getI8Type());
    Value buffer = memref::AllocOp::create(b, op->getLoc(), type);
    ScratchOp::create(b, op->getLoc(), buffer);
    b.setInsertionPointAfter(op);
    ScratchOp::create(b, op->getLoc(), buffer);
  }
};
} // namespace
