// Declarations, descriptors, pointers, calls. Functions are llvm.func, as the ones that gpu-to-llvm
// calls: llvm-request-c-wrappers would send a func.func's callers to a wrapper that no library has.
#include "RuntimeCall.h"
#include "abn/Analysis/TrainingStep.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::abn;

static constexpr StringLiteral kDescriptorName = "abn_dnn_descriptor";

RuntimeCallEmitter::RuntimeCallEmitter(ModuleOp module)
    : module(module), symbols(module), position(module.getBody()->begin()) {
  for (auto global : module.getOps<memref::GlobalOp>())
    if (global.getSymName().starts_with(kDescriptorName) && global.getConstant() &&
        global.getInitialValue())
      descriptors.try_emplace(*global.getInitialValue(), global);
}

LLVM::LLVMFuncOp RuntimeCallEmitter::declare(Location loc, StringRef function, size_t numOperands) {
  MLIRContext *context = module.getContext();
  Type pointer = LLVM::LLVMPointerType::get(context);
  // The descriptor, the operands, the workspace, its bytes, the stream.
  SmallVector<Type> parameters(numOperands + 2, pointer);
  parameters.append({IntegerType::get(context, 64), pointer});
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), parameters);
  if (Operation *existing = symbols.lookup(function)) {
    auto declared = dyn_cast<LLVM::LLVMFuncOp>(existing);
    if (declared && declared.getFunctionType() == type)
      return declared;
    InFlightDiagnostic error = existing->emitError()
                               << "expected `" << function
                               << "` to be the runtime's, an llvm.func of type " << type;
    error.attachNote(loc) << "for the call that this op becomes";
    return nullptr;
  }
  OpBuilder b(context);
  auto declared = LLVM::LLVMFuncOp::create(b, module.getLoc(), function, type);
  symbols.insert(declared, position);
  return declared;
}

memref::GlobalOp RuntimeCallEmitter::getDescriptor(Location loc, ArrayRef<int64_t> entries) {
  OpBuilder b(module.getContext());
  auto type = MemRefType::get({static_cast<int64_t>(entries.size())}, b.getI64Type());
  auto value = DenseIntElementsAttr::get(
      RankedTensorType::get(type.getShape(), type.getElementType()), entries);
  memref::GlobalOp &global = descriptors[value];
  if (!global) {
    global =
        memref::GlobalOp::create(b, module.getLoc(), kDescriptorName, b.getStringAttr("private"),
                                 type, value, /*constant=*/true, /*alignment=*/IntegerAttr());
    symbols.insert(global, position);
  }
  return global;
}

/// The address of a contiguous memref's first element.
static Value getPointer(OpBuilder &b, Location loc, Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  auto [strides, offset] = type.getStridesAndOffset();
  Value address = memref::ExtractAlignedPointerAsIndexOp::create(b, loc, memref);
  if (offset != 0) {
    Value elements = ShapedType::isDynamic(offset)
                         ? memref::ExtractStridedMetadataOp::create(b, loc, memref).getOffset()
                         : arith::ConstantIndexOp::create(b, loc, offset).getResult();
    Value width = arith::ConstantIndexOp::create(b, loc, *getElementBytes(type.getElementType()));
    address =
        arith::AddIOp::create(b, loc, address, arith::MulIOp::create(b, loc, elements, width));
  }
  Value bits = arith::IndexCastOp::create(b, loc, b.getI64Type(), address);
  return LLVM::IntToPtrOp::create(b, loc, LLVM::LLVMPointerType::get(b.getContext()), bits);
}

LogicalResult RuntimeCallEmitter::emit(OpBuilder &b, Location loc, const RuntimeCall &call) {
  LLVM::LLVMFuncOp callee = declare(loc, call.function, call.operands.size());
  if (!callee)
    return failure();
  memref::GlobalOp descriptor = getDescriptor(loc, call.descriptor);
  Value null = LLVM::ZeroOp::create(b, loc, LLVM::LLVMPointerType::get(b.getContext()));
  SmallVector<Value> arguments;
  arguments.push_back(getPointer(
      b, loc, memref::GetGlobalOp::create(b, loc, descriptor.getType(), descriptor.getSymName())));
  for (Value operand : call.operands)
    arguments.push_back(operand ? getPointer(b, loc, operand) : null);
  Value workspace = call.workspace ? getPointer(b, loc, call.workspace) : null;
  int64_t bytes = call.workspace ? cast<MemRefType>(call.workspace.getType()).getDimSize(0) : 0;
  Value size = arith::ConstantIntOp::create(b, loc, b.getI64Type(), bytes);
  Value stream = LLVM::ZeroOp::create(b, loc, LLVM::LLVMPointerType::get(b.getContext()));
  arguments.append({workspace, size, stream});
  LLVM::CallOp::create(b, loc, callee, arguments);
  return success();
}
