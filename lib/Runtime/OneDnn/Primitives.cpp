// The engine, the cache, and running a primitive on the caller's arrays.
#include "Primitives.h"
#include "Runtime/Dnn/Errors.h"
#include <unordered_map>

using namespace abn::runtime;
using dnnl::memory;

const dnnl::engine &abn::runtime::cpuEngine() {
  // Never destroyed: caches hold primitives of it until the process ends.
  static auto *engine = new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return *engine;
}

dnnl::primitive_attr abn::runtime::ownScratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

memory::desc abn::runtime::denseDesc(const memory::dims &sizes, bool channelsLast,
                                     size_t channelDim) {
  std::vector<size_t> order;
  for (size_t dim = 0; dim < sizes.size(); ++dim)
    if (!channelsLast || dim != channelDim)
      order.push_back(dim);
  if (channelsLast)
    order.push_back(channelDim);
  memory::dims strides(sizes.size());
  memory::dim stride = 1;
  for (auto dim = order.rbegin(); dim != order.rend(); ++dim) {
    strides[*dim] = stride;
    stride *= sizes[*dim];
  }
  return memory::desc(sizes, memory::data_type::f32, strides);
}

memory::desc abn::runtime::anyDesc(const memory::dims &sizes) {
  return memory::desc(sizes, memory::data_type::f32, memory::format_tag::any);
}

Prepared abn::runtime::prepare(const dnnl::primitive &primitive, const memory::desc &scratchpad,
                               std::vector<Slot> slots) {
  for (Slot &slot : slots) {
    if (slot.given == slot.used)
      continue;
    const memory::desc &from = slot.isResult ? slot.used : slot.given;
    const memory::desc &to = slot.isResult ? slot.given : slot.used;
    slot.reorder = dnnl::reorder(dnnl::reorder::primitive_desc(cpuEngine(), from, cpuEngine(), to));
  }
  return {primitive, scratchpad, std::move(slots)};
}

//===----------------------------------------------------------------------===//
// Scratch
//===----------------------------------------------------------------------===//

static constexpr size_t kAlignment = 64;

static size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

static size_t scratchBytes(const Prepared &prepared) {
  size_t bytes = aligned(prepared.scratchpad.get_size());
  for (const Slot &slot : prepared.slots)
    if (slot.reorder)
      bytes += aligned(slot.used.get_size());
  return bytes;
}

/// `bytes` aligned bytes: of the workspace, or of what the thread keeps.
static char *findScratch(Workspace workspace, size_t bytes) {
  auto start = aligned(reinterpret_cast<uintptr_t>(workspace.data));
  size_t lost = start - reinterpret_cast<uintptr_t>(workspace.data);
  if (workspace.data && workspace.bytes >= 0 && lost + bytes <= size_t(workspace.bytes))
    return reinterpret_cast<char *>(start);
  static thread_local std::vector<char> kept;
  if (kept.size() < bytes + kAlignment) {
    kept = {};
    kept.resize(bytes + kAlignment);
  }
  return reinterpret_cast<char *>(aligned(reinterpret_cast<uintptr_t>(kept.data())));
}

void abn::runtime::run(const Prepared &prepared, const std::vector<const void *> &arrays,
                       Workspace workspace) {
  static thread_local dnnl::stream stream(cpuEngine());
  char *scratch = findScratch(workspace, scratchBytes(prepared));
  auto take = [&](const memory::desc &desc) {
    memory taken(desc, cpuEngine(), scratch);
    scratch += aligned(desc.get_size());
    return taken;
  };
  std::unordered_map<int, memory> operands;
  if (prepared.scratchpad.get_size())
    operands[DNNL_ARG_SCRATCHPAD] = take(prepared.scratchpad);
  std::vector<memory> given;
  for (size_t i = 0; i < prepared.slots.size(); ++i) {
    const Slot &slot = prepared.slots[i];
    // The interface has no operands that are only read; it does not write to them.
    given.emplace_back(slot.given, cpuEngine(), const_cast<void *>(arrays[i]));
    operands[slot.argument] = slot.reorder ? take(slot.used) : given[i];
    if (slot.reorder && !slot.isResult)
      slot.reorder.execute(stream,
                           {{DNNL_ARG_FROM, given[i]}, {DNNL_ARG_TO, operands[slot.argument]}});
  }
  prepared.primitive.execute(stream, operands);
  for (size_t i = 0; i < prepared.slots.size(); ++i) {
    const Slot &slot = prepared.slots[i];
    if (slot.reorder && slot.isResult)
      slot.reorder.execute(stream,
                           {{DNNL_ARG_FROM, operands[slot.argument]}, {DNNL_ARG_TO, given[i]}});
  }
  stream.wait();
}

const Prepared &PrimitiveCache::get(std::vector<int64_t> key,
                                    const std::function<Prepared()> &make) {
  std::lock_guard<std::mutex> lock(mutex);
  auto found = prepared.find(key);
  if (found == prepared.end())
    found = prepared.emplace(std::move(key), make()).first;
  return found->second;
}
