// abn-materialize-arena: one buffer in place of all allocations, views of it at the planned
// offsets.
#include "ArenaSize.h"
#include "abn/AbnDialect.h"
#include "abn/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
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
      emitError(getOperation().getLoc())
          << "expected `alloc` or `argument` for the option `arena`, got `" << arena << "`";
      return signalPassFailure();
    }
    SmallVector<func::FuncOp> functions(getOperation().getOps<func::FuncOp>());
    for (func::FuncOp func : functions)
      if (takesArena(func) && (failed(checkUses(func)) || failed(checkSizeQuery(func))))
        return signalPassFailure();
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

  /// Whether the function is about to get the arena as an argument.
  bool takesArena(func::FuncOp func) {
    auto hasPack = [](func::FuncOp func) {
      return func && func.walk([](PackOp) { return WalkResult::interrupt(); }).wasInterrupted();
    };
    if (isVersion(func))
      return hasPack(func);
    if (arena != "argument")
      return false;
    auto versions = func->getAttrOfType<ArrayAttr>(AbnDialect::kVersionsAttr);
    return hasPack(func) ||
           (versions && llvm::any_of(versions.getAsRange<FlatSymbolRefAttr>(), [&](auto name) {
              return hasPack(getOperation().lookupSymbol<func::FuncOp>(name.getValue()));
            }));
  }

  /// Nobody but the function that chooses between versions knows of the argument. An arena of the
  /// caller's would not do: the results of one call are in the way of the next.
  LogicalResult checkUses(func::FuncOp func) {
    std::optional<SymbolTable::UseRange> uses = SymbolTable::getSymbolUses(func, getOperation());
    if (!uses)
      return success();
    for (SymbolTable::SymbolUse use : *uses) {
      Operation *user = use.getUser();
      auto caller = user->getParentOfType<func::FuncOp>();
      auto versions =
          caller ? caller->getAttrOfType<ArrayAttr>(AbnDialect::kVersionsAttr) : ArrayAttr();
      bool isChoice =
          isVersion(func) && versions && llvm::is_contained(versions, use.getSymbolRef());
      if (isa<func::FuncOp>(user) || isChoice)
        continue;
      // Not of the function: that would print all of it.
      InFlightDiagnostic error = emitError(func.getLoc())
                                 << "expected no call of `" << func.getName()
                                 << "`, which gets its arena as an argument";
      error.attachNote(user->getLoc()) << "called here";
      return error;
    }
    return success();
  }

  /// The name under which the caller asks how large the arena must be is given.
  LogicalResult checkSizeQuery(func::FuncOp func) {
    std::string name = getSizeQueryName(func);
    Operation *other = isVersion(func) ? nullptr : getOperation().lookupSymbol(name);
    if (!other)
      return success();
    InFlightDiagnostic error = emitError(func.getLoc())
                               << "expected no symbol `" << name
                               << "`: it is to say how large the arena of `" << func.getName()
                               << "` is";
    error.attachNote(other->getLoc()) << "the symbol";
    return error;
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
    if (!pack.getArenaSize() && !pack.getArenaMap())
      return pack.emitOpError("expected `offsets`; run abn-assign-offsets first");
    OpBuilder b(pack);
    MapEmitter emitter(b, pack.getLoc(), pack.getSymbols());
    bool isArgument = arena == "argument" || isVersion(func);
    Value buffer = pack.getArenaSize()
                       ? createArena(func, *pack.getArenaSize(), pack.getAlignment(), b, isArgument)
                       : createArena(func, emitter.emit(*pack.getArenaMap()), pack.getAlignment(),
                                     b, isArgument);
    SmallVector<memref::AllocOp> allocs;
    func.walk([&](memref::AllocOp alloc) {
      if (alloc->hasAttr(AbnDialect::kSlotAttr))
        allocs.push_back(alloc);
    });
    int64_t count = pack.getSizes().size();
    for (memref::AllocOp alloc : allocs) {
      auto slot = alloc->getAttrOfType<IntegerAttr>(AbnDialect::kSlotAttr);
      if (!slot || slot.getInt() < 0 || slot.getInt() >= count)
        return alloc.emitOpError("expected a slot of the pack op, got ")
               << alloc->getAttr(AbnDialect::kSlotAttr);
      b.setInsertionPoint(pack);
      Value offset;
      if (pack.getOffsetMaps())
        offset =
            emitter.emit(cast<AffineMapAttr>((*pack.getOffsetMaps())[slot.getInt()]).getValue());
      b.setInsertionPoint(alloc);
      if (pack.getOffsets())
        offset =
            arith::ConstantIndexOp::create(b, alloc.getLoc(), (*pack.getOffsets())[slot.getInt()]);
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
      auto alloc = memref::AllocOp::create(b, func.getLoc(), type, b.getI64IntegerAttr(alignment));
      alloc->setAttr(AbnDialect::kArenaAttr, b.getUnitAttr());
      return alloc;
    }
    unsigned index = func.getNumArguments();
    DictionaryAttr attrs =
        b.getDictionaryAttr({b.getNamedAttr(AbnDialect::kArenaAttr, b.getUnitAttr())});
    (void)func.insertArgument(index, type, attrs, func.getLoc());
    if (!isVersion(func))
      createSizeQuery(func, bytes, Value());
    return func.getArgument(index);
  }

  /// The same with a size that is computed. Of the caller's the step takes as much as it needs, so
  /// that the IR says how large the arena is.
  static Value createArena(func::FuncOp func, Value bytes, int64_t alignment, OpBuilder &b,
                           bool asArgument) {
    Location loc = func.getLoc();
    auto type = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
    if (!asArgument) {
      auto alloc = memref::AllocOp::create(b, loc, type, bytes, b.getI64IntegerAttr(alignment));
      alloc->setAttr(AbnDialect::kArenaAttr, b.getUnitAttr());
      return alloc;
    }
    unsigned index = func.getNumArguments();
    DictionaryAttr attrs =
        b.getDictionaryAttr({b.getNamedAttr(AbnDialect::kArenaAttr, b.getUnitAttr())});
    (void)func.insertArgument(index, type, attrs, loc);
    Value given = func.getArgument(index);
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    if (!isVersion(func)) {
      createSizeQuery(func, 0, bytes);
      Value size = memref::DimOp::create(b, loc, given, zero);
      Value isEnough = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, size, bytes);
      cf::AssertOp::create(b, loc, isEnough, "abn: the arena is smaller than the step needs");
    }
    auto part = memref::ViewOp::create(b, loc, type, given, zero, bytes);
    part->setAttr(AbnDialect::kArenaAttr, b.getUnitAttr());
    return part;
  }

  /// The size of a version's arena at the beginning of the function that calls it, with the same
  /// arguments.
  static Value computeSize(func::FuncOp version, func::FuncOp caller, OpBuilder &b) {
    Value arena = version.getArguments().back();
    for (Operation *user : arena.getUsers())
      if (auto view = dyn_cast<memref::ViewOp>(user); view && view->hasAttr(AbnDialect::kArenaAttr))
        return cloneSize(b, view.getSizes().front(), [&](const SizeSource &source) -> Value {
          Value argument = caller.getArgument(source.argument.getArgNumber());
          if (!source.dim)
            return argument;
          return memref::DimOp::create(b, caller.getLoc(), argument, *source.dim);
        });
    return arith::ConstantIndexOp::create(b, caller.getLoc(),
                                          cast<MemRefType>(arena.getType()).getDimSize(0));
  }

  static bool hasArena(func::FuncOp func) {
    for (unsigned i = 0, e = func.getNumArguments(); i < e; ++i)
      if (func.getArgAttr(i, AbnDialect::kArenaAttr))
        return true;
    return llvm::any_of(func.getBody().front(),
                        [](Operation &op) { return op.hasAttr(AbnDialect::kArenaAttr); });
  }

  /// One arena for all versions of a step: the largest.
  LogicalResult shareArena(func::FuncOp func, ArrayAttr versions) {
    if (hasArena(func))
      return success();
    int64_t bytes = 0, alignment = 1;
    llvm::StringMap<MemRefType> arenaOf;
    SmallVector<func::FuncOp> placed;
    SmallVector<DictionaryAttr> plans;
    for (auto name : versions.getAsRange<FlatSymbolRefAttr>()) {
      auto version = getOperation().lookupSymbol<func::FuncOp>(name.getValue());
      auto plan = version ? version->getAttrOfType<DictionaryAttr>(AbnDialect::kPlanAttr)
                          : DictionaryAttr();
      if (plan)
        plans.push_back(plan);
      if (!plan || !hasArena(version))
        continue; // Nothing to place in it.
      auto type = cast<MemRefType>(version.getArgumentTypes().back());
      arenaOf[name.getValue()] = type;
      bytes = std::max(bytes, type.getDimSize(0));
      alignment = std::max(alignment, plan.getAs<IntegerAttr>("alignment").getInt());
      placed.push_back(version);
    }
    if (!plans.empty())
      func->setAttr(AbnDialect::kPlanAttr, combinePlans(plans));
    if (placed.empty())
      return success();
    OpBuilder b = OpBuilder::atBlockBegin(&func.getBody().front());
    bool isDynamic = llvm::any_of(placed, [](func::FuncOp version) {
      return !cast<MemRefType>(version.getArgumentTypes().back()).hasStaticShape();
    });
    Value largest;
    for (func::FuncOp version : isDynamic ? placed : SmallVector<func::FuncOp>()) {
      Value size = computeSize(version, func, b);
      largest =
          largest ? arith::MaxSIOp::create(b, func.getLoc(), largest, size).getResult() : size;
    }
    Value buffer = isDynamic ? createArena(func, largest, alignment, b, arena == "argument")
                             : createArena(func, bytes, alignment, b, arena == "argument");
    Value zero = arith::ConstantIndexOp::create(b, func.getLoc(), 0);
    func.walk([&](func::CallOp call) {
      auto type = arenaOf.find(call.getCallee());
      if (type == arenaOf.end())
        return;
      b.setInsertionPoint(call);
      Value part = buffer;
      if (type->second.hasStaticShape())
        part = memref::ViewOp::create(b, call.getLoc(), type->second, buffer, zero, ValueRange());
      call.getOperandsMutable().append(part);
    });
    return success();
  }

  /// What the report says of a step in several versions: the first one's costs, the largest sizes.
  static DictionaryAttr combinePlans(ArrayRef<DictionaryAttr> plans) {
    Builder b(plans.front().getContext());
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
      if (entry.getName() == "arena_formula" || entry.getName() == "arena_symbols") {
        if (!haveSameSymbols(plans))
          continue;
        value = entry.getName() == "arena_symbols" ? value : combineFormulas(plans, b);
      }
      combined.push_back(b.getNamedAttr(entry.getName(), value));
    }
    return b.getDictionaryAttr(combined);
  }

  /// Whether s0 means the same in all formulas.
  static bool haveSameSymbols(ArrayRef<DictionaryAttr> plans) {
    Attribute symbols;
    for (DictionaryAttr plan : plans) {
      Attribute own = plan.get("arena_symbols");
      if (own && symbols && own != symbols)
        return false;
      symbols = symbols ? symbols : own;
    }
    return true;
  }

  /// The largest of the formulas. What a version without computed sizes needs is one too.
  static Attribute combineFormulas(ArrayRef<DictionaryAttr> plans, Builder &b) {
    std::string text = "max(";
    for (auto [index, plan] : llvm::enumerate(plans)) {
      auto formula = plan.getAs<StringAttr>("arena_formula");
      text += index ? ", " : "";
      text +=
          formula ? formula.str() : std::to_string(plan.getAs<IntegerAttr>("arena_bytes").getInt());
    }
    return b.getStringAttr(text + ")");
  }

  static void recordPlan(func::FuncOp func, PackOp pack) {
    Builder b(func.getContext());
    SmallVector<NamedAttribute> plan;
    auto earlier = func->getAttrOfType<DictionaryAttr>(AbnDialect::kPlanAttr);
    if (earlier)
      llvm::append_range(plan, earlier);
    auto add = [&](StringRef key, Attribute value) {
      llvm::erase_if(plan, [&](NamedAttribute attr) { return attr.getName() == key; });
      if (value)
        plan.push_back(b.getNamedAttr(key, value));
    };
    Attribute planned = earlier ? earlier.get(AbnDialect::kDynamicSizeKey) : Attribute();
    if (std::optional<AffineMap> map = pack.getArenaMap()) {
      SmallVector<std::string> names;
      for (Value symbol : pack.getSymbols())
        names.push_back(describeSize(symbol));
      SmallVector<StringRef> symbols(names.begin(), names.end());
      add("arena_bytes", pack->getAttr(AbnDialect::kArenaBytesAttr));
      // The planner's bound is one for its own size.
      Attribute size = pack->getAttr(AbnDialect::kDynamicSizeAttr);
      if (planned && planned != size)
        add("plan_lower_bound_bytes", Attribute());
      add(AbnDialect::kDynamicSizeKey, size);
      add("arena_formula", b.getStringAttr(describeMap(*map)));
      add("arena_symbols", b.getStrArrayAttr(symbols));
    } else {
      add("arena_bytes", pack.getArenaSizeAttr());
    }
    add("alignment", pack.getAlignmentAttr());
    add("lower_bound_bytes", pack->getAttr(AbnDialect::kLowerBoundAttr));
    add("max_live_bytes", pack->getAttr(AbnDialect::kMaxLiveAttr));
    add("canary_bytes", pack->getAttr(AbnDialect::kCanaryAttr));
    func->setAttr(AbnDialect::kPlanAttr, b.getDictionaryAttr(plan));
  }
};
} // namespace
