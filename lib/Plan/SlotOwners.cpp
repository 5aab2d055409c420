// The slots' bytes, written part by part, and what views show of them; see SlotOwners.h.
#include "SlotOwners.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/CheckedArithmetic.h"

using namespace mlir;
using namespace mlir::abn;

static int64_t getVolume(const Box &box) {
  int64_t volume = 1;
  for (auto [first, count] : box)
    volume *= count;
  return volume;
}

bool mlir::abn::areDisjoint(const Box &a, const Box &b) {
  return llvm::any_of(llvm::zip(a, b), [](auto dims) {
    auto [x, y] = dims;
    return x.first + x.second <= y.first || y.first + y.second <= x.first;
  });
}

Box mlir::abn::getWhole(memref::ViewOp slot) {
  Box box;
  for (int64_t size : slot.getType().getShape())
    box.emplace_back(0, ShapedType::isDynamic(size) ? 1 : size);
  return box;
}

/// What a subview shows of a slot; nullopt if that is not known.
static std::optional<Box> getPart(memref::SubViewOp part, memref::ViewOp slot) {
  Box box = getWhole(slot);
  if (part.getSource() != slot.getResult() || !part.hasUnitStride())
    return std::nullopt;
  unsigned dynamic = 0;
  for (auto [dim, range] : llvm::enumerate(box)) {
    bool isDynamic = slot.getType().isDynamicDim(dim);
    OpFoldResult size = part.getMixedSizes()[dim];
    std::optional<int64_t> first = getConstantIntValue(part.getMixedOffsets()[dim]);
    std::optional<int64_t> count = getConstantIntValue(size);
    bool isAll = isDynamic && first == 0 && size == OpFoldResult(slot.getSizes()[dynamic++]);
    if (!isAll && (isDynamic || !first || !count))
      return std::nullopt;
    if (!isAll)
      range = {*first, *count};
  }
  return box;
}

/// How many indices a dimension of a buffer has; nullopt if that is not known.
static std::optional<ArenaPosition> getExtent(Value buffer, int64_t dim,
                                              ArenaPositionReader &reader) {
  auto type = dyn_cast<MemRefType>(buffer.getType());
  if (!type)
    return std::nullopt;
  if (!type.isDynamicDim(dim))
    return ArenaPosition::constant(type.getDimSize(dim));
  Operation *def = buffer.getDefiningOp();
  if (auto view = dyn_cast_or_null<memref::ViewOp>(def))
    return reader.read(view.getSizes()[type.getDynamicDimIndex(dim)]);
  if (auto part = dyn_cast_or_null<memref::SubViewOp>(def); part && part.getDroppedDims().none())
    return reader.read(cast<Value>(part.getMixedSizes()[dim]));
  return std::nullopt;
}

static bool isWithin(memref::SubViewOp part, ArenaPositionReader &reader, IndexRanges &ranges) {
  for (auto [dim, offset, size, step] :
       llvm::enumerate(part.getMixedOffsets(), part.getMixedSizes(), part.getMixedStrides())) {
    auto [least, largest] = ranges.get(offset);
    std::optional<int64_t> constantSize = getConstantIntValue(size);
    std::optional<int64_t> stride = getConstantIntValue(step);
    if (constantSize == 0)
      continue;
    std::optional<ArenaPosition> extent = getExtent(part.getSource(), dim, reader);
    if (!extent || least < 0 || !stride || *stride < 1)
      return false;
    std::optional<ArenaPosition> end;
    if (constantSize) {
      std::optional<int64_t> last = llvm::checkedMulAdd(*constantSize - 1, *stride, largest);
      if (last && *last != INT64_MAX)
        end = ArenaPosition::constant(*last + 1);
    } else if (std::optional<ArenaPosition> count = reader.read(cast<Value>(size));
               count && *stride == 1) {
      end = ArenaPositionReader::add(ArenaPosition::constant(largest), *count);
    }
    if (!end || !end->isNotAbove(*extent))
      return false;
  }
  return true;
}

