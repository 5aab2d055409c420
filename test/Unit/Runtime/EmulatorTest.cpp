// The emulator's parts that need no kernel, against slow and simple counterparts on random input.
// Prints what failed and exits with 1.
#include "Counters.h"
#include "DeviceMemory.h"
#include "Fibers.h"
#include "Schedule.h"
#include "ShadowMemory.h"
#include "WarpOps.h"
#include <cstdio>
#include <cstring>
#include <set>
#include <string>

using namespace abn::emulator;

static unsigned failures = 0;

static void expect(bool holds, const std::string &what) {
  // The first few say enough.
  if (!holds && ++failures <= 10)
    std::printf("WRONG: %s\n", what.c_str());
}

//===----------------------------------------------------------------------===//
// Races
//===----------------------------------------------------------------------===//

namespace {
struct Access {
  uint64_t address;
  uint32_t bytes;
  AccessKind kind;
  Accessor accessor;
};

/// Remembers everything and compares each pair.
struct AllAccesses {
  bool races(const Access &access) const {
    for (const Access &other : accesses) {
      bool overlap = access.address < other.address + other.bytes &&
                     other.address < access.address + access.bytes;
      bool conflict = (access.kind != AccessKind::Load || other.kind != AccessKind::Load) &&
                      (access.kind != AccessKind::Atomic || other.kind != AccessKind::Atomic);
      if (overlap && conflict && !access.accessor.isOrderedWith(other.accessor))
        return true;
    }
    return false;
  }

  std::vector<Access> accesses;
};
} // namespace

/// Accesses in an order in which a launch could make them: block after block, epoch after epoch.
static void testRaces() {
  unsigned raced = 0, clean = 0;
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    std::mt19937_64 random(seed);
    auto below = [&](uint64_t bound) { return random() % bound; };
    // Over two pages of the shadow, on few bytes or on more, so that some launches have no race.
    uint64_t base = 1000, span = 8 + below(5) * 300;
    uint64_t loads = 50 + below(50), threads = 1 + below(3);
    bool isCoarse = below(2);
    ShadowMemory shadow;
    AllAccesses reference;
    uint32_t block = 0, epoch = 0;
    for (unsigned step = 0; step < 30; ++step) {
      if (below(6) == 0)
        ++epoch;
      if (below(9) == 0)
        ++block, epoch = below(2);
      Access access;
      access.bytes = isCoarse ? 4u << below(3) : 1u << below(5);
      access.address = base + below(span) / access.bytes * access.bytes;
      access.kind = static_cast<AccessKind>(below(100) < loads ? 0 : 1 + below(2));
      access.accessor = Accessor();
      access.accessor.block = block;
      access.accessor.epoch = epoch;
      access.accessor.thread = below(threads);
      bool expected = reference.races(access);
      bool got =
          shadow.record(access.address, access.bytes, access.kind, access.accessor).has_value();
      expect(got == expected, "races: seed " + std::to_string(seed) + ", step " +
                                  std::to_string(step) + (got ? ": found" : ": not found"));
      if (expected || got) {
        ++raced;
        break;
      }
      reference.accesses.push_back(access);
      clean += step == 29;
    }
  }
  expect(raced > 100 && clean > 100, "races: too few launches of one kind");
  std::printf("races: %u launches with one, %u without\n", raced, clean);
}

//===----------------------------------------------------------------------===//
// Warps
//===----------------------------------------------------------------------===//

/// Transactions and divergent branches do not depend on the order in which lanes run.
static void testWarpTraffic() {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    unsigned warpSize = seed % 2 ? kWarpSize : kMaxWarpSize;
    unsigned threads = 1 + random() % 200, rounds = 1 + random() % 5;
    std::vector<std::vector<uint64_t>> addresses(rounds, std::vector<uint64_t>(threads));
    for (auto &round : addresses)
      for (uint64_t &address : round)
        address = 4 * (random() % 200);
    uint64_t transactions = 0, divergent = 0;
    for (auto &round : addresses)
      for (unsigned warp = 0; warp < threads; warp += warpSize) {
        std::set<uint64_t> sectors, ways;
        for (unsigned t = warp; t < std::min(threads, warp + warpSize); ++t) {
          sectors.insert(round[t] / kSectorBytes);
          ways.insert(round[t] % 8);
        }
        transactions += sectors.size();
        divergent += ways.size() > 1;
      }
    for (auto kind : {ABN_EMULATOR_FORWARD, ABN_EMULATOR_REVERSE, ABN_EMULATOR_RANDOM}) {
      KernelCounters counters;
      {
        WarpTraffic traffic(counters, threads, warpSize);
        Order order({kind, seed}, threads);
        for (uint32_t thread : order.next())
          for (auto &round : addresses) {
            traffic.access(thread, 1, round[thread], 4);
            traffic.branch(thread, 2, round[thread] % 8 == 0);
          }
      }
      expect(counters.sites[1].transactions == transactions, "transactions");
      expect(counters.divergentBranches == divergent, "divergent branches");
    }
  }
}

