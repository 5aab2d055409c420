// Verifier and fold of abn.pack; what abn.scratch lends.
#include "abn/AbnDialect.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"
#include <map>

using namespace mlir;
using namespace mlir::abn;

namespace {
/// A buffer of constant size in the plan under verification.
struct Placed {
  int64_t lower, upper; // steps, inclusive
  int64_t offset, size; // bytes
  size_t index;
};
} // namespace

/// The size operands that are constants, with their lifetimes and offsets. Empty buffers are in
/// nobody's way.
static SmallVector<Placed> getPlacedConstants(PackOp op) {
  SmallVector<Placed> placed;
  ArrayRef<int64_t> lifetimes = op.getLifetimes(), offsets = *op.getOffsets();
  for (auto [index, size] : llvm::enumerate(op.getSizes())) {
    APInt bytes;
    if (matchPattern(size, m_ConstantInt(&bytes)) && bytes.getSExtValue() > 0)
      placed.push_back({lifetimes[2 * index], lifetimes[2 * index + 1], offsets[index],
                        bytes.getSExtValue(), index});
  }
  return placed;
}

/// (pack_c4) Sweeps over the steps with the live buffers ordered by offset: as long as none
/// overlap, a new buffer can only meet its two neighbours there, so that the sweep is n log n.
static LogicalResult verifyDisjoint(PackOp op, SmallVector<Placed> &placed) {
  llvm::sort(placed, [](const Placed &a, const Placed &b) {
    return std::tie(a.lower, a.index) < std::tie(b.lower, b.index);
  });
  std::multimap<int64_t, const Placed *> byEnd; // upper -> live buffer
  std::map<int64_t, const Placed *> byOffset;   // offset -> live buffer
  auto conflict = [&](const Placed &a, const Placed &b) {
    return op.emitOpError("(pack_c4) expected buffers that are live together to be disjoint, got ")
           << "buffer " << std::min(a.index, b.index) << " and buffer "
           << std::max(a.index, b.index) << " overlapping";
  };
  for (const Placed &buffer : placed) {
    while (!byEnd.empty() && byEnd.begin()->first < buffer.lower) {
      byOffset.erase(byEnd.begin()->second->offset);
      byEnd.erase(byEnd.begin());
    }
    auto next = byOffset.lower_bound(buffer.offset);
    if (next != byOffset.end() && next->second->offset - buffer.offset < buffer.size)
      return conflict(buffer, *next->second);
    if (next != byOffset.begin()) {
      const Placed *previous = std::prev(next)->second;
      if (buffer.offset - previous->offset < previous->size)
        return conflict(buffer, *previous);
    }
    byOffset.emplace(buffer.offset, &buffer);
    byEnd.emplace(buffer.upper, &buffer);
  }
  return success();
}

/// (pack_c4) The answer, where there is one.
static LogicalResult verifyAnswer(PackOp op) {
  if (op.getOffsets().has_value() != op.getArenaSize().has_value())
    return op.emitOpError("(pack_c4) expected `offsets` and `arena_size` together");
  if (!op.getOffsets())
    return success();
  ArrayRef<int64_t> offsets = *op.getOffsets();
  int64_t arena = *op.getArenaSize(), alignment = op.getAlignment();
  if (offsets.size() != op.getSizes().size())
    return op.emitOpError("(pack_c4) expected ")
           << op.getSizes().size() << " offsets, got " << offsets.size();
  if (arena < 0)
    return op.emitOpError("(pack_c4) expected an `arena_size` that is not negative, got ") << arena;
  for (int64_t offset : offsets)
    if (offset < 0 || offset % alignment != 0)
      return op.emitOpError("(pack_c4) expected offsets that are multiples of ")
             << alignment << " and not negative, got " << offset;

  SmallVector<Placed> placed = getPlacedConstants(op);
  for (const Placed &buffer : placed)
    // Written so that no sum can overflow.
    if (buffer.size > arena || buffer.offset > arena - buffer.size)
      return op.emitOpError("(pack_c4) expected buffer ")
             << buffer.index << " to end within the arena of " << arena << " bytes, got offset "
             << buffer.offset << " and size " << buffer.size;
  return verifyDisjoint(op, placed);
}

