#include "Fibers.h"
#include <sys/mman.h>
#include <unistd.h>

using namespace abn::emulator;
using namespace boost::context::detail;

static constexpr uint64_t kStackBytes = 256 << 10;

Fibers::~Fibers() {
  for (char *stack : stacks)
    munmap(stack, kStackBytes);
}

bool Fibers::reserve(unsigned count) {
  while (stacks.size() < count) {
    void *stack = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED)
      return false;
    stacks.push_back(static_cast<char *>(stack));
    if (mprotect(stack, sysconf(_SC_PAGESIZE), PROT_NONE) != 0)
      return false;
  }
  return true;
}

bool Fibers::start(unsigned count, Body newBody, void *newArgument) {
  if (!reserve(count))
    return false;
  body = newBody;
  argument = newArgument;
  contexts.clear();
  for (unsigned fiber = 0; fiber < count; ++fiber)
    contexts.push_back(make_fcontext(stacks[fiber] + kStackBytes, kStackBytes, run));
  return true;
}

void Fibers::run(transfer_t from) {
  auto *fibers = static_cast<Fibers *>(from.data);
  fibers->scheduler = from.fctx;
  fibers->body(fibers->argument);
  fibers->suspend();
}

void Fibers::resume(unsigned fiber) { contexts[fiber] = jump_fcontext(contexts[fiber], this).fctx; }

void Fibers::suspend() { scheduler = jump_fcontext(scheduler, nullptr).fctx; }

bool Fibers::owns(unsigned fiber, uint64_t address) const {
  auto begin = reinterpret_cast<uint64_t>(stacks[fiber]);
  return address >= begin && address - begin < kStackBytes;
}
