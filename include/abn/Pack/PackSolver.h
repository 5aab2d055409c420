// The offset packer: given buffers with lifetimes and sizes, an offset for each so that no two that
// are live at once overlap, in as small an arena as can be found. Plain C++ without MLIR. What it
// does and what it guarantees is in docs/Packing.md.
#ifndef ABN_PACK_PACKSOLVER_H
#define ABN_PACK_PACKSOLVER_H

#include "llvm/ADT/ArrayRef.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace abn::pack {

/// A time span [lower, upper) inside a buffer's lifetime in which its bytes are free for others.
struct Gap {
  int64_t lower, upper;
};

struct Buffer {
  /// The lifetime [lower, upper), in any unit of time; no bytes are needed if it is empty.
  int64_t lower = 0, upper = 0;
  /// Bytes.
  int64_t size = 0;
  /// The offset is a multiple of it.
  int64_t alignment = 1;
  /// In any order; what lies outside the lifetime has no effect.
  std::vector<Gap> gaps = {};
  /// If set, the buffer's offset is given, not chosen.
  std::optional<int64_t> offset = std::nullopt;
};

struct Problem {
  std::vector<Buffer> buffers;
  /// If set, the question is whether the buffers fit into so many bytes, not how few they need.
  std::optional<int64_t> capacity = std::nullopt;
};

enum class Status {
  /// The offsets are a solution. Without a capacity: of the least arena there is, which is proved.
  /// With
  /// one: within it, and the least arena is known too.
  Optimal,
  /// The offsets are a solution (within the capacity), a smaller arena may exist.
  Feasible,
  /// Proved: no solution within the capacity, or fixed offsets that collide. The offsets, if any,
  /// are
  /// the best solution found beyond the capacity.
  Infeasible,
  /// Neither met the capacity nor refuted it within the node limit; the offsets are the best found.
  Unknown
};

struct Options {
  /// How many placements the search may try after the heuristics; proportionally fewer in problems
  /// whose placements cost more (some hundred buffers that are nearly all live at once).
  int64_t nodeLimit = 2'000'000;
  /// False: heuristics only, in nearly linear time, for inner loops.
  bool exact = true;
};

struct Result {
  Status status = Status::Unknown;
  /// One per buffer, in the problem's order. Empty only if no placement with 64-bit offsets was
  /// found.
  std::vector<int64_t> offsets;
  /// The largest end of a buffer.
  int64_t arena = 0;
  /// Proved: no arena is smaller.
  int64_t lowerBound = 0;
  int64_t maxLive = 0;
  /// Placements that the search tried.
  int64_t nodes = 0;
  /// What found the offsets, for people.
  std::string method;
};

/// The most bytes that are live at once: a lower bound of every arena. INT64_MAX if it is larger.
int64_t computeMaxLive(const Problem &problem);

/// Deterministic: the same problem and options give the same result, and the order of the buffers
/// does not change the arena. Sizes below 0 count as 0, alignments below 1 as 1.
Result solve(const Problem &problem, const Options &options = {});

/// The same problem with the fewest points of time: two problems whose buffers overlap in the same
/// pairs and follow each other alike become one, of which a solution is as good for both. One with
/// gaps is left as it is.
Problem compressTimes(const Problem &problem);

/// The usual heuristic by itself, to compare with: the largest buffer first, each in the free range
/// that leaves the least beside it. The result is never Optimal.
Result solveBySize(const Problem &problem);

/// Empty if the offsets solve the problem within `arena` bytes, or else what is wrong, with the
/// index of each buffer concerned, or its name if there are `names`, one per buffer. A sweep that
/// shares no code with the solver.
std::string check(const Problem &problem, llvm::ArrayRef<int64_t> offsets, int64_t arena,
                  llvm::ArrayRef<std::string> names = {});

} // namespace abn::pack

#endif // ABN_PACK_PACKSOLVER_H
