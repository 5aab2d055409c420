#include "WarpOps.h"

using namespace abn::emulator;

static WarpResult shuffle(unsigned lane, const std::array<WarpRequest, kWarpSize> &requests) {
  const WarpRequest &own = requests[lane];
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

WarpResult abn::emulator::evaluate(unsigned lane,
                                   const std::array<WarpRequest, kWarpSize> &requests) {
  const WarpRequest &own = requests[lane];
  if (isShuffle(own.op))
    return shuffle(lane, requests);
  uint32_t ballot = 0, equal = 0;
  for (unsigned other = 0; other < kWarpSize; ++other) {
    if (!(own.mask >> other & 1))
      continue;
    ballot |= uint32_t(requests[other].value != 0) << other;
    equal |= uint32_t(requests[other].value == own.value) << other;
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
  default:
    return {equal, true, lane};
  }
}
