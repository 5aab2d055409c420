// abn-instrument-arena: makes a step show at run time that its plan is right. Bytes that belong to
// no live slot hold 0xFF, NaN in every float type, so that a read of them shows in the results; a
// slot whose bytes are not dead at its first use, and a write past a slot's end or where no slot is
// live, stops the program.
#include "abn/AbnDialect.h"
#include "abn/Analysis/TrainingStep.h"
#include "abn/Passes.h"
#include "abn/Plan/SlotLiveness.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"

namespace mlir::abn {
#define GEN_PASS_DEF_INSTRUMENTARENA
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

/// What dead bytes hold.
static constexpr int64_t kDead = 0xFF;

namespace {
/// A slot with its bytes [begin, end) of the arena.
struct PlacedSlot {
  Slot slot;
  int64_t number, begin, end;

  bool isReturned() const { return slot.lastUser->hasTrait<OpTrait::IsTerminator>(); }
  /// Distinct from its neighbours' and from dead bytes.
  int64_t getCanary() const { return (0x5A + 31 * number) % kDead; }
};

/// The two functions that instrumented code calls: loops in place would multiply the step's size.
class ByteFunctions {
public:
  explicit ByteFunctions(ModuleOp module) : symbols(module) {}

  /// (arena, begin, end, value): all of [begin, end) become `value`.
  func::FuncOp getFill() {
    if (fill)
      return fill;
    ImplicitLocOpBuilder b = create(fill, "abn_fill_bytes", {});
    Value arena = fill.getArgument(0), value = fill.getArgument(3);
    scf::ForOp::create(b, fill.getArgument(1), fill.getArgument(2),
                       arith::ConstantIndexOp::create(b, 1), ValueRange(),
                       [&](OpBuilder &nested, Location loc, Value at, ValueRange) {
                         memref::StoreOp::create(nested, loc, value, arena, at);
                         scf::YieldOp::create(nested, loc);
                       });
    func::ReturnOp::create(b);
    return fill;
  }

  /// (arena, begin, end, value): whether all of [begin, end) are `value`.
  func::FuncOp getCheck() {
    if (check)
      return check;
    ImplicitLocOpBuilder b = create(check, "abn_holds_bytes", {IntegerType::get(context(), 1)});
    Value arena = check.getArgument(0), value = check.getArgument(3);
    Value yes = arith::ConstantOp::create(b, b.getBoolAttr(true));
    auto loop = scf::ForOp::create(
        b, check.getArgument(1), check.getArgument(2), arith::ConstantIndexOp::create(b, 1), yes,
        [&](OpBuilder &nested, Location loc, Value at, ValueRange all) {
          Value found = memref::LoadOp::create(nested, loc, arena, at);
          Value holds = arith::CmpIOp::create(nested, loc, arith::CmpIPredicate::eq, found, value);
          Value next = arith::AndIOp::create(nested, loc, all[0], holds);
          scf::YieldOp::create(nested, loc, next);
        });
    func::ReturnOp::create(b, loop.getResults());
    return check;
  }

private:
  MLIRContext *context() { return symbols.getOp()->getContext(); }

  ImplicitLocOpBuilder create(func::FuncOp &func, StringRef name, TypeRange results) {
    ImplicitLocOpBuilder b(symbols.getOp()->getLoc(), context());
    Type arena = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
    Type index = b.getIndexType();
    func = func::FuncOp::create(b, name,
                                b.getFunctionType({arena, index, index, b.getI8Type()}, results));
    func.setPrivate();
    func.setNoInline(true);
    func->setAttr("passthrough", b.getStrArrayAttr({"noinline"})); // for LLVM
    symbols.insert(func);
    b.setInsertionPointToStart(func.addEntryBlock());
    return b;
  }

  SymbolTable symbols;
  func::FuncOp fill, check;
};

class Instrumenter {
public:
  Instrumenter(func::FuncOp func, Value arena, int64_t canaryBytes, ByteFunctions &functions)
      : block(func.getBody().front()), arena(arena),
        arenaBytes(cast<MemRefType>(arena.getType()).getDimSize(0)), canaryBytes(canaryBytes),
        functions(functions), b(func.getLoc(), func.getContext()) {}

  void run(ArrayRef<PlacedSlot> slots) {
    if (Operation *alloc = arena.getDefiningOp())
      b.setInsertionPointAfter(alloc);
    else
      b.setInsertionPointToStart(&block);
    auto type = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
    bytes = memref::CastOp::create(b, type, arena);
    fill(0, arenaBytes, kDead);
    for (const PlacedSlot &slot : slots)
      instrument(slot);
    checkDeadBytes(slots);
  }

private:
  SmallVector<Value> getOperands(int64_t begin, int64_t end, int64_t value) {
    Value first = arith::ConstantIndexOp::create(b, begin);
    Value last = arith::ConstantIndexOp::create(b, end);
    return {bytes, first, last,
            arith::ConstantOp::create(b, b.getIntegerAttr(b.getI8Type(), value))};
  }

  void fill(int64_t begin, int64_t end, int64_t value) {
    if (begin < end)
      func::CallOp::create(b, functions.getFill(), getOperands(begin, end, value));
  }