/// Whether `expr` is c0 + c1 * s1 + ... with coefficients that are multiples of `factor`, none
/// negative.
static bool isFormOfMultiples(AffineExpr expr, int64_t factor) {
  if (auto sum = dyn_cast<AffineBinaryOpExpr>(expr); sum && sum.getKind() == AffineExprKind::Add)
    return isFormOfMultiples(sum.getLHS(), factor) && isFormOfMultiples(sum.getRHS(), factor);
  int64_t coefficient = 1;
  if (auto product = dyn_cast<AffineBinaryOpExpr>(expr);
      product && product.getKind() == AffineExprKind::Mul) {
    auto constant = dyn_cast<AffineConstantExpr>(product.getRHS());
    if (!constant || !isa<AffineSymbolExpr>(product.getLHS()))
      return false;
    coefficient = constant.getValue();
  } else if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    coefficient = constant.getValue();
  } else if (!isa<AffineSymbolExpr>(expr)) {
    return false;
  }
  return coefficient >= 0 && coefficient % factor == 0;
}

/// (pack_c5) An answer for all values of the symbols.
static LogicalResult verifyMaps(PackOp op) {
  std::optional<ArrayAttr> offsets = op.getOffsetMaps();
  std::optional<AffineMap> arena = op.getArenaMap();
  if (offsets.has_value() != arena.has_value())
    return op.emitOpError("(pack_c5) expected `offset_maps` and `arena_map` together");
  if (!offsets)
    return success();
  if (op.getOffsets())
    return op.emitOpError("(pack_c5) expected either `offsets` or `offset_maps`, got both");
  if (offsets->size() != op.getSizes().size())
    return op.emitOpError("(pack_c5) expected ")
           << op.getSizes().size() << " maps in `offset_maps`, got " << offsets->size();
  auto verifyMap = [&](AffineMap map, int64_t factor) -> LogicalResult {
    if (map.getNumDims() != 0 || map.getNumSymbols() != op.getSymbols().size() ||
        map.getNumResults() == 0)
      return op.emitOpError("(pack_c5) expected a map of ")
             << op.getSymbols().size() << " symbols, got " << AffineMapAttr::get(map);
    for (AffineExpr expr : map.getResults())
      if (!isFormOfMultiples(expr, factor))
        return op.emitOpError("(pack_c5) expected a sum of multiples of ")
               << factor << " that are not negative, got " << AffineMapAttr::get(map);
    return success();
  };
  for (auto map : offsets->getAsRange<AffineMapAttr>())
    if (failed(verifyMap(map.getValue(), op.getAlignment())))
      return failure();
  return verifyMap(*arena, 1);
}

LogicalResult PackOp::verify() {
  ArrayRef<int64_t> lifetimes = getLifetimes();
  size_t count = getSizes().size();
  if (lifetimes.size() != 2 * count)
    return emitOpError("(pack_c1) expected ")
           << 2 * count << " entries in `lifetimes`, got " << lifetimes.size();
  for (size_t i = 0; i < count; ++i)
    if (lifetimes[2 * i] < 0 || lifetimes[2 * i] > lifetimes[2 * i + 1])
      return emitOpError("(pack_c1) expected 0 <= lower <= upper, got [")
             << lifetimes[2 * i] << ", " << lifetimes[2 * i + 1] << "] for buffer " << i;
  if (getPackedOffsets().size() != count)
    return emitOpError("(pack_c2) expected ")
           << count << " offset results, got " << getPackedOffsets().size();
  if (!llvm::isPowerOf2_64(static_cast<uint64_t>(getAlignment())) || getAlignment() < 0)
    return emitOpError("(pack_c3) expected a power of two for `alignment`, got ") << getAlignment();
  return failure(failed(verifyAnswer(*this)) || failed(verifyMaps(*this)));
}

LogicalResult PackOp::fold(FoldAdaptor adaptor, SmallVectorImpl<OpFoldResult> &results) {
  std::optional<ArrayRef<int64_t>> offsets = getOffsets();
  if (!offsets || !getArenaSize())
    return failure();
  Builder b(getContext());
  results.push_back(b.getIndexAttr(*getArenaSize()));
  for (int64_t offset : *offsets)
    results.push_back(b.getIndexAttr(offset));
  return success();
}

Value ScratchOp::take(Operation *op) {
  auto before = dyn_cast_or_null<ScratchOp>(op->getPrevNode());
  auto after = dyn_cast_or_null<ScratchOp>(op->getNextNode());
  if (!before || !after || before.getBuffer() != after.getBuffer())
    return Value();
  Value buffer = before.getBuffer();
  before.erase();
  after.erase();
  return buffer;
}
