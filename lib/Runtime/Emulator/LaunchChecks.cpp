// What a launch says no to: accesses, races, assertions, threads that wait for each other in vain.
#include "DeviceFunctions.h"
#include "Launch.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>

using namespace abn::emulator;

static const char *toVerb(AccessKind kind) {
  switch (kind) {
  case AccessKind::Load:
    return "loaded";
  case AccessKind::Store:
    return "stored";
  case AccessKind::Atomic:
    return "atomically updated";
  }
  return "";
}

void Launch::access(const AccessRequest &request) {
  if (request.bytes == 0)
    return;
  if (!request.isInBounds)
    return fail("out-of-bounds",
                std::to_string(request.bytes) + " bytes are " + toVerb(request.kind) +
                    " outside of the memref that is indexed (" + describeAddress(request) + ")",
                request.site);
  if (request.address % request.alignment != 0)
    return fail("misaligned",
                "the address is not a multiple of " + std::to_string(request.alignment) +
                    " bytes, as the op promises (" + describeAddress(request) + ")",
                request.site);
  Space space = resolve(request);
  if (space == Space::Private)
    return;
  checkRace(request, space);
  SiteCounters &site = counters.sites[request.site];
  site.kind = request.kind;
  site.space = space;
  site.width = std::min({request.bytes, request.alignment, uint32_t(16)});
  site.accesses += request.bytes / site.width;
  site.bytes += request.bytes;
  if (space == Space::Global)
    traffic->access(current, request.site, request.address, request.bytes);
}

void Launch::branch(uint32_t site, bool condition) { traffic->branch(current, site, condition); }

Space Launch::resolve(const AccessRequest &request) {
  if (request.space == Space::Private || fibers.owns(current, request.address))
    return Space::Private;
  DeviceMemory::Range dynamic = {reinterpret_cast<uint64_t>(findDeviceFunction(kDynamicWorkgroup)),
                                 shape.dynamicBytes, DeviceMemory::State::Live};
  if (dynamic.contains(request.address, request.bytes) ||
      llvm::any_of(kernel.workgroup, [&](const WorkgroupBuffer &buffer) {
        return DeviceMemory::Range{buffer.begin, buffer.bytes, DeviceMemory::State::Live}.contains(
            request.address, request.bytes);
      }))
    return Space::Workgroup;
  if (request.space == Space::Workgroup)
    fail("out-of-bounds",
         std::to_string(request.bytes) + " bytes are " + toVerb(request.kind) +
             " outside of the workgroup memory of the launch (" +
             std::to_string(shape.dynamicBytes) + " dynamic bytes)",
         request.site);
  const DeviceMemory::Range *range = memory.find(request.address);
  if (range && range->state == DeviceMemory::State::Freed && range->contains(request.address, 1))
    fail("use-after-free",
         std::to_string(request.bytes) + " bytes of freed memory are " + toVerb(request.kind) +
             " (" + describeAddress(request) + ")",
         request.site);
  if (!range || !range->contains(request.address, request.bytes))
    fail("out-of-bounds",
         std::to_string(request.bytes) + " bytes are " + toVerb(request.kind) +
             " outside of the device's allocations (" + describeAddress(request) + ")",
         request.site);
  return Space::Global;
}

void Launch::checkRace(const AccessRequest &request, Space space) {
  Accessor accessor;
  accessor.block = block;
  accessor.epoch = epoch;
  accessor.thread = current;
  accessor.site = request.site;
  ShadowMemory &shadow = space == Space::Workgroup ? workgroupShadow : globalShadow;
  std::optional<Race> race = shadow.record(request.address, request.bytes, request.kind, accessor);
  if (!race)
    return;
  const Accessor &earlier = race->earlier;
  std::string message =
      std::string("data race: ") + std::to_string(request.bytes) + " bytes are " +
      toVerb(request.kind) + " that thread " + toString(getThread(earlier.thread)) + " of block " +
      toString(getBlock(earlier.block)) + " " + toVerb(race->earlierKind) + " by " +
      kernel.image->describeSite(earlier.site) +
      (earlier.block == block ? " with no barrier in between" : "; blocks are not ordered") + " (" +
      describeAddress(request) + ")";
  Error made = makeError("race", message, {getThread(current), getThread(earlier.thread)},
                         {request.site, earlier.site});
  abandon(std::move(made));
}

