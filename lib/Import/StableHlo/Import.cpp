// The walk over the module: calls are inlined first, so that a conversion sees its operands'
// origins (a slope that was an argument is a constant, a pool stands beside its gradient); then
// each op, in order, is converted and erased.
#include "../Calls.h"
#include "Names.h"
#include "Registry.h"
#include "Signless.h"
#include "abn/Analysis/MemoryCensus.h"
#include "abn/Import/StableHloOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::abn;
using namespace mlir::abn::hlo;

bool mlir::abn::isStableHloOp(Operation *op) {
  StringRef name = op->getName().getStringRef();
  return name.starts_with("stablehlo.") || name.starts_with("chlo.");
}

bool mlir::abn::isStableHloView(Operation *op) {
  StringRef name = op->getName().getStringRef();
  if (name == "stablehlo.convert" && op->getNumOperands() == 1 && op->getNumResults() == 1)
    return op->getOperand(0).getType() == op->getResult(0).getType();
  return name == "stablehlo.reshape" || name == "stablehlo.transpose" ||
         name == "stablehlo.broadcast_in_dim" || name == "stablehlo.slice" ||
         name == "stablehlo.optimization_barrier";
}

static StringAttr getCallee(Operation *op) {
  if (op->getName().getStringRef() != "stablehlo.composite")
    return getCalleeOfCall(op);
  auto callee = dyn_cast_or_null<FlatSymbolRefAttr>(getAttribute(op, "decomposition"));
  return callee ? callee.getAttr() : StringAttr();
}

//===----------------------------------------------------------------------===//
// One op
//===----------------------------------------------------------------------===//

static LogicalResult checkType(HloOp &op, Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || tensor.getEncoding())
    return op.error() << "expected ranked tensors without an encoding, got " << type;
  if (!tensor.hasStaticShape())
    return op.error() << "expected static shapes, got " << type;
  if (llvm::is_contained(tensor.getShape(), 0))
    return op.error() << "expected no sizes of 0, got " << type;
  Type element = tensor.getElementType();
  auto integer = dyn_cast<IntegerType>(element);
  bool known = element.isF16() || element.isBF16() || element.isF32() || element.isF64() ||
               (integer && llvm::is_contained({1, 8, 16, 32, 64}, integer.getWidth()));
  if (!known)
    return op.error() << "expected elements of f16, bf16, f32, f64 or integers of 1, 8, 16, 32 or "
                         "64 bits, got "
                      << type;
  return success();
}

static LogicalResult convertOp(Operation *op, FunctionState &state) {
  StringRef name = op->getName().getStringRef();
  HloOp bound(op, state);
  if (const ConvertFn *refuse = lookupRefused(name))
    return (*refuse)(bound);
  const ConvertFn *convert = Registry::get().lookup(name);
  if (!convert)
    return op->emitError() << "unknown op `" << name << "`: docs/Importing.md lists the known ones";
  for (TypeRange types : {TypeRange(op->getOperandTypes()), TypeRange(op->getResultTypes())})
    for (Type type : types)
      if (failed(checkType(bound, type)))
        return failure();
  if (failed((*convert)(bound)))
    return failure();
  for (auto [result, value] : llvm::zip_equal(op->getResults(), bound.getReplacements()))
    result.replaceAllUsesWith(value);
  op->erase();
  return success();
}

//===----------------------------------------------------------------------===//
// One function
//===----------------------------------------------------------------------===//

/// One arith.constant per value and block, in front: JAX writes one per use, and CSE cannot merge
/// those of a dialect that it does not know.
static void uniqueConstants(func::FuncOp function) {
  for (Block &block : function.getBody()) {
    llvm::DenseMap<Attribute, Operation *> first;
    Operation *last = nullptr;
    for (Operation &op : llvm::make_early_inc_range(block)) {
      auto constant = dyn_cast<arith::ConstantOp>(op);
      if (!constant)
        continue;
      auto [entry, inserted] = first.try_emplace(constant.getValue(), constant);
      if (inserted) {
        if (last)
          constant->moveAfter(last);
        else
          constant->moveBefore(&block, block.begin());
        last = constant;
        continue;
      }
      constant.replaceAllUsesWith(entry->second->getResult(0));
      constant.erase();
    }
  }
}

/// The ops of the function's blocks; those in regions belong to them.
static SmallVector<Operation *> collectOps(func::FuncOp function) {
  SmallVector<Operation *> ops;
  for (Block &block : function.getBody())
    for (Operation &op : block)
      if (isStableHloOp(&op))
        ops.push_back(&op);
  return ops;
}

static LogicalResult convertOps(ArrayRef<Operation *> ops, FunctionState &state) {
  for (Operation *op : ops)
    if (failed(convertOp(op, state)))
      return failure();
  return success();
}

static LogicalResult importFunction(func::FuncOp function) {
  SmallVector<Operation *> ops = collectOps(function), constants;
  if (ops.empty())
    return success();
  FunctionState state;
  makeSignless(function, state);
  nameArgumentsAndResults(function);
  for (Operation *op : ops)
    if (op->getName().getStringRef().ends_with("lo.constant"))
      constants.push_back(op);
  if (failed(convertOps(constants, state)))
    return failure();
  llvm::erase_if(ops, [&](Operation *op) { return llvm::is_contained(constants, op); });
  // The graph as it came is what reports compare with; its constants have to be known as such.
  recordMemoryBefore(function, {}, [](Operation *op) { return isStableHloView(op); });
  if (failed(convertOps(ops, state)))
    return failure();
  eraseUnused(function);
  uniqueConstants(function);
  return success();
}

//===----------------------------------------------------------------------===//
// The module
//===----------------------------------------------------------------------===//

/// What the front end left on the module and the functions.
static void eraseFrontEndAttributes(ModuleOp module) {
  module->walk([](Operation *op) {
    if (!isa<ModuleOp, func::FuncOp>(op))
      return;
    for (NamedAttribute attr : llvm::to_vector(op->getDiscardableAttrs()))
      if (isFrontEndAttribute(attr.getName()))
        op->removeDiscardableAttr(attr.getName());
  });
}

LogicalResult mlir::abn::importStableHlo(ModuleOp module) {
  bool any = false;
  module.walk([&](Operation *op) { any |= isStableHloOp(op); });
  if (!any)
    return success();
  if (failed(rejectRecursion(module, getCallee)) || failed(inlineCalls(module, getCallee)))
    return failure();
  SmallVector<func::FuncOp> functions(module.getOps<func::FuncOp>());
  for (func::FuncOp function : functions)
    if (!function.isExternal() && failed(importFunction(function)))
      return failure();
  eraseFrontEndAttributes(module);
  WalkResult left = module.walk([](Operation *op) -> WalkResult {
    if (!isStableHloOp(op))
      return WalkResult::advance();
    return op->emitError() << "`" << op->getName().getStringRef()
                           << "` stands outside of a function's block";
  });
  return failure(left.wasInterrupted());
}

void mlir::abn::printKnownStableHloOps(raw_ostream &os) {
  for (StringRef name : Registry::get().getNames())
    os << name << "\n";
}
