// What a kernel's launches did, counted exactly: bytes, transactions, barriers, branches.
#ifndef ABN_RUNTIME_EMULATOR_COUNTERS_H
#define ABN_RUNTIME_EMULATOR_COUNTERS_H

#include "abn/Runtime/Instrumentation.h"
#include "llvm/ADT/SmallVector.h"
#include <array>
#include <deque>
#include <map>
#include <vector>

namespace abn::emulator {

using instrumentation::AccessKind;
using instrumentation::Space;

inline constexpr unsigned kWarpSize = 32;
/// AMD's CDNA has warps (wavefronts) of 64 threads.
inline constexpr unsigned kMaxWarpSize = 64;
/// The unit in which a GPU moves global memory.
inline constexpr uint64_t kSectorBytes = 32;

/// The accesses of one op.
struct SiteCounters {
  AccessKind kind = AccessKind::Load;
  Space space = Space::Global;
  /// Bytes that one thread moves at a time: what the promised alignment allows, at most 16.
  uint32_t width = 0;
  /// In units of `width`, over all threads.
  uint64_t accesses = 0;
  uint64_t bytes = 0;
  /// Distinct sectors per warp and execution of the op, summed; 0 for workgroup memory.
  uint64_t transactions = 0;
};

/// One kernel, over all its launches.
struct KernelCounters {
  uint64_t launches = 0, blocks = 0;
  /// Per block.
  uint64_t barriers = 0;
  /// Per warp; a vote is what is no shuffle.
  uint64_t shuffles = 0, votes = 0, branches = 0, divergentBranches = 0;
  /// By the number of the site.
  std::map<uint32_t, SiteCounters> sites;
};

/// Groups what the lanes of the warps of one block do into executions by a warp: the n-th execution
/// of a site by each lane is the n-th by the warp, whatever the order in which the threads run.
class WarpTraffic {
public:
  /// `counters` receives what is complete.
  WarpTraffic(KernelCounters &counters, unsigned threads, unsigned warpSize = kWarpSize);
  /// Counts what not all lanes took part in.
  ~WarpTraffic();

  void access(unsigned thread, uint32_t site, uint64_t address, uint32_t bytes);
  void branch(unsigned thread, uint32_t site, bool condition);

private:
  struct Execution {
    unsigned lanes = 0;
    llvm::SmallVector<uint64_t, 4> sectors;
    bool isTaken = false, isNotTaken = false;
  };

  /// The executions of one site by one warp that some lanes have not reached.
  struct Pending {
    std::array<uint32_t, kMaxWarpSize> next = {};
    uint32_t first = 0;
    std::deque<Execution> executions;
  };

  /// The execution that the thread is in now.
  Execution &enter(Pending &pending, unsigned thread);
  void countAccess(uint32_t site, const Execution &execution);
  void countBranch(const Execution &execution);
  /// Takes complete executions off the front.
  template <typename Count> void retire(Pending &pending, unsigned thread, Count count);
  unsigned getWarpLanes(unsigned thread) const;

  KernelCounters &counters;
  unsigned threads, warpSize;
  /// By warp, then by site.
  std::vector<std::map<uint32_t, Pending>> accesses, branches;
};

} // namespace abn::emulator

#endif // ABN_RUNTIME_EMULATOR_COUNTERS_H
