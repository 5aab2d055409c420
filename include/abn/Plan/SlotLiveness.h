// Which buffers a bufferized step allocates and from which op to which op each is live.
#ifndef ABN_PLAN_SLOTLIVENESS_H
#define ABN_PLAN_SLOTLIVENESS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::abn {

/// A buffer of the step: an allocation, or the part of an arena that a view shows.
struct Slot {
  Operation *definition = nullptr;
  /// Positions of the first and last op in the function's block that use the buffer, through
  /// whatever view; the terminator counts as the last op.
  unsigned lower = 0, upper = 0;
  /// What the last op is: the reason why the buffer is still there.
  Operation *firstUser = nullptr, *lastUser = nullptr;
  /// The first op of the function's block, no view, that gives the buffer another name: a result of
  /// it is this buffer or another one, which only the running step knows. Null if there is none.
  Operation *namer = nullptr;
};

/// The slots of a function of one block, in order of their definition. `isSlot` says which ops
/// define one; buffers that nothing uses are left out. Aliases are found with upstream's
/// BufferViewFlowAnalysis.
SmallVector<Slot> computeSlots(func::FuncOp func, function_ref<bool(Operation *)> isSlot);

/// The arena of a function whose buffers have their places (`abn.arena`): an allocation or view of
/// its block, or an argument; null without.
Value getArena(func::FuncOp func);

/// An offset or size in the arena, made of sizes by addi, muli and maxsi, where each of those sizes
/// is `dynamicSize`.
int64_t evaluateSize(Value size, int64_t dynamicSize);

} // namespace mlir::abn

#endif // ABN_PLAN_SLOTLIVENESS_H
