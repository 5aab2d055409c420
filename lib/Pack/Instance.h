// A component of a problem as the algorithms see it: buffers that never live are gone, identical
// problems have identical numbering, and time counts sections.
//
// A *section* is a span of time in which a maximal set of buffers is live: sections whose live set
// is contained in a neighbour's add no constraint and are dropped. Two buffers conflict if and only
// if they share a section, and the bytes live in a section bound the arena.
#ifndef ABN_LIB_PACK_INSTANCE_H
#define ABN_LIB_PACK_INSTANCE_H

#include "abn/Pack/PackSolver.h"
#include <limits>

namespace abn::pack {

constexpr int64_t kNoOffset = -1;
constexpr int64_t kMaxBytes = std::numeric_limits<int64_t>::max();

/// A half-open range of sections.
struct Span {
  int32_t lower, upper;
};

struct Item {
  int64_t size;
  int64_t alignment;
  /// kNoOffset if it is to be chosen.
  int64_t fixed;
  /// All the sections between its first and its last, gaps included.
  Span hull;
  /// Its live sections: spans[firstSpan, lastSpan).
  int32_t firstSpan, lastSpan;
  /// From its first to its last moment, in the problem's time.
  double duration;
  /// The index in the problem.
  int32_t buffer;
};

struct Instance {
  /// Sorted by lifetime, size and alignment, so that the numbering does not depend on the problem's
  /// order.
  std::vector<Item> items;
  std::vector<Span> spans;
  int32_t numSections = 0;
  /// Bytes live in each section.
  std::vector<int64_t> live;
  /// Proved for this component.
  int64_t lowerBound = 0;

  llvm::ArrayRef<Span> spansOf(int32_t item) const {
    return llvm::ArrayRef(spans).slice(items[item].firstSpan,
                                       items[item].lastSpan - items[item].firstSpan);
  }
};

/// The live parts of a buffer: its lifetime without its gaps, in order, none empty. None at all if
/// the buffer has no bytes.
std::vector<Gap> computeLiveParts(const Buffer &buffer);

/// Splits the problem at times at which nothing is live. Lower bounds are not computed.
std::vector<Instance> buildComponents(const Problem &problem);

/// computeMaxLive without its limit.
__int128 computeWideMaxLive(const Problem &problem);

/// Sets live and lowerBound: max-live, raised for alignments and fixed offsets where that is
/// proved.
void computeBounds(Instance &instance);

/// The least multiple of `alignment` that is at least `offset`, or kMaxBytes if there is none.
inline int64_t alignUp(int64_t offset, int64_t alignment) {
  int64_t rest = offset % alignment;
  if (rest == 0)
    return offset;
  return offset > kMaxBytes - (alignment - rest) ? kMaxBytes : offset + (alignment - rest);
}

/// a + b for a, b >= 0, at most kMaxBytes.
inline int64_t addSaturating(int64_t a, int64_t b) { return a > kMaxBytes - b ? kMaxBytes : a + b; }

} // namespace abn::pack

#endif // ABN_LIB_PACK_INSTANCE_H
