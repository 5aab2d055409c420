// Lifetimes of buffers over the function's block, through all aliases.
#include "abn/Plan/SlotLiveness.h"
#include "abn/AbnDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/DenseMap.h"

using namespace mlir;
using namespace mlir::abn;

/// The op of the block that gives a buffer the name `alias`, unless a view does.
static Operation *findNamer(Value alias, Block &block) {
  Operation *namer = alias.getDefiningOp();
  if (isa_and_nonnull<ViewLikeOpInterface>(namer))
    return nullptr;
  if (!namer)
    namer = alias.getParentBlock()->getParentOp();
  return block.findAncestorOpInBlock(*namer);
}

SmallVector<Slot> mlir::abn::computeSlots(func::FuncOp func,
                                          function_ref<bool(Operation *)> isSlot) {
  Block &block = func.getBody().front();
  // Upstream's analysis takes every result of a call for an alias of all its operands.
  if (llvm::none_of(block, [&](Operation &op) { return isSlot(&op); }))
    return {};
  llvm::DenseMap<Operation *, unsigned> position;
  unsigned next = 0;
  for (Operation &op : block)
    position[&op] = next++;
  BufferViewFlowAnalysis aliases(func);
  SmallVector<Slot> slots;
  for (Operation &op : block) {
    if (!isSlot(&op))
      continue;
    Slot slot;
    slot.definition = &op;
    for (Value alias : aliases.resolve(op.getResult(0))) {
      Operation *namer = findNamer(alias, block);
      if (namer != &op && namer &&
          (!slot.namer || position.lookup(namer) < position.lookup(slot.namer)))
        slot.namer = namer;
      for (Operation *user : alias.getUsers()) {
        // A view uses no byte, its own readers do; nor does who asks for the size.
        Operation *top = block.findAncestorOpInBlock(*user);
        if (!top || isa<ViewLikeOpInterface, memref::DimOp>(user))
          continue;
        unsigned at = position.lookup(top);
        if (!slot.firstUser || at < slot.lower)
          slot.firstUser = top, slot.lower = at;
        if (!slot.lastUser || at > slot.upper)
          slot.lastUser = top, slot.upper = at;
      }
    }
    if (slot.firstUser)
      slots.push_back(slot);
  }
  return slots;
}

Value mlir::abn::getArena(func::FuncOp func) {
  if (func.isExternal())
    return Value();
  for (Operation &op : func.getBody().front())
    if (isa<memref::AllocOp, memref::ViewOp>(op) && op.hasAttr(AbnDialect::kArenaAttr))
      return op.getResult(0);
  for (BlockArgument argument : func.getArguments())
    if (func.getArgAttr(argument.getArgNumber(), AbnDialect::kArenaAttr))
      return argument;
  return Value();
}

int64_t mlir::abn::evaluateSize(Value size, int64_t dynamicSize) {
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return *constant;
  Operation *op = size.getDefiningOp();
  if (!isa_and_nonnull<arith::AddIOp, arith::MulIOp, arith::MaxSIOp>(op))
    return dynamicSize;
  int64_t left = evaluateSize(op->getOperand(0), dynamicSize);
  int64_t right = evaluateSize(op->getOperand(1), dynamicSize);
  if (isa<arith::AddIOp>(op))
    return left + right;
  return isa<arith::MulIOp>(op) ? left * right : std::max(left, right);
}
