// abn-lend-workspaces: what is free of the arena while a library's primitive runs is its workspace.
#include "abn/AbnDialect.h"
#include "abn/Analysis/TrainingStep.h"
#include "abn/Passes.h"
#include "abn/Plan/SlotLiveness.h"
#include "dnn/DnnDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

namespace mlir::abn {
#define GEN_PASS_DEF_LENDWORKSPACES
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

namespace {
/// Bytes [begin, end) of the arena.
struct Range {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
};

struct LendWorkspaces : mlir::abn::impl::LendWorkspacesBase<LendWorkspaces> {
  void runOnOperation() override {
    func::FuncOp func = getOperation();
    auto plan = func.isExternal() ? DictionaryAttr()
                                  : func->getAttrOfType<DictionaryAttr>(AbnDialect::kPlanAttr);
    // Between canaries nothing is free.
    if (!plan || plan.contains("canary_bytes") || !llvm::hasSingleElement(func.getBody()))
      return;
    Value arena = getArena(func);
    if (!arena || !cast<MemRefType>(arena.getType()).hasStaticShape())
      return;
    auto recorded = plan.getAs<IntegerAttr>("alignment");
    alignment = recorded ? recorded.getInt() : 1;
    if (!readSlots(func, arena))
      return;
    unsigned position = 0;
    SmallVector<std::pair<Operation *, Range>> lent;
    for (Operation &op : func.getBody().front()) {
      if (isPrimitive(&op) && !isa_and_nonnull<ScratchOp>(op.getPrevNode()))
        if (Range free = findFree(position, cast<MemRefType>(arena.getType()).getDimSize(0));
            free.size() > 0)
          lent.push_back({&op, free});
      ++position;
    }
    for (auto &[op, range] : lent)
      lend(op, arena, range);
  }

private:
  static bool isPrimitive(Operation *op) {
    return isa<linalg::MatmulOp, linalg::BatchMatmulOp>(op) ||
           isa_and_nonnull<dnn::DnnDialect>(op->getDialect());
  }

  /// Where each slot is, and when. False if the arena has a view that is none.
  bool readSlots(func::FuncOp func, Value arena) {
    for (Operation *user : arena.getUsers())
      if (auto view = dyn_cast<memref::ViewOp>(user);
          !view || !view->hasAttr(AbnDialect::kSlotAttr) ||
          !getConstantIntValue(view.getByteShift()) || !view.getType().hasStaticShape())
        return false;
    slots.clear();
    for (const Slot &slot : computeSlots(func, [](Operation *op) {
           return isa<memref::ViewOp>(op) && op->hasAttr(AbnDialect::kSlotAttr);
         }))
      slots.push_back(slot);
    ranges.clear();
    for (const Slot &slot : slots) {
      auto view = cast<memref::ViewOp>(slot.definition);
      int64_t begin = *getConstantIntValue(view.getByteShift());
      ranges.push_back({begin, begin + getByteSize(view.getType())});
      nextSlot =
          std::max(nextSlot, view->getAttrOfType<IntegerAttr>(AbnDialect::kSlotAttr).getInt() + 1);
    }
    return true;
  }

  /// The largest range that no slot which is live at `position` has, the first of several; aligned
  /// as slots are.
  Range findFree(unsigned position, int64_t arenaBytes) const {
    SmallVector<Range> taken;
    for (auto [slot, range] : llvm::zip(slots, ranges))
      if (slot.lower <= position && position <= slot.upper)
        taken.push_back(range);
    llvm::sort(taken, [](const Range &a, const Range &b) { return a.begin < b.begin; });
    taken.push_back({arenaBytes, arenaBytes});
    Range largest{0, 0};
    int64_t begin = 0;
    for (const Range &range : taken) {
      Range gap{static_cast<int64_t>(llvm::alignTo(begin, alignment)), range.begin};
      if (gap.size() > largest.size())
        largest = gap;
      begin = std::max(begin, range.end);
    }
    return largest;
  }

  void lend(Operation *op, Value arena, const Range &range) {
    OpBuilder b(op);
    Location loc = op->getLoc();
    Value shift = arith::ConstantIndexOp::create(b, loc, range.begin);
    auto type = MemRefType::get({range.size()}, b.getI8Type());
    auto view = memref::ViewOp::create(b, loc, type, arena, shift, ValueRange());
    view->setAttr(AbnDialect::kSlotAttr, b.getI64IntegerAttr(nextSlot++));
    ScratchOp::create(b, loc, view);
    b.setInsertionPointAfter(op);
    ScratchOp::create(b, loc, view);
  }

  SmallVector<Slot> slots;
  SmallVector<Range> ranges;
  int64_t alignment = 1, nextSlot = 0;
};
} // namespace