std::string Launch::describeAddress(const AccessRequest &request) const {
  const DeviceMemory::Range *range = memory.find(request.address);
  if (!range || request.space == Space::Workgroup || request.address - range->begin > range->bytes)
    return request.space == Space::Workgroup ? "workgroup memory" : "at an unknown address";
  return "at byte " + std::to_string(request.address - range->begin) + " of an allocation of " +
         std::to_string(range->bytes);
}

void Launch::failAssertion(const std::string &message) {
  fail("assertion", "assertion failed: " + message, threads[current].site);
}

std::string Launch::describeWait(unsigned thread) const {
  const Thread &state = threads[thread];
  std::string name = "thread " + toString(getThread(thread));
  if (state.state == State::Finished)
    return name + " has finished";
  std::string what = state.state == State::AtBarrier ? "a barrier"
                     : isShuffle(state.request.op)   ? "a shuffle"
                                                     : "a vote";
  return name + " waits at " + what + ", " + kernel.image->describeSite(state.site);
}

Error Launch::diagnoseDivergence() const {
  // Warp ops first: threads at a barrier may be waiting for those.
  unsigned blocked = threads.size(), blocker = threads.size();
  for (State state : {State::AtBarrier, State::AtWarpOp})
    for (unsigned thread = threads.size(); thread-- > 0;) {
      if (threads[thread].state != state)
        continue;
      unsigned first = state == State::AtWarpOp ? thread / kernel.warpSize * kernel.warpSize : 0;
      unsigned end = state == State::AtWarpOp
                         ? std::min<unsigned>(first + kernel.warpSize, threads.size())
                         : threads.size();
      for (unsigned other = first; other < end; ++other) {
        bool isAwaited =
            state == State::AtBarrier || (threads[thread].request.mask >> (other - first) & 1);
        if (isAwaited && !waitTogether(threads[thread], threads[other])) {
          blocked = thread;
          blocker = other;
          break;
        }
      }
    }
  std::vector<uint32_t> sites = {threads[blocked].site};
  if (threads[blocker].state != State::Finished)
    sites.push_back(threads[blocker].site);
  return makeError("divergence",
                   std::string("divergent ") +
                       (threads[blocked].state == State::AtBarrier ? "barrier: " : "warp op: ") +
                       describeWait(blocked) + ", and " + describeWait(blocker),
                   {getThread(blocked), getThread(blocker)}, std::move(sites));
}

Error Launch::makeError(const char *kind, const std::string &message,
                        std::vector<Dim3> errorThreads, std::vector<uint32_t> errorSites) const {
  Error made;
  made.kind = kind;
  made.kernel = kernel.name;
  made.block = getBlock(block);
  made.threads = std::move(errorThreads);
  for (uint32_t site : errorSites)
    made.sites.push_back(kernel.image->describeSite(site));
  made.message = "kernel " + kernel.name + ", block " + toString(*made.block);
  if (!made.threads.empty())
    made.message += ", thread " + toString(made.threads.front());
  if (!made.sites.empty())
    made.message += ", " + made.sites.front();
  made.message += ": " + message;
  return made;
}

void Launch::fail(const char *kind, const std::string &message, uint32_t site) {
  std::vector<uint32_t> sites;
  if (site != 0)
    sites.push_back(site);
  error = makeError(kind, message, {getThread(current)}, std::move(sites));
  fibers.suspend();
}

void Launch::abandon(Error newError) {
  error = std::move(newError);
  fibers.suspend();
}
