#include "Counters.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>

using namespace abn::emulator;

WarpTraffic::WarpTraffic(KernelCounters &counters, unsigned threads, unsigned warpSize)
    : counters(counters), threads(threads), warpSize(warpSize),
      accesses((threads + warpSize - 1) / warpSize), branches(accesses.size()) {}

WarpTraffic::~WarpTraffic() {
  for (auto &warp : accesses)
    for (auto &[site, pending] : warp)
      for (const Execution &execution : pending.executions)
        countAccess(site, execution);
  for (auto &warp : branches)
    for (auto &[site, pending] : warp)
      for (const Execution &execution : pending.executions)
        countBranch(execution);
}

unsigned WarpTraffic::getWarpLanes(unsigned thread) const {
  return std::min(warpSize, threads - thread / warpSize * warpSize);
}

WarpTraffic::Execution &WarpTraffic::enter(Pending &pending, unsigned thread) {
  uint32_t index = pending.next[thread % warpSize]++ - pending.first;
  if (index == pending.executions.size())
    pending.executions.emplace_back();
  Execution &execution = pending.executions[index];
  ++execution.lanes;
  return execution;
}

template <typename Count> void WarpTraffic::retire(Pending &pending, unsigned thread, Count count) {
  while (!pending.executions.empty() && pending.executions.front().lanes == getWarpLanes(thread)) {
    count(pending.executions.front());
    pending.executions.pop_front();
    ++pending.first;
  }
}

void WarpTraffic::countAccess(uint32_t site, const Execution &execution) {
  counters.sites[site].transactions += execution.sectors.size();
}

void WarpTraffic::countBranch(const Execution &execution) {
  ++counters.branches;
  if (execution.isTaken && execution.isNotTaken)
    ++counters.divergentBranches;
}

void WarpTraffic::access(unsigned thread, uint32_t site, uint64_t address, uint32_t bytes) {
  Pending &pending = accesses[thread / warpSize][site];
  Execution &execution = enter(pending, thread);
  for (uint64_t sector = address / kSectorBytes; sector <= (address + bytes - 1) / kSectorBytes;
       ++sector)
    // Neighbours come in order: looked for from the back.
    if (!llvm::is_contained(llvm::reverse(execution.sectors), sector))
      execution.sectors.push_back(sector);
  retire(pending, thread, [&](const Execution &complete) { countAccess(site, complete); });
}

void WarpTraffic::branch(unsigned thread, uint32_t site, bool condition) {
  Pending &pending = branches[thread / warpSize][site];
  Execution &execution = enter(pending, thread);
  (condition ? execution.isTaken : execution.isNotTaken) = true;
  retire(pending, thread, [&](const Execution &complete) { countBranch(complete); });
}
