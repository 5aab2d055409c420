// Which offsets are taken, over time: the structure under the greedy placements of large problems.
//
// A segment tree over the sections. Each node holds two sets of offsets as sorted disjoint ranges:
// those of items that cover the node's sections whole, and those of items that touch any of them.
// The offsets that are free throughout a lifetime are what is left by O(log n) such sets, and since
// neighbours merge into one range, a set stays short however many items lie in it.
#ifndef ABN_LIB_PACK_OCCUPANCY_H
#define ABN_LIB_PACK_OCCUPANCY_H

#include "Instance.h"
#include "llvm/ADT/SmallVector.h"

namespace abn::pack {

/// Which of the free ranges to take.
enum class Fit {
  /// The lowest.
  First,
  /// The one that leaves the least beside the item; the space above all is the last choice.
  Best
};

class Occupancy {
public:
  explicit Occupancy(const Instance &instance);

  /// The offset for an item among those inserted, kNoOffset if it would end beyond kMaxBytes.
  int64_t find(int32_t item, Fit fit);
  /// Whether the item overlaps nothing there.
  bool isFree(int32_t item, int64_t offset);
  void insert(int32_t item, int64_t offset);
  /// The ranges looked at so far: a measure of time that is the same on every machine.
  int64_t getNumSteps() const { return numSteps; }

private:
  /// Bytes [lower, upper).
  struct Range {
    int64_t lower, upper;
  };
  struct RangeSet {
    std::vector<Range> ranges;
    void insert(int64_t lower, int64_t upper);
  };
  /// A set with the first of its ranges that ends above the offset last asked for.
  struct Cursor {
    const RangeSet *set;
    size_t next;
    /// Skips the ranges that end at or below `offset`; true if one is left.
    bool advance(int64_t offset);
  };

  void collect(Span span);
  void insert(Span span, Range range);
  /// The lowest aligned offset from `offset` on with `size` free bytes.
  int64_t skipTaken(int64_t offset, int64_t size, int64_t alignment);
  int64_t findBest(const Item &item);

  const Instance &instance;
  int32_t numLeaves = 1;
  /// Per node of the tree, the root at 1.
  std::vector<RangeSet> covering, touching;
  llvm::SmallVector<Cursor, 64> cursors;
  int64_t numSteps = 0;
};

} // namespace abn::pack

#endif // ABN_LIB_PACK_OCCUPANCY_H
