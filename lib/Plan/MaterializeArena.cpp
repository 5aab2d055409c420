// abn-materialize-arena: one buffer in place of all allocations, views of it at the planned
// offsets.
#include "abn/AbnDialect.h"
#include "abn/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringMap.h"

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
    SmallVector<func::FuncOp> functions(getOperation().getOps<func::FuncOp>());
    for (func::FuncOp func : functions)
      if (failed(materialize(func)))
        return signalPassFailure();
    for (func::FuncOp func : functions)
      if (auto versions = func->getAttrOfType<ArrayAttr>(AbnDialect::kVersionsAttr))
        if (failed(shareArena(func, versions)))
          return signalPassFailure();
  }

  /// Whether another function chooses between this one and another at run time, and owns the arena.
  static bool isVersion(func::FuncOp func) {
    return func->hasAttr(AbnDialect::kFallbackAttr) || func->hasAttr(AbnDialect::kFallbackOfAttr);
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
    Value buffer =
        createArena(func, *pack.getArenaSize(), pack.getAlignment(), b,
                    /*asArgument=*/arena == "argument" || isVersion(func));
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

  /// The arena: an allocation, or a new last argument.
  static Value createArena(func::FuncOp func, int64_t bytes, int64_t alignment, OpBuilder &b,
                           bool asArgument) {
    auto type = MemRefType::get({bytes}, b.getI8Type());
    if (!asArgument) {
      auto alloc =
          memref::AllocOp::create(b, func.getLoc(), type, b.getI64IntegerAttr(alignment));
      alloc->setAttr(AbnDialect::kArenaAttr, b.getUnitAttr());
      return alloc;
    }
    unsigned index = func.getNumArguments();
    DictionaryAttr attrs =
        b.getDictionaryAttr({b.getNamedAttr(AbnDialect::kArenaAttr, b.getUnitAttr())});
    (void)func.insertArgument(index, type, attrs, func.getLoc());
    if (!isVersion(func))
      createSizeQuery(func, bytes);
    return func.getArgument(index);
  }

  /// A function that says how many bytes the caller's arena must have.
  static void createSizeQuery(func::FuncOp func, int64_t bytes) {
    OpBuilder b(func);
    auto query = func::FuncOp::create(b, func.getLoc(), (func.getName() + "_arena_size").str(),
                                      b.getFunctionType({}, {b.getIndexType()}));
    b.setInsertionPointToStart(query.addEntryBlock());
    Value size = arith::ConstantIndexOp::create(b, func.getLoc(), bytes);
    func::ReturnOp::create(b, func.getLoc(), size);
  }

  /// One arena for all versions of a step: the largest.
  LogicalResult shareArena(func::FuncOp func, ArrayAttr versions) {
    int64_t bytes = 0, alignment = 1;
    llvm::StringMap<MemRefType> arenaOf;
    SmallVector<DictionaryAttr> plans;
    for (auto name : versions.getAsRange<FlatSymbolRefAttr>()) {
      auto version = getOperation().lookupSymbol<func::FuncOp>(name.getValue());
      auto plan = version ? version->getAttrOfType<DictionaryAttr>(AbnDialect::kPlanAttr)
                          : DictionaryAttr();
      if (!plan || !plan.getAs<IntegerAttr>("arena_bytes"))
        continue; // Nothing to place in it.
      auto type = cast<MemRefType>(version.getArgumentTypes().back());
      arenaOf[name.getValue()] = type;
      bytes = std::max(bytes, type.getDimSize(0));
      alignment = std::max(alignment, plan.getAs<IntegerAttr>("alignment").getInt());
      plans.push_back(plan);
    }
    if (plans.empty())
      return success();
    OpBuilder b = OpBuilder::atBlockBegin(&func.getBody().front());
    Value buffer = createArena(func, bytes, alignment, b, arena == "argument");
    Value zero = arith::ConstantIndexOp::create(b, func.getLoc(), 0);
    func.walk([&](func::CallOp call) {
      auto type = arenaOf.find(call.getCallee());
      if (type == arenaOf.end())
        return;
      b.setInsertionPoint(call);
      Value part = memref::ViewOp::create(b, call.getLoc(), type->second, buffer, zero, ValueRange());
      call.getOperandsMutable().append(part);
    });
    func->setAttr(AbnDialect::kPlanAttr, combinePlans(plans, b));
    return success();
  }

  /// What the report says of a step in several versions: the first one's costs, the largest sizes.
  static DictionaryAttr combinePlans(ArrayRef<DictionaryAttr> plans, Builder &b) {
    SmallVector<NamedAttribute> combined;
    for (NamedAttribute entry : plans.front()) {
      Attribute value = entry.getValue();
      if (entry.getName().strref().ends_with("_bytes") && entry.getName() != "recompute_bytes") {
        int64_t largest = 0;
        for (DictionaryAttr plan : plans)
          if (auto bytes = plan.getAs<IntegerAttr>(entry.getName()))
            largest = std::max(largest, bytes.getInt());
        value = b.getI64IntegerAttr(largest);
      }
      combined.push_back(b.getNamedAttr(entry.getName(), value));
    }
    return b.getDictionaryAttr(combined);
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
    add("alignment", pack.getAlignmentAttr());
    add("lower_bound_bytes", pack->getAttr(AbnDialect::kLowerBoundAttr));
    add("max_live_bytes", pack->getAttr(AbnDialect::kMaxLiveAttr));
    add("canary_bytes", pack->getAttr(AbnDialect::kCanaryAttr));
    func->setAttr(AbnDialect::kPlanAttr, b.getDictionaryAttr(plan));
  }
};
} // namespace