static void testWarpOps() {
  std::array<WarpRequest, kWarpSize> requests;
  auto ask = [&](WarpOp op, uint32_t offset, uint32_t clamp) {
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      requests[lane] = {op, 0xFFFFFFFF, 100 + lane, offset, clamp};
  };
  for (unsigned width = 2; width <= 32; width *= 2)
    for (unsigned offset = 0; offset < width; ++offset) {
      // As gpu.shuffle is lowered: the segments in bits 8 to 12, the last lane of each below.
      uint32_t segment = (32 - width) << 8, last = segment | (width - 1);
      for (unsigned lane = 0; lane < kWarpSize; ++lane) {
        unsigned first = lane / width * width, place = lane % width;
        auto check = [&](WarpOp op, uint32_t clamp, bool isInRange, unsigned from) {
          ask(op, offset, clamp);
          WarpResult result = evaluate(lane, requests);
          expect(result.predicate == isInRange && result.value == 100 + (isInRange ? from : lane),
                 "shuffle " + std::to_string(static_cast<int>(op)) + " of lane " +
                     std::to_string(lane));
        };
        check(WarpOp::ShuffleBfly, last, (place ^ offset) < width, first + (place ^ offset));
        check(WarpOp::ShuffleDown, last, place + offset < width, lane + offset);
        check(WarpOp::ShuffleUp, segment, place >= offset, lane - offset);
        check(WarpOp::ShuffleIdx, last, true, first + offset);
      }
    }
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    requests[lane] = {WarpOp::VoteBallot, 0xFFFF, lane % 3 == 0 || lane > 15, 0, 0};
  expect(evaluate(4, requests).value == 0x9249, "ballot");
  requests[4].op = WarpOp::VoteAny;
  expect(evaluate(4, requests).value == 1, "any");
  requests[4].op = WarpOp::VoteAll;
  expect(evaluate(4, requests).value == 0, "all");
  requests[4].op = WarpOp::VoteUni;
  expect(evaluate(4, requests).value == 0, "uni");
  requests[4].op = WarpOp::MatchAny;
  expect(evaluate(4, requests).value == (0xFFFF & ~0x9249), "match");
  const std::pair<WarpOp, uint32_t> reductions[] = {{WarpOp::ReduceAdd, uint32_t(-8)},
                                                    {WarpOp::ReduceMin, uint32_t(-8)},
                                                    {WarpOp::ReduceMax, 7},
                                                    {WarpOp::ReduceUmin, 0},
                                                    {WarpOp::ReduceUmax, uint32_t(-1)},
                                                    {WarpOp::ReduceAnd, 0},
                                                    {WarpOp::ReduceOr, uint32_t(-1)},
                                                    {WarpOp::ReduceXor, 0}};
  for (auto [op, expected] : reductions) {
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      requests[lane] = {op, 0xFFFF, lane - 8, 0, 0};
    expect(evaluate(3, requests).value == expected,
           "reduction " + std::to_string(static_cast<int>(op)));
  }
}

/// AMD's shuffles: ds_bpermute reads any lane by its byte address, ds_swizzle one of the same 32.
static void testWaveOps() {
  for (unsigned width : {kWarpSize, kMaxWarpSize}) {
    std::vector<WarpRequest> requests(width);
    for (unsigned mask = 1; mask < width; ++mask)
      for (unsigned lane = 0; lane < width; ++lane) {
        for (unsigned other = 0; other < width; ++other)
          requests[other] = {WarpOp::Permute, ~uint64_t(0), 100 + other, 4 * (other ^ mask), 0};
        WarpResult result = evaluate(lane, requests);
        expect(result.value == 100 + (lane ^ mask) && result.source == (lane ^ mask), "permute");
        // Masks: and 31, or 0, xor in bits 10 to 14.
        for (WarpRequest &request : requests) {
          request.op = WarpOp::Swizzle;
          request.offset = 31 | (mask & 31) << 10;
        }
        expect(evaluate(lane, requests).source == (lane ^ (mask & 31)), "swizzle by masks");
      }
    // A table for groups of four: lane 0 reads 3, 1 reads 2, 2 reads 1, 3 reads 0.
    for (WarpRequest &request : requests)
      request.offset = 0x8000 | 3 | 2 << 2 | 1 << 4;
    for (unsigned lane = 0; lane < width; ++lane)
      expect(evaluate(lane, requests).source == (lane ^ 3), "swizzle by a table");
    // Addresses wrap around.
    requests[1] = {WarpOp::Permute, ~uint64_t(0), 101, 4 * (width + 5), 0};
    expect(evaluate(1, requests).source == 5, "permute wraps");
  }
}

