// The exact search: do the items of a component fit into a given capacity?
//
// Depth first, from the bottom of the arena up. In a solution whose offsets cannot be lowered one
// by one, every item rests on the bottom or on another (up to alignment), so it is enough to place
// items in the order of their offsets, each at its *floor*: the least offset above the placed items
// it conflicts with. The ideas are those of Moffitt, "MiniMalloc" (ASPLOS 2023); docs/Packing.md
// has the arguments.
#ifndef ABN_LIB_PACK_CAPACITYSEARCH_H
#define ABN_LIB_PACK_CAPACITYSEARCH_H

#include "Instance.h"

namespace abn::pack {

/// For each item those that share a section with it.
class ConflictGraph {
public:
  explicit ConflictGraph(const Instance &instance);
  llvm::ArrayRef<int32_t> operator[](int32_t item) const { return conflicts[item]; }

  int64_t getNumPairs() const { return numPairs; }

private:
  std::vector<std::vector<int32_t>> conflicts;
  int64_t numPairs = 0;
};

class CapacitySearch {
public:
  enum class Outcome { Solved, Refuted, Stopped };

  CapacitySearch(const Instance &instance, const ConflictGraph &conflicts, int64_t capacity);

  /// Tries items with equal floors in the given order. At most `nodeLimit` placements.
  Outcome run(llvm::ArrayRef<int32_t> order, int64_t nodeLimit);

  /// Of the last run.
  int64_t getNumNodes() const { return numNodes; }
  /// If it solved the problem.
  llvm::ArrayRef<int64_t> getOffsets() const { return offsets; }
  int64_t getCapacity() const { return capacity; }

private:
  /// Unplaced items that conflict with no others, by rank, and the sections they live in.
  struct Part {
    std::vector<int32_t> items;
    Span sections;
  };
  /// The last placement: later ones have a larger pair.
  struct Level {
    int64_t offset;
    int32_t rank;
    bool operator<(const Level &other) const {
      return offset != other.offset ? offset < other.offset : rank < other.rank;
    }
  };
  /// A part that has no solution above a level. The unplaced items and their floors are all that
  /// matters of a part; 128 bits of hash stand for them.
  struct Refutation {
    uint64_t low, high;
    Level level;
  };
  /// The value of a variable before a placement.
  struct Change {
    int64_t *variable;
    int64_t before;
  };

  void reset(llvm::ArrayRef<int32_t> order);
  void set(int64_t &variable, int64_t value) {
    trail.push_back({&variable, variable});
    variable = value;
  }
  void undo(size_t mark);

  Outcome search(const Part &part, Level level);
  Outcome searchCandidates(const Part &part, llvm::ArrayRef<Level> candidates);
  Outcome searchBeyond(const Part &part, int32_t placed, Level level);
  Refutation describe(const Part &part, Level level) const;
  std::vector<Level> collectCandidates(const Part &part, Level level) const;
  /// False if a fixed item's place is taken.
  bool place(int32_t item, int64_t offset);
  bool raiseFloor(int32_t item, int64_t floor);
  void updateSectionFloor(int32_t section);
  bool hasOpenConflict(int32_t item) const;

  const Instance &instance;
  const ConflictGraph &conflicts;
  const int64_t capacity;
  int64_t numNodes = 0, nodeLimit = 0;
  std::vector<int32_t> itemOfRank, rankOfItem;
  std::vector<int64_t> offsets;
  /// Of unplaced items; kMaxBytes for those placed, so that minima skip them.
  std::vector<int64_t> floors;
  std::vector<std::vector<int32_t>> itemsOfSection;
  /// Per section, over its unplaced items: the least floor, and their bytes.
  std::vector<int64_t> sectionFloors, sectionBytes;
  /// Unplaced items that cross from a section to the next.
  std::vector<int64_t> crossing;
  std::vector<Change> trail;
  /// A table by hash, in which the latest wins.
  std::vector<Refutation> refutations;
};

} // namespace abn::pack

#endif // ABN_LIB_PACK_CAPACITYSEARCH_H
