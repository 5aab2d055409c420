// Which buffer is the arena, and that it is used through slots only; see ArenaUses.h.
#include "ArenaUses.h"
#include "abn/AbnDialect.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::abn;

/// Whether the op hands the arena to one of the versions that `func` chooses between.
static bool isCallOfVersion(Operation *op, func::FuncOp func) {
  auto call = dyn_cast<func::CallOp>(op);
  auto versions = func->getAttrOfType<ArrayAttr>(AbnDialect::kVersionsAttr);
  return call && versions && llvm::is_contained(versions, call.getCalleeAttr());
}

bool mlir::abn::isForVersions(memref::ViewOp view, func::FuncOp func) {
  return !view->use_empty() && llvm::all_of(view->getUsers(), [&](Operation *user) {
    return isCallOfVersion(user, func);
  });
}

/// Whether abn-instrument-arena has added the op: a look at the bytes, or its operand.
static bool isInstrument(Operation *op, func::FuncOp func) {
  if (!func->hasAttr(AbnDialect::kInstrumentedAttr))
    return false;
  if (isa<memref::CastOp>(op))
    return llvm::all_of(op->getUsers(), [&](Operation *user) { return isInstrument(user, func); });
  auto call = dyn_cast<func::CallOp>(op);
  return call && (call.getCallee() == "abn_fill_bytes" || call.getCallee() == "abn_holds_bytes");
}

/// Of `given`, an argument, only the arena and its size are taken.
static LogicalResult checkUses(Value buffer, Value arena, func::FuncOp func) {
  for (Operation *user : buffer.getUsers()) {
    if (isa<memref::DimOp>(user) || user == arena.getDefiningOp() || isCallOfVersion(user, func) ||
        isInstrument(user, func))
      continue;
    auto view = dyn_cast<memref::ViewOp>(user);
    if (!view || buffer != arena)
      return user->emitOpError(
          "expected slots, made by `memref.view`, as the only uses of the arena");
    if (view->getParentOp() != func && !isForVersions(view, func))
      return view.emitOpError("expected slots in the function's block only");
  }
  return success();
}

static FailureOr<Value> findArgument(func::FuncOp func) {
  Value given;
  for (BlockArgument argument : func.getArguments()) {
    if (!func.getArgAttr(argument.getArgNumber(), AbnDialect::kArenaAttr))
      continue;
    if (given)
      return emitError(argument.getLoc()) << "expected one argument with `abn.arena`, got two";
    given = argument;
  }
  return given;
}

FailureOr<Value> mlir::abn::findArena(func::FuncOp func) {
  FailureOr<Value> given = findArgument(func);
  if (failed(given))
    return failure();
  Value arena = *given;
  WalkResult result = func.walk([&](Operation *op) {
    if (op == func || !op->hasAttr(AbnDialect::kArenaAttr))
      return WalkResult::advance();
    auto view = dyn_cast<memref::ViewOp>(op);
    bool isPart = view && view.getSource() == *given && matchPattern(view.getByteShift(), m_Zero());
    if (arena != *given || op->getParentOp() != func ||
        !(*given ? isPart : isa<memref::AllocOp>(op))) {
      op->emitOpError("expected `abn.arena` on one allocation of the function's block, or on one "
                      "view from 0 of the argument that has it");
      return WalkResult::interrupt();
    }
    arena = op->getResult(0);
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  if (!arena)
    return arena;
  auto type = dyn_cast<MemRefType>(arena.getType());
  if (!type || type.getRank() != 1 || !type.getElementType().isInteger(8) ||
      !type.getLayout().isIdentity())
    return emitError(arena.getLoc()) << "expected an arena of bytes, got " << arena.getType();
  // What is made of several blocks is refused as such.
  if (!llvm::hasSingleElement(func.getBody()))
    return arena;
  if (failed(checkUses(*given && *given != arena ? *given : arena, arena, func)) ||
      failed(checkUses(arena, arena, func)))
    return failure();
  return arena;
}
