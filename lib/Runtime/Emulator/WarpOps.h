// What shuffles, votes and reductions give each lane, as PTX defines shfl.sync, vote.sync,
// match.sync and redux.sync.
#ifndef ABN_RUNTIME_EMULATOR_WARPOPS_H
#define ABN_RUNTIME_EMULATOR_WARPOPS_H

#include "Counters.h"

namespace abn::emulator {

enum class WarpOp : uint32_t {
  ShuffleUp,
  ShuffleDown,
  ShuffleBfly,
  ShuffleIdx,
  VoteAny,
  VoteAll,
  VoteUni,
  VoteBallot,
  MatchAny,
  ReduceAdd,
  ReduceMin,
  ReduceMax,
  ReduceUmin,
  ReduceUmax,
  ReduceAnd,
  ReduceOr,
  ReduceXor
};

inline bool isShuffle(WarpOp op) { return op <= WarpOp::ShuffleIdx; }

/// A lane's part in a warp op. `offset` and `clamp` are operands b and c of shfl.sync.
struct WarpRequest {
  WarpOp op;
  uint32_t mask, value, offset, clamp;
};

struct WarpResult {
  uint32_t value;
  /// Whether a shuffle's source lane was in range; true for others.
  bool predicate;
  /// The lane that a shuffle reads.
  uint32_t source;
};

/// The result for `lane` from what the lanes of the mask asked.
WarpResult evaluate(unsigned lane, const std::array<WarpRequest, kWarpSize> &requests);

} // namespace abn::emulator

#endif // ABN_RUNTIME_EMULATOR_WARPOPS_H