  /// Stops the program with `message` unless all of [begin, end) are `value`.
  void check(int64_t begin, int64_t end, int64_t value, const Twine &message) {
    if (begin == end)
      return;
    auto call = func::CallOp::create(b, functions.getCheck(), getOperands(begin, end, value));
    cf::AssertOp::create(b, call.getResult(0), message.str());
  }

  void instrument(const PlacedSlot &placed) {
    int64_t end = placed.end + canaryBytes;
    b.setLoc(placed.slot.definition->getLoc());
    std::string name =
        "abn: slot " + std::to_string(placed.number) + " (" + describeLocation(b.getLoc()) + "): ";
    b.setInsertionPoint(placed.slot.firstUser);
    check(placed.begin, end, kDead, name + "another slot was live in its bytes at its first use");
    fill(placed.end, end, placed.getCanary());
    if (placed.isReturned())
      b.setInsertionPoint(placed.slot.lastUser);
    else
      b.setInsertionPointAfter(placed.slot.lastUser);
    check(placed.end, end, placed.getCanary(),
          name + "the bytes behind it were overwritten while it was live");
    if (!placed.isReturned())
      fill(placed.begin, end, kDead);
  }

  /// At the end nothing but the results is live.
  void checkDeadBytes(ArrayRef<PlacedSlot> slots) {
    SmallVector<std::pair<int64_t, int64_t>> live;
    for (const PlacedSlot &placed : slots)
      if (placed.isReturned())
        live.push_back({placed.begin, placed.end + canaryBytes});
    llvm::sort(live);
    b.setLoc(arena.getLoc());
    b.setInsertionPoint(block.getTerminator());
    int64_t begin = 0;
    live.push_back({arenaBytes, arenaBytes});
    for (auto [liveBegin, liveEnd] : live) {
      if (begin < liveBegin)
        check(begin, liveBegin, kDead,
              "abn: bytes [" + Twine(begin) + ", " + Twine(liveBegin) +
                  ") of the arena were written when no slot was live there");
      begin = std::max(begin, liveEnd);
    }
  }

  Block &block;
  Value arena;
  int64_t arenaBytes, canaryBytes;
  ByteFunctions &functions;
  ImplicitLocOpBuilder b;
  /// The arena with a dynamic size, as the functions take it.
  Value bytes;
};

struct InstrumentArena : mlir::abn::impl::InstrumentArenaBase<InstrumentArena> {
  void runOnOperation() override {
    ByteFunctions functions(getOperation());
    for (auto func : llvm::to_vector(getOperation().getOps<func::FuncOp>()))
      if (failed(instrument(func, functions)))
        return signalPassFailure();
  }

  static LogicalResult instrument(func::FuncOp func, ByteFunctions &functions) {
    Value arena = findArena(func);
    if (!arena || func->hasAttr(AbnDialect::kInstrumentedAttr))
      return success();
    if (!llvm::hasSingleElement(func.getBody()))
      return func.emitError() << "expected a function of one block";
    if (!cast<MemRefType>(arena.getType()).hasStaticShape())
      return emitError(arena.getLoc())
             << "expected an arena of constant size, got " << arena.getType();
    FailureOr<SmallVector<PlacedSlot>> slots = findSlots(func, arena);
    if (failed(slots))
      return failure();
    int64_t canaryBytes = 0;
    if (auto plan = func->getAttrOfType<DictionaryAttr>(AbnDialect::kPlanAttr))
      if (auto bytes = plan.getAs<IntegerAttr>("canary_bytes"))
        canaryBytes = bytes.getInt();
    Instrumenter(func, arena, canaryBytes, functions).run(*slots);
    func->setAttr(AbnDialect::kInstrumentedAttr, UnitAttr::get(func.getContext()));
    return success();
  }

  static Value findArena(func::FuncOp func) {
    if (func.isExternal())
      return Value();
    for (BlockArgument argument : func.getArguments())
      if (func.getArgAttr(argument.getArgNumber(), AbnDialect::kArenaAttr))
        return argument;
    for (Operation &op : func.getBody().front())
      if (isa<memref::AllocOp>(op) && op.hasAttr(AbnDialect::kArenaAttr))
        return op.getResult(0);
    return Value();
  }

  static FailureOr<SmallVector<PlacedSlot>> findSlots(func::FuncOp func, Value arena) {
    SmallVector<PlacedSlot> placed;
    auto isSlot = [&](Operation *op) {
      auto view = dyn_cast<memref::ViewOp>(op);
      return view && view.getSource() == arena && view->hasAttr(AbnDialect::kSlotAttr);
    };
    for (const Slot &slot : computeSlots(func, isSlot)) {
      auto view = cast<memref::ViewOp>(slot.definition);
      APInt offset;
      if (!matchPattern(view.getByteShift(), m_ConstantInt(&offset)) ||
          !view.getType().hasStaticShape())
        return view.emitOpError("expected a constant offset and a static shape in the arena");
      int64_t begin = offset.getSExtValue();
      placed.push_back({slot, view->getAttrOfType<IntegerAttr>(AbnDialect::kSlotAttr).getInt(),
                        begin, begin + getByteSize(view.getType())});
    }
    return placed;
  }
};
} // namespace
