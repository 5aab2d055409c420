#include "Launch.h"
#include "DeviceFunctions.h"
#include "llvm/ADT/STLExtras.h"
#include <cstring>

using namespace abn::emulator;

Launch *Launch::running = nullptr;

static uint32_t getCount(const Dim3 &dim) { return dim[0] * dim[1] * dim[2]; }

Launch::Launch(const Kernel &kernel, const LaunchShape &shape, const Schedule &schedule,
               const DeviceMemory &memory, Fibers &fibers, KernelCounters &counters)
    : kernel(kernel), shape(shape), memory(memory), fibers(fibers), counters(counters),
      blockOrder(schedule, getCount(shape.grid)), threadOrder(schedule, getCount(shape.block)) {}

std::optional<Error> Launch::run(void **kernelArguments) {
  arguments = kernelArguments;
  running = this;
  ++counters.launches;
  for (uint32_t next : blockOrder.next()) {
    block = next;
    if (!runBlock())
      break;
  }
  running = nullptr;
  return std::move(error);
}

void Launch::runThread(void *launch) {
  auto *self = static_cast<Launch *>(launch);
  self->kernel.entry(self->arguments);
  self->threads[self->current].state = State::Finished;
  ++self->finished;
}

bool Launch::runBlock() {
  ++counters.blocks;
  epoch = waiting = finished = 0;
  poisonWorkgroup();
  workgroupShadow.clear();
  traffic = std::make_unique<WarpTraffic>(counters, getThreadCount(), kernel.warpSize);
  threads.assign(getThreadCount(), Thread());
  if (!fibers.start(threads.size(), runThread, this)) {
    error = makeError("out-of-memory", "no host memory for the stacks of the threads", {}, {});
    return false;
  }
  while (finished < threads.size()) {
    bool isProgress = false;
    for (uint32_t thread : threadOrder.next()) {
      if (threads[thread].state != State::Ready)
        continue;
      isProgress = true;
      current = thread;
      fibers.resume(thread);
      if (error)
        return false;
    }
    if (!isProgress) {
      error = diagnoseDivergence();
      return false;
    }
  }
  return true;
}

void Launch::poisonWorkgroup() const {
  for (const WorkgroupBuffer &buffer : kernel.workgroup)
    std::memset(reinterpret_cast<void *>(buffer.begin), 0xFF, buffer.bytes);
  std::memset(findDeviceFunction(kDynamicWorkgroup), 0xFF, shape.dynamicBytes);
}

void Launch::barrier(uint32_t number) {
  Thread &thread = threads[current];
  thread.state = State::AtBarrier;
  thread.barrier = number;
  if (++waiting == threads.size() &&
      llvm::all_of(threads, [&](const Thread &other) { return waitTogether(thread, other); }))
    releaseBarrier();
  fibers.suspend();
}

void Launch::releaseBarrier() {
  ++counters.barriers;
  ++epoch;
  waiting = 0;
  for (Thread &thread : threads) {
    thread.state = State::Ready;
    thread.site = 0;
  }
}

bool Launch::waitTogether(const Thread &a, const Thread &b) const {
  if (a.state != b.state || a.site != b.site)
    return false;
  if (a.state == State::AtBarrier)
    return a.barrier == b.barrier;
  return a.request.op == b.request.op && a.request.mask == b.request.mask;
}

bool Launch::isWarpOpComplete(unsigned thread) const {
  unsigned first = thread / kernel.warpSize * kernel.warpSize;
  for (unsigned lane = 0; lane < kernel.warpSize && first + lane < threads.size(); ++lane)
    if ((threads[thread].request.mask >> lane & 1) &&
        !waitTogether(threads[thread], threads[first + lane]))
      return false;
  return true;
}

WarpResult Launch::warpOp(const WarpRequest &request) {
  Thread &thread = threads[current];
  if (!(request.mask >> getLane() & 1))
    fail("divergence", "the thread is not in the mask of the warp op that it executes",
         thread.site);
  thread.state = State::AtWarpOp;
  thread.request = request;
  if (isWarpOpComplete(current))
    completeWarpOp();
  fibers.suspend();
  if (!(request.mask >> thread.result.source & 1) ||
      current / kernel.warpSize * kernel.warpSize + thread.result.source >= threads.size())
    fail("divergence",
         "the shuffle reads lane " + std::to_string(thread.result.source) +
             ", which does not take part in it",
         thread.site);
  thread.site = 0;
  return thread.result;
}

void Launch::completeWarpOp() {
  unsigned first = current / kernel.warpSize * kernel.warpSize;
  uint64_t mask = threads[current].request.mask;
  WarpOp op = threads[current].request.op;
  std::array<WarpRequest, kMaxWarpSize> requests = {};
  auto forEachLane = [&](auto visit) {
    for (unsigned lane = 0; lane < kernel.warpSize && first + lane < threads.size(); ++lane)
      if (mask >> lane & 1)
        visit(lane, threads[first + lane]);
  };
  // A mask may name lanes that a last, smaller warp does not have.
  uint64_t present = 0;
  forEachLane([&](unsigned lane, const Thread &thread) {
    requests[lane] = thread.request;
    present |= uint64_t(1) << lane;
  });
  forEachLane([&](unsigned lane, Thread &) { requests[lane].mask = present; });
  forEachLane([&](unsigned lane, Thread &thread) {
    thread.result = evaluate(lane, llvm::ArrayRef(requests).take_front(kernel.warpSize));
    thread.state = State::Ready;
  });
  ++(isShuffle(op) ? counters.shuffles : counters.votes);
}

Dim3 Launch::getThread(unsigned thread) const {
  return {thread % shape.block[0], thread / shape.block[0] % shape.block[1],
          thread / (shape.block[0] * shape.block[1])};
}

Dim3 Launch::getBlock(uint32_t number) const {
  return {number % shape.grid[0], number / shape.grid[0] % shape.grid[1],
          number / (shape.grid[0] * shape.grid[1])};
}
