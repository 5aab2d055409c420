// oneDNN's primitives, made once per descriptor, and how they run on the caller's arrays.
#ifndef ABN_LIB_RUNTIME_ONEDNN_PRIMITIVES_H
#define ABN_LIB_RUNTIME_ONEDNN_PRIMITIVES_H

#include "oneapi/dnnl/dnnl.hpp"
#include <functional>
#include <map>
#include <mutex>
#include <vector>

namespace abn::runtime {

/// The one CPU engine.
const dnnl::engine &cpuEngine();

/// Attributes of every primitive: its scratchpad is ours.
dnnl::primitive_attr ownScratchpad();

/// Rows of an array: dimensions from the slowest to the fastest, or, with `channelsLast`, with
/// dimension `channelDim` behind all others. In f32.
dnnl::memory::desc denseDesc(const dnnl::memory::dims &sizes, bool channelsLast, size_t channelDim);
/// As denseDesc, in whatever order a primitive likes best.
dnnl::memory::desc anyDesc(const dnnl::memory::dims &sizes);

/// An operand of a primitive.
struct Slot {
  int argument;             // DNNL_ARG_*
  dnnl::memory::desc given; // as the caller stores it
  dnnl::memory::desc used;  // as the primitive reads or writes it
  bool isResult;
  dnnl::primitive reorder; // between the two, where they differ
};

struct Prepared {
  dnnl::primitive primitive;
  dnnl::memory::desc scratchpad;
  std::vector<Slot> slots;
};

/// A primitive with its operands, in the order in which `run` takes them.
Prepared prepare(const dnnl::primitive &primitive, const dnnl::memory::desc &scratchpad,
                 std::vector<Slot> slots);

/// What the caller lends.
struct Workspace {
  void *data;
  int64_t bytes;
};

/// Runs a primitive on one array per slot. Reordered copies and the scratchpad lie in the workspace
/// if it is large enough, else in memory that the thread keeps for its next call.
void run(const Prepared &prepared, const std::vector<const void *> &arrays, Workspace workspace);

/// Primitives by descriptor: one cache per kind of primitive. Never shrinks: a program has finitely
/// many.
class PrimitiveCache {
public:
  /// `key` says all that `make` depends on.
  const Prepared &get(std::vector<int64_t> key, const std::function<Prepared()> &make);

private:
  std::mutex mutex;
  std::map<std::vector<int64_t>, Prepared> prepared;
};

/// The entries of a descriptor as a key, with one more.
template <typename Descriptor> std::vector<int64_t> keyOf(const Descriptor &d, int64_t more = 0) {
  auto *entries = reinterpret_cast<const int64_t *>(&d);
  std::vector<int64_t> key(entries, entries + sizeof d / sizeof(int64_t));
  key.push_back(more);
  return key;
}

/// The first `rank` entries of a spatial array.
inline dnnl::memory::dims axes(const int64_t *values, int64_t rank) {
  return dnnl::memory::dims(values, values + rank);
}

/// [outer..., spatial...].
inline dnnl::memory::dims withAxes(dnnl::memory::dims outer, const int64_t *values, int64_t rank) {
  outer.insert(outer.end(), values, values + rank);
  return outer;
}

} // namespace abn::runtime

#endif // ABN_LIB_RUNTIME_ONEDNN_PRIMITIVES_H
