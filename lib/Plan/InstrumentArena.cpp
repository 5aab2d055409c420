// abn-instrument-arena: makes a step show at run time that its plan is right. Bytes that belong to
// no live slot hold 0xFF, NaN in every float type, so that a read of them shows in the results; a
// slot whose bytes are not dead at its first use, and a write past a slot's end or where no slot is
// live, stops the program.
#include "abn/AbnDialect.h"
#include "abn/Analysis/TrainingStep.h"
#include "abn/Passes.h"
#include "abn/Plan/SlotLiveness.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
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
  int64_t number;
  /// Constants, or values in the function.
  OpFoldResult begin, end;

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
  Instrumenter(func::FuncOp func, Value arena, int64_t canaryBytes, int64_t dynamicSize,
               ByteFunctions &functions)
      : block(func.getBody().front()), arena(arena), canaryBytes(canaryBytes),
        dynamicSize(dynamicSize), functions(functions), b(func.getLoc(), func.getContext()) {
    auto type = cast<MemRefType>(arena.getType());
    arenaBytes = type.hasStaticShape() ? OpFoldResult(b.getIndexAttr(type.getDimSize(0)))
                                       : OpFoldResult(arena.getDefiningOp()->getOperands().back());
  }

  void run(ArrayRef<PlacedSlot> slots) {
    if (Operation *alloc = arena.getDefiningOp())
      b.setInsertionPointAfter(alloc);
    else
      b.setInsertionPointToStart(&block);
    auto type = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
    bytes = arena.getType() == type ? arena : memref::CastOp::create(b, type, arena).getResult();
    fill(b.getIndexAttr(0), arenaBytes, kDead);
    for (const PlacedSlot &slot : slots)
      instrument(slot);
    checkDeadBytes(slots);
  }

