// convert-dnn-to-calls: the pass. ConvertDnnToCalls{Spatial,Matmul}.cpp say what each op becomes,
// RuntimeCall.cpp emits it.
#include "ConvertDnnToCalls.h"
#include "abn/AbnDialect.h"
#include "abn/Passes.h"
#include "abn/Runtime/Dnn.h"
#include "dnn/DnnDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/Utils/MemRefUtils.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::abn {
#define GEN_PASS_DEF_CONVERTDNNTOCALLS
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

std::optional<int64_t> ElementCodes::get(Type type) const {
  std::optional<std::pair<StringRef, int64_t>> found;
  if (type.isF32())
    found = {"f32", ABN_DNN_F32};
  else if (type.isF16())
    found = {"f16", ABN_DNN_F16};
  else if (type.isBF16())
    found = {"bf16", ABN_DNN_BF16};
  if (!found || !names.contains(found->first))
    return std::nullopt;
  return found->second;
}

std::optional<std::string> mlir::abn::refuseOperands(Operation *op) {
  for (Type type : op->getOperandTypes()) {
    std::string text;
    llvm::raw_string_ostream(text) << type;
    auto memref = dyn_cast<MemRefType>(type);
    if (!memref)
      return "expected memrefs, got " + text;
    if (!memref.hasStaticShape() || memref.getNumElements() == 0)
      return "expected static sizes that are not 0, got " + text;
    if (!memref::isStaticShapeAndContiguousRowMajor(memref))
      return "expected contiguous memrefs in row-major order, got " + text;
  }
  return std::nullopt;
}

namespace {
struct ConvertDnnToCalls : abn::impl::ConvertDnnToCallsBase<ConvertDnnToCalls> {
  using ConvertDnnToCallsBase::ConvertDnnToCallsBase;

  void runOnOperation() override {
    if (failed(readElements()))
      return signalPassFailure();
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<linalg::MatmulOp, linalg::BatchMatmulOp>(op) ||
          isa_and_nonnull<dnn::DnnDialect>(op->getDialect()))
        ops.push_back(op);
    });
    RuntimeCallEmitter emitter(getOperation());
    for (Operation *op : ops)
      if (failed(convert(op, emitter)))
        return signalPassFailure();
  }

private:
  LogicalResult readElements() {
    for (const std::string &name : elementNames) {
      if (name != "f32" && name != "f16" && name != "bf16")
        return emitError(getOperation().getLoc())
               << "expected `elements` from f32, f16 and bf16, got `" << name << "`";
      elements.names.insert(name);
    }
    if (elements.names.empty())
      for (StringRef name : {"f32", "f16", "bf16"})
        elements.names.insert(name);
    return success();
  }

  FailureOr<RuntimeCall> describe(Operation *op, std::string &reason) {
    if (SymbolTable::getNearestSymbolTable(op->getParentOp()) != getOperation().getOperation())
      return refuse(reason,
                    "expected an op of the module itself, got one in a nested symbol table");
    if (std::optional<std::string> why = refuseOperands(op))
      return refuse(reason, *why);
    return isa<linalg::LinalgOp>(op) ? describeMatmulCall(op, elements, reason)
                                     : describeDnnCall(op, elements, reason);
  }

  LogicalResult convert(Operation *op, RuntimeCallEmitter &emitter) {
    std::string reason;
    Value workspace = ScratchOp::take(op);
    FailureOr<RuntimeCall> call = describe(op, reason);
    if (failed(call)) {
      remark::missed(op->getLoc(), remark::RemarkOpts::name("ConvertDnnToCalls").category("abn"))
          << (op->getName().getStringRef() + " left alone: " + reason).str();
      return success();
    }
    call->workspace = workspace;
    OpBuilder b(op);
    if (failed(emitter.emit(b, op->getLoc(), *call)))
      return failure();
    op->erase();
    return success();
  }

  ElementCodes elements;
};
} // namespace
