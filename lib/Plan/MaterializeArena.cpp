// abn-materialize-arena: one buffer in place of all allocations, views of it at the planned
// offsets.
#include "abn/AbnDialect.h"
#include "abn/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/SymbolTable.h"

namespace mlir::abn {
#define GEN_PASS_DEF_MATERIALIZEARENA
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

namespace {
struct MaterializeArena : mlir::abn::impl::MaterializeArenaBase<MaterializeArena> {
  using MaterializeArenaBase::MaterializeArenaBase;

  void runOnOperation() override {
    if (arena != "alloc" && arena != "argument") {
      getOperation().emitError() << "expected `alloc` or `argument` for the option `arena`, got `"
                                 << arena << "`";
      return signalPassFailure();
    }
    for (auto func : llvm::to_vector(getOperation().getOps<func::FuncOp>()))
      if (failed(materialize(func)))
        return signalPassFailure();
  }

  LogicalResult materialize(func::FuncOp func) {
    PackOp pack;
    WalkResult several = func.walk([&](PackOp op) {
      if (pack)
        return WalkResult::interrupt();
      pack = op;
      return WalkResult::advance();
    });
    if (!pack)
      return success();
    if (several.wasInterrupted())
      return pack.emitOpError("expected one `abn.pack` in a function");
    if (!pack.getArenaSize())
      return pack.emitOpError("expected `offsets`; run abn-assign-offsets first");
    OpBuilder b(pack);
    Value buffer = createArena(func, pack, b);
    SmallVector<memref::AllocOp> allocs;
    func.walk([&](memref::AllocOp alloc) {
      if (alloc->hasAttr(AbnDialect::kSlotAttr))
        allocs.push_back(alloc);
    });
    ArrayRef<int64_t> offsets = *pack.getOffsets();
    for (memref::AllocOp alloc : allocs) {
      auto slot = alloc->getAttrOfType<IntegerAttr>(AbnDialect::kSlotAttr);
      if (!slot || slot.getInt() < 0 || slot.getInt() >= static_cast<int64_t>(offsets.size()))
        return alloc.emitOpError("expected a slot of the pack op, got ")
               << alloc->getAttr(AbnDialect::kSlotAttr);
      b.setInsertionPoint(alloc);
      Value offset = arith::ConstantIndexOp::create(b, alloc.getLoc(), offsets[slot.getInt()]);
      auto view = memref::ViewOp::create(b, alloc.getLoc(), alloc.getType(), buffer, offset,
                                         alloc.getDynamicSizes());
      view->setAttr(AbnDialect::kSlotAttr, slot);
      alloc.replaceAllUsesWith(view.getResult());
      alloc.erase();
    }
    recordPlan(func, pack);
    pack.erase();
    return success();
  }

  /// The arena: an allocation, or a new last argument with a function that says its size.
  Value createArena(func::FuncOp func, PackOp pack, OpBuilder &b) {
    auto type = MemRefType::get({static_cast<int64_t>(*pack.getArenaSize())}, b.getI8Type());
    if (arena == "alloc") {
      auto alloc =
          memref::AllocOp::create(b, func.getLoc(), type, b.getI64IntegerAttr(pack.getAlignment()));
      alloc->setAttr(AbnDialect::kArenaAttr, b.getUnitAttr());
      return alloc;
    }
    unsigned index = func.getNumArguments();
    DictionaryAttr attrs =
        b.getDictionaryAttr({b.getNamedAttr(AbnDialect::kArenaAttr, b.getUnitAttr())});
    (void)func.insertArgument(index, type, attrs, func.getLoc());
    OpBuilder outside(func);
    auto query =
        func::FuncOp::create(outside, func.getLoc(), (func.getName() + "_arena_size").str(),
                             b.getFunctionType({}, {b.getIndexType()}));
    outside.setInsertionPointToStart(query.addEntryBlock());
    Value size = arith::ConstantIndexOp::create(outside, func.getLoc(), *pack.getArenaSize());
    func::ReturnOp::create(outside, func.getLoc(), size);
    return func.getArgument(index);
  }

  static void recordPlan(func::FuncOp func, PackOp pack) {
    Builder b(func.getContext());
    SmallVector<NamedAttribute> plan;
    if (auto earlier = func->getAttrOfType<DictionaryAttr>(AbnDialect::kPlanAttr))
      llvm::append_range(plan, earlier);
    auto add = [&](StringRef key, Attribute value) {
      llvm::erase_if(plan, [&](NamedAttribute attr) { return attr.getName() == key; });
      if (value)
        plan.push_back(b.getNamedAttr(key, value));
    };
    add("arena_bytes", pack.getArenaSizeAttr());
    add("lower_bound_bytes", pack->getAttr(AbnDialect::kLowerBoundAttr));
    add("max_live_bytes", pack->getAttr(AbnDialect::kMaxLiveAttr));
    add("canary_bytes", pack->getAttr(AbnDialect::kCanaryAttr));
    func->setAttr(AbnDialect::kPlanAttr, b.getDictionaryAttr(plan));
  }
};
} // namespace