/// The offset counts from where the slot begins, whatever it is a view of.
static bool isWithin(memref::ReinterpretCastOp view, memref::ViewOp slot,
                     ArenaPositionReader &reader) {
  if (view.getType().getElementType() != slot.getType().getElementType())
    return false;
  std::optional<int64_t> last = getConstantIntValue(view.getMixedOffsets().front());
  if (!last || *last < 0)
    return false;
  for (auto [size, step] : llvm::zip_equal(view.getMixedSizes(), view.getMixedStrides())) {
    std::optional<int64_t> count = getConstantIntValue(size), stride = getConstantIntValue(step);
    if (!count || *count < 1 || !stride || *stride < 0 ||
        !(last = llvm::checkedMulAdd(*count - 1, *stride, *last)))
      return false;
  }
  std::optional<int64_t> elements = 1;
  for (int64_t size : slot.getType().getShape())
    if (ShapedType::isDynamic(size) || !(elements = llvm::checkedMul(*elements, size)))
      return false;
  return *last < *elements;
}

std::optional<Place> mlir::abn::followView(Operation *view, const Place &source,
                                           ArenaPositionReader &reader, IndexRanges &ranges) {
  Place place = source;
  auto slot = cast<memref::ViewOp>(source.view);
  // By what they are these show the elements of their source and no others.
  if (isa<memref::CastOp, memref::ExpandShapeOp, memref::CollapseShapeOp>(view))
    return place;
  place.isWhole = false;
  if (isa<memref::TransposeOp, memref::ReshapeOp>(view))
    return place;
  if (auto part = dyn_cast<memref::SubViewOp>(view)) {
    if (!isWithin(part, reader, ranges))
      return std::nullopt;
    std::optional<Box> box = getPart(part, slot);
    place.isPartKnown &= box.has_value();
    place.part = box.value_or(place.part);
    return place;
  }
  if (auto other = dyn_cast<memref::ReinterpretCastOp>(view);
      other && isWithin(other, slot, reader)) {
    place.part = getWhole(slot);
    place.isPartKnown = false;
    return place;
  }
  return std::nullopt;
}

void mlir::abn::explainOffsets(Operation *view, IndexRanges &ranges, InFlightDiagnostic &error) {
  auto part = dyn_cast<memref::SubViewOp>(view);
  if (!part)
    return;
  for (auto [dim, offset] : llvm::enumerate(part.getMixedOffsets())) {
    auto [least, largest] = ranges.get(offset);
    if (least != largest)
      error.attachNote(cast<Value>(offset).getLoc())
          << "its offset in dimension " << dim << " is known only when the step runs: from "
          << least << " to " << largest;
  }
}

void Owners::addSlot(const Place &place) {
  overlapping.emplace_back();
  for (const Place &other : places)
    if (place.mayOverlap(other)) {
      overlapping[place.slot].push_back(other.slot);
      overlapping[other.slot].push_back(place.slot);
    }
  places.push_back(place);
  written.emplace_back();
  isWritten.push_back(false);
  overwrittenBy.push_back(nullptr);
}

void Owners::claim(const Place &place, bool isCertain) {
  for (unsigned other : overlapping[place.slot]) {
    overwrittenBy[other] = place.view;
    isWritten[other] = false;
    written[other].clear();
  }
  // Some bytes, nobody knows which, do not bring back those that another slot has taken.
  bool isLost = overwrittenBy[place.slot] && !place.isPartKnown;
  if (!isCertain || isWritten[place.slot] || isLost || !addPart(place))
    return;
  isWritten[place.slot] = true;
  overwrittenBy[place.slot] = nullptr;
}

Operation *Owners::findOther(const Place &place, bool &isUnwritten) const {
  isUnwritten = !place.isEmpty() && !isWritten[place.slot] && !overwrittenBy[place.slot];
  return overwrittenBy[place.slot];
}

/// Whether all of the slot is written with this part, written parts being disjoint.
bool Owners::addPart(const Place &place) {
  std::vector<Box> &parts = written[place.slot];
  int64_t volume = getVolume(place.part), whole = getVolume(places[place.slot].part);
  for (const Box &part : parts)
    volume += getVolume(part);
  if (getVolume(place.part) == whole)
    return true;
  if (!llvm::all_of(parts, [&](const Box &part) { return areDisjoint(part, place.part); }))
    return false;
  parts.push_back(place.part);
  return volume == whole;
}
