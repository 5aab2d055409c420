// What abn-verify-plan keeps of the slots of an arena while it goes through a step: where they are,
// which part of one a view shows, and whose the bytes are. Private to the checker.
#ifndef ABN_LIB_PLAN_SLOTOWNERS_H
#define ABN_LIB_PLAN_SLOTOWNERS_H

#include "ArenaPosition.h"
#include "IndexRanges.h"
#include <string>
#include <vector>

namespace mlir::abn {

/// A part of a slot: by dimension the first index and how many. Dimensions that are known only when
/// the step runs count as one index.
using Box = SmallVector<std::pair<int64_t, int64_t>>;

bool areDisjoint(const Box &a, const Box &b);

/// The part of the arena that one view shows: a slot, bytes [begin, end).
struct Place {
  Operation *view = nullptr;
  unsigned slot = 0;
  ArenaPosition begin, end;
  /// What of the slot a write through the view writes; all of it if that is not known.
  Box part;
  /// Whether that is what is written, not only where it may be.
  bool isPartKnown = true;
  /// Whether the view shows the slot's elements in their order, all of them.
  bool isWhole = true;

  bool isEmpty() const { return end.isNotAbove(begin); }
  /// Unless it is certain, whatever the sizes are, that one ends where or before the other begins.
  bool mayOverlap(const Place &other) const {
    return !isEmpty() && !other.isEmpty() && !end.isNotAbove(other.begin) &&
           !other.end.isNotAbove(begin);
  }
  /// Whether both show bytes of one slot, for all that is known.
  bool mayShareSlot(const Place &other) const {
    return view == other.view && !isEmpty() && !areDisjoint(part, other.part);
  }
  std::string str() const { return "[" + begin.str() + ", " + end.str() + ")"; }
};

/// All of a slot.
Box getWhole(memref::ViewOp slot);

/// What `view`, a view of (a view of) a slot, shows of it: all that `source` shows if that is not
/// known. Nullopt if it cannot be shown to lie within what it is a view of.
std::optional<Place> followView(Operation *view, const Place &source, ArenaPositionReader &reader,
                                IndexRanges &ranges);

/// Adds to `error` which offsets of `view` only the running step knows, and what they may be.
void explainOffsets(Operation *view, IndexRanges &ranges, InFlightDiagnostic &error);

/// Whose the slots' bytes are. An op that writes through a view is taken to write all that it
/// shows, all of the slot if nobody knows which part that is; but what another slot has written
/// over since comes back only part by known part.
class Owners {
public:
  void addSlot(const Place &place);

  /// The slot now owns the bytes that `place` shows, and all if it had the others; what other slots
  /// held of them is lost. A write that may not take place (not `isCertain`) only does the latter.
  void claim(const Place &place, bool isCertain);

  /// Who has written over the slot; null if nobody has since it was written, or if it was not
  /// written at all (`isUnwritten` is then set).
  Operation *findOther(const Place &place, bool &isUnwritten) const;

private:
  bool addPart(const Place &place);

  /// By slot.
  std::vector<Place> places;
  /// What of a slot is written, if that is not all.
  std::vector<std::vector<Box>> written;
  std::vector<SmallVector<unsigned>> overlapping;
  std::vector<bool> isWritten;
  std::vector<Operation *> overwrittenBy;
};

} // namespace mlir::abn

#endif // ABN_LIB_PLAN_SLOTOWNERS_H