private:
  SmallVector<Value> getOperands(OpFoldResult begin, OpFoldResult end, int64_t value) {
    Value first = getValueOrCreateConstantIndexOp(b, b.getLoc(), begin);
    Value last = getValueOrCreateConstantIndexOp(b, b.getLoc(), end);
    return {bytes, first, last,
            arith::ConstantOp::create(b, b.getIntegerAttr(b.getI8Type(), value))};
  }

  /// Whether nothing is between the two, as far as is known.
  static bool isEmpty(OpFoldResult begin, OpFoldResult end) {
    std::optional<int64_t> from = getConstantIntValue(begin), to = getConstantIntValue(end);
    return begin == end || (from && to && *from >= *to);
  }

  void fill(OpFoldResult begin, OpFoldResult end, int64_t value) {
    if (!isEmpty(begin, end))
      func::CallOp::create(b, functions.getFill(), getOperands(begin, end, value));
  }

  /// Stops the program with `message` unless all of [begin, end) are `value`.
  void check(OpFoldResult begin, OpFoldResult end, int64_t value, const Twine &message) {
    if (isEmpty(begin, end))
      return;
    auto call = func::CallOp::create(b, functions.getCheck(), getOperands(begin, end, value));
    cf::AssertOp::create(b, call.getResult(0), message.str());
  }

  /// Where the canary behind a slot ends.
  OpFoldResult getCanaryEnd(const PlacedSlot &placed) {
    if (std::optional<int64_t> end = getConstantIntValue(placed.end))
      return b.getIndexAttr(*end + canaryBytes);
    if (canaryBytes == 0)
      return placed.end;
    return arith::AddIOp::create(b, cast<Value>(placed.end),
                                 arith::ConstantIndexOp::create(b, canaryBytes))
        .getResult();
  }

  void instrument(const PlacedSlot &placed) {
    b.setLoc(placed.slot.definition->getLoc());
    std::string name =
        "abn: slot " + std::to_string(placed.number) + " (" + describeLocation(b.getLoc()) + "): ";
    b.setInsertionPoint(placed.slot.firstUser);
    OpFoldResult end = getCanaryEnd(placed);
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

  /// Where a position is for sizes of `dynamicSize`: slots that are live together are in the same
  /// order for all others.
  int64_t order(OpFoldResult position) const {
    std::optional<int64_t> constant = getConstantIntValue(position);
    return constant ? *constant : evaluateSize(cast<Value>(position), dynamicSize);
  }

  std::string describe(OpFoldResult begin, OpFoldResult end, const PlacedSlot *behind) const {
    if (isa<Attribute>(begin) && isa<Attribute>(end))
      return "abn: bytes [" + std::to_string(order(begin)) + ", " + std::to_string(order(end)) +
             ") of the arena were written when no slot was live there";
    return "abn: bytes " +
           (behind ? "in front of slot " + std::to_string(behind->number) : "at the end") +
           " of the arena were written when no slot was live there";
  }

  /// At the end nothing but the results is live.
  void checkDeadBytes(ArrayRef<PlacedSlot> slots) {
    SmallVector<const PlacedSlot *> live;
    for (const PlacedSlot &placed : slots)
      if (placed.isReturned())
        live.push_back(&placed);
    llvm::stable_sort(live, [&](const PlacedSlot *a, const PlacedSlot *b) {
      return std::make_pair(order(a->begin), order(a->end)) <
             std::make_pair(order(b->begin), order(b->end));
    });
    live.push_back(nullptr);
    b.setLoc(arena.getLoc());
    b.setInsertionPoint(block.getTerminator());
    OpFoldResult begin = b.getIndexAttr(0);
    for (const PlacedSlot *placed : live) {
      OpFoldResult liveBegin = placed ? placed->begin : arenaBytes;
      check(begin, liveBegin, kDead, describe(begin, liveBegin, placed));
      if (placed)
        begin = getLarger(begin, getCanaryEnd(*placed));
    }
  }

  OpFoldResult getLarger(OpFoldResult x, OpFoldResult y) {
    if (isa<Attribute>(x) && isa<Attribute>(y))
      return order(x) < order(y) ? y : x;
    return arith::MaxSIOp::create(b, getValueOrCreateConstantIndexOp(b, b.getLoc(), x),
                                  getValueOrCreateConstantIndexOp(b, b.getLoc(), y))
        .getResult();
  }

  Block &block;
  Value arena;
  int64_t canaryBytes, dynamicSize;
  ByteFunctions &functions;
  ImplicitLocOpBuilder b;
  OpFoldResult arenaBytes;
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
    Value arena = getArena(func);
    if (!arena || func->hasAttr(AbnDialect::kInstrumentedAttr))
      return success();
    if (!llvm::hasSingleElement(func.getBody()))
      return emitError(func.getLoc()) << "expected a function of one block";
    if (!cast<MemRefType>(arena.getType()).hasStaticShape() && !arena.getDefiningOp())
      return emitError(func.getLoc()) << "expected an arena whose size is known in the function";
    FailureOr<SmallVector<PlacedSlot>> slots = findSlots(func, arena);
    if (failed(slots))
      return failure();
    auto plan = func->getAttrOfType<DictionaryAttr>(AbnDialect::kPlanAttr);
    auto getInteger = [&](StringRef key, int64_t missing) {
      auto value = plan ? plan.getAs<IntegerAttr>(key) : IntegerAttr();
      return value ? value.getInt() : missing;
    };
    Instrumenter(func, arena, getInteger("canary_bytes", 0),
                 getInteger(AbnDialect::kDynamicSizeKey, 8), functions)
        .run(*slots);
    func->setAttr(AbnDialect::kInstrumentedAttr, UnitAttr::get(func.getContext()));
    return success();
  }

  static FailureOr<SmallVector<PlacedSlot>> findSlots(func::FuncOp func, Value arena) {
    SmallVector<PlacedSlot> placed;
    auto isSlot = [&](Operation *op) {
      auto view = dyn_cast<memref::ViewOp>(op);
      return view && view.getSource() == arena && view->hasAttr(AbnDialect::kSlotAttr);
    };
    for (const Slot &slot : computeSlots(func, isSlot)) {
      auto view = cast<memref::ViewOp>(slot.definition);
      bool isComputed =
          !getConstantIntValue(view.getByteShift()) || !view.getType().hasStaticShape();
      if (isComputed && cast<MemRefType>(arena.getType()).hasStaticShape())
        return view.emitOpError("expected a constant offset and a static shape in the arena");
      OpBuilder b(view->getContext());
      b.setInsertionPointAfter(view);
      int64_t number = view->getAttrOfType<IntegerAttr>(AbnDialect::kSlotAttr).getInt();
      placed.push_back({slot, number, getAsOpFoldResult(view.getByteShift()), getEnd(view, b)});
    }
    return placed;
  }

  static OpFoldResult getEnd(memref::ViewOp view, OpBuilder &b) {
    std::optional<int64_t> begin = getConstantIntValue(view.getByteShift());
    int64_t bytes = getByteSize(view.getType());
    if (begin && view.getType().hasStaticShape())
      return b.getIndexAttr(*begin + bytes);
    Value size = arith::ConstantIndexOp::create(b, view.getLoc(), bytes);
    for (Value factor : view.getSizes())
      size = arith::MulIOp::create(b, view.getLoc(), size, factor);
    return arith::AddIOp::create(b, view.getLoc(), view.getByteShift(), size).getResult();
  }
};
} // namespace
