// What shuffles, votes and reductions give each lane, as PTX defines shfl.sync, vote.sync,
// match.sync and redux.sync, and AMD's ISA documents ds_bpermute_b32 and ds_swizzle_b32.
#ifndef ABN_RUNTIME_EMULATOR_WARPOPS_H
#define ABN_RUNTIME_EMULATOR_WARPOPS_H

#include "Counters.h"
#include "llvm/ADT/ArrayRef.h"

namespace abn::emulator {

enum class WarpOp : uint32_t {
  ShuffleUp,
  ShuffleDown,
  ShuffleBfly,
  ShuffleIdx,
  /// ds_bpermute: reads the lane of byte address `offset`.
  Permute,
  /// ds_swizzle: reads the lane that the pattern `offset` gives, among 32.
  Swizzle,
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

inline bool isShuffle(WarpOp op) { return op <= WarpOp::Swizzle; }

/// A lane's part in a warp op. `offset` and `clamp` are operands b and c of shfl.sync. AMD's ops
/// have no mask: here all lanes take part, which is stricter than the hardware.
struct WarpRequest {
  WarpOp op;
  uint64_t mask;
  uint32_t value, offset, clamp;
};

struct WarpResult {
  uint32_t value;
  /// Whether a shuffle's source lane was in range; true for others.
  bool predicate;
  /// The lane that a shuffle reads.
  uint32_t source;
};

/// The result for `lane` from what the lanes of the mask, of as many as `requests` has, asked.
WarpResult evaluate(unsigned lane, llvm::ArrayRef<WarpRequest> requests);

} // namespace abn::emulator

#endif // ABN_RUNTIME_EMULATOR_WARPOPS_H