//===----------------------------------------------------------------------===//
// Memory, orders, fibres
//===----------------------------------------------------------------------===//

static void testDeviceMemory() {
  DeviceMemory memory;
  memory.setLimit(1000);
  auto *first = static_cast<unsigned char *>(memory.allocate(600));
  expect(first && reinterpret_cast<uint64_t>(first) % 256 == 0, "alignment");
  expect(first && first[0] == 0xFF && first[599] == 0xFF, "new memory is poisoned");
  expect(!memory.allocate(401) && memory.getLive() == 600, "the limit");
  void *second = memory.allocate(400);
  expect(second && memory.getHighWater() == 1000, "high water");
  auto begin = reinterpret_cast<uint64_t>(first);
  expect(memory.find(begin + 599)->contains(begin + 596, 4), "inside");
  expect(!memory.find(begin + 599)->contains(begin + 597, 4), "beyond the end");
  expect(memory.release(first) && !memory.release(first), "double free");
  expect(memory.find(begin)->state == DeviceMemory::State::Freed, "freed");
  memory.resetHighWater();
  expect(memory.getHighWater() == 400, "high water after a reset");
  int host = 0;
  memory.registerHost(&host, sizeof host);
  expect(memory.find(reinterpret_cast<uint64_t>(&host))->state ==
             DeviceMemory::State::RegisteredHost,
         "registered");
  memory.unregisterHost(&host);
  expect(!memory.release(&host), "host memory is not freed");
}

static void testOrder() {
  Order forward({ABN_EMULATOR_FORWARD, 0}, 3), reverse({ABN_EMULATOR_REVERSE, 0}, 3);
  expect(forward.next() == std::vector<uint32_t>({0, 1, 2}), "forward");
  expect(reverse.next() == std::vector<uint32_t>({2, 1, 0}), "reverse");
  Order one({ABN_EMULATOR_RANDOM, 7}, 100), same({ABN_EMULATOR_RANDOM, 7}, 100),
      other({ABN_EMULATOR_RANDOM, 8}, 100);
  std::vector<uint32_t> drawn = one.next();
  expect(drawn == same.next() && drawn != other.next(), "the seed");
  expect(drawn != one.next(), "a new order each time");
  std::sort(drawn.begin(), drawn.end());
  expect(drawn.front() == 0 && drawn.back() == 99 &&
             std::unique(drawn.begin(), drawn.end()) == drawn.end(),
         "a permutation");
}

namespace {
struct Relay {
  Fibers fibers;
  std::vector<unsigned> ran;
  unsigned current = 0;
};
} // namespace

static void testFibers() {
  Relay relay;
  auto body = [](void *argument) {
    auto *relay = static_cast<Relay *>(argument);
    const unsigned mine = relay->current;
    for (unsigned round = 0; round < 3; ++round) {
      relay->ran.push_back(mine);
      relay->fibers.suspend();
    }
  };
  expect(relay.fibers.start(3, body, &relay), "stacks");
  for (unsigned round = 0; round < 3; ++round)
    for (unsigned fiber : {2, 0, 1}) {
      relay.current = fiber;
      relay.fibers.resume(fiber);
    }
  expect(relay.ran == std::vector<unsigned>({2, 0, 1, 2, 0, 1, 2, 0, 1}), "fibres in turn");
  // Fibres that were left where they were start anew.
  relay.ran.clear();
  expect(relay.fibers.start(1, body, &relay), "stacks again");
  relay.current = 0;
  relay.fibers.resume(0);
  expect(relay.ran == std::vector<unsigned>({0}), "a new start");
  int local = 0;
  expect(!relay.fibers.owns(0, reinterpret_cast<uint64_t>(&local)), "another stack");
}

int main() {
  testRaces();
  testWarpTraffic();
  testWarpOps();
  testWaveOps();
  testDeviceMemory();
  testOrder();
  testFibers();
  std::printf("%u wrong\n", failures);
  return failures ? 1 : 0;
}
