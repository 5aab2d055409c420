#include "WarpOps.h"
#include <algorithm>
#include <optional>

using namespace abn::emulator;

/// The lane that ds_swizzle reads: in groups of four by a table, or in groups of 32 by masks (its
/// other patterns are of later chips).
static uint32_t getSwizzled(unsigned lane, uint32_t pattern) {
  if (pattern & 0x8000)
    return (lane & ~3u) | (pattern >> 2 * (lane & 3) & 3);
  uint32_t andMask = pattern & 31, orMask = pattern >> 5 & 31, xorMask = pattern >> 10 & 31;
  return (lane & ~31u) | (((lane & andMask) | orMask) ^ xorMask);
}

static WarpResult shuffle(unsigned lane, llvm::ArrayRef<WarpRequest> requests) {
  const WarpRequest &own = requests[lane];
  if (own.op == WarpOp::Permute || own.op == WarpOp::Swizzle) {
    uint32_t from = own.op == WarpOp::Permute ? own.offset / 4 % requests.size()
                                              : getSwizzled(lane, own.offset);
    return {requests[from].value, true, from};
  }
  uint32_t offset = own.offset & 31, clamp = own.clamp & 31, segment = own.clamp >> 8 & 31;
  uint32_t maxLane = (lane & segment) | (clamp & ~segment), minLane = lane & segment;
  int64_t source = lane;
  bool isInRange = false;
  switch (own.op) {
  case WarpOp::ShuffleUp:
    source = int64_t(lane) - offset;
    isInRange = source >= int64_t(maxLane);
    break;
  case WarpOp::ShuffleDown:
    source = int64_t(lane) + offset;
    isInRange = source <= int64_t(maxLane);
    break;
  case WarpOp::ShuffleBfly:
    source = lane ^ offset;
    isInRange = source <= int64_t(maxLane);
    break;
  default:
    source = minLane | (offset & ~segment);
    isInRange = source <= int64_t(maxLane);
    break;
  }
  uint32_t from = isInRange ? uint32_t(source) : lane;
  return {requests[from].value, isInRange, from};
}

static uint32_t combine(WarpOp op, uint32_t x, uint32_t y) {
  auto asSigned = [](uint32_t value) { return static_cast<int32_t>(value); };
  switch (op) {
  case WarpOp::ReduceAdd:
    return x + y;
  case WarpOp::ReduceMin:
    return std::min(asSigned(x), asSigned(y));
  case WarpOp::ReduceMax:
    return std::max(asSigned(x), asSigned(y));
  case WarpOp::ReduceUmin:
    return std::min(x, y);
  case WarpOp::ReduceUmax:
    return std::max(x, y);
  case WarpOp::ReduceAnd:
    return x & y;
  case WarpOp::ReduceOr:
    return x | y;
  default:
    return x ^ y;
  }
}

WarpResult abn::emulator::evaluate(unsigned lane, llvm::ArrayRef<WarpRequest> requests) {
  const WarpRequest &own = requests[lane];
  if (isShuffle(own.op))
    return shuffle(lane, requests);
  uint32_t ballot = 0, equal = 0;
  std::optional<uint32_t> combined;
  for (unsigned other = 0; other < requests.size(); ++other) {
    if (!(own.mask >> other & 1))
      continue;
    ballot |= uint32_t(requests[other].value != 0) << other;
    equal |= uint32_t(requests[other].value == own.value) << other;
    combined = combined ? combine(own.op, *combined, requests[other].value) : requests[other].value;
  }
  switch (own.op) {
  case WarpOp::VoteAny:
    return {ballot != 0, true, lane};
  case WarpOp::VoteAll:
    return {ballot == own.mask, true, lane};
  case WarpOp::VoteUni:
    return {ballot == 0 || ballot == own.mask, true, lane};
  case WarpOp::VoteBallot:
    return {ballot, true, lane};
  case WarpOp::MatchAny:
    return {equal, true, lane};
  default:
    return {*combined, true, lane};
  }
}
