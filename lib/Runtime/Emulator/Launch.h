// One launch of a kernel: its blocks one after the other, the threads of a block as fibres.
#ifndef ABN_RUNTIME_EMULATOR_LAUNCH_H
#define ABN_RUNTIME_EMULATOR_LAUNCH_H

#include "Counters.h"
#include "DeviceMemory.h"
#include "Error.h"
#include "Fibers.h"
#include "KernelImage.h"
#include "Schedule.h"
#include "ShadowMemory.h"
#include "WarpOps.h"

namespace abn::emulator {

struct LaunchShape {
  Dim3 grid, block;
  uint32_t dynamicBytes;
};

/// An access as the instrumentation describes it.
struct AccessRequest {
  uint64_t address;
  uint32_t bytes, alignment;
  AccessKind kind;
  Space space;
  bool isInBounds;
  uint32_t site;
};

/// Runs a kernel and checks it. A thread that does what is wrong never returns to its kernel, and
/// no other thread of the launch runs any more.
class Launch {
public:
  Launch(const Kernel &kernel, const LaunchShape &shape, const Schedule &schedule,
         const DeviceMemory &memory, Fibers &fibers, KernelCounters &counters);

  /// The error that ended it, if one did.
  std::optional<Error> run(void **arguments);

  /// The launch that is running; device functions are called by its current thread.
  static Launch &getRunning() { return *running; }

  uint32_t getThreadId(unsigned dim) const { return getThread(current)[dim]; }
  uint32_t getLane() const { return current % kernel.warpSize; }
  uint32_t getBlockId(unsigned dim) const { return getBlock(block)[dim]; }
  const LaunchShape &getShape() const { return shape; }

  void access(const AccessRequest &request);
  void branch(uint32_t site, bool condition);
  /// The site of the barrier, warp op or assertion that the current thread comes to next.
  void setSite(uint32_t site) { threads[current].site = site; }
  void barrier(uint32_t number);
  WarpResult warpOp(const WarpRequest &request);
  void failAssertion(const std::string &message);

private:
  enum class State : uint8_t { Ready, AtBarrier, AtWarpOp, Finished };

  struct Thread {
    State state = State::Ready;
    /// Of the barrier or warp op where it waits.
    uint32_t site = 0, barrier = 0;
    WarpRequest request = {};
    WarpResult result = {};
  };

  static void runThread(void *launch);
  bool runBlock();
  void poisonWorkgroup() const;
  void releaseBarrier();
  bool isWarpOpComplete(unsigned thread) const;
  void completeWarpOp();
  /// Whether the two wait at the same barrier, or at the same warp op.
  bool waitTogether(const Thread &a, const Thread &b) const;

  Space resolve(const AccessRequest &request);
  void checkRace(const AccessRequest &request, Space space);
  std::string describeAddress(const AccessRequest &request) const;

  /// Why no thread can go on.
  Error diagnoseDivergence() const;
  std::string describeWait(unsigned thread) const;
  /// An error of this block; the message is put behind where it happened.
  Error makeError(const char *kind, const std::string &message, std::vector<Dim3> errorThreads,
                  std::vector<uint32_t> errorSites) const;
  /// Ends the launch with an error of the current thread and does not come back: what the frames of
  /// the thread own, such as a message, is lost.
  void fail(const char *kind, const std::string &message, uint32_t site);
  void abandon(Error newError);

  Dim3 getThread(unsigned thread) const;
  Dim3 getBlock(uint32_t number) const;
  unsigned getThreadCount() const { return shape.block[0] * shape.block[1] * shape.block[2]; }

  static Launch *running;

  const Kernel &kernel;
  LaunchShape shape;
  const DeviceMemory &memory;
  Fibers &fibers;
  KernelCounters &counters;
  Order blockOrder, threadOrder;
  ShadowMemory globalShadow, workgroupShadow;
  std::unique_ptr<WarpTraffic> traffic;
  std::vector<Thread> threads;
  void **arguments = nullptr;
  uint32_t block = 0, epoch = 0;
  unsigned current = 0, waiting = 0, finished = 0;
  std::optional<Error> error;
};

} // namespace abn::emulator

#endif // ABN_RUNTIME_EMULATOR_LAUNCH_H
