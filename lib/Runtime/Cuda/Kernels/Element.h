// Element types of the kernels: how they are stored, and loaded and stored as f32. Halves are
// rounded to nearest even.
#ifndef ABN_LIB_RUNTIME_CUDA_KERNELS_ELEMENT_H
#define ABN_LIB_RUNTIME_CUDA_KERNELS_ELEMENT_H

#include "abn/Runtime/Dnn.h"

namespace abn::kernels {

struct F32 {
  using Storage = float;
  static float load(const Storage *data, int64_t i) { return data[i]; }
  static void store(Storage *data, int64_t i, float value) { data[i] = value; }
};

struct F16 {
  using Storage = _Float16;
  static float load(const Storage *data, int64_t i) { return static_cast<float>(data[i]); }
  static void store(Storage *data, int64_t i, float value) {
    data[i] = static_cast<_Float16>(value);
  }
};

/// The upper half of an f32. By integers: sm_75 has no instructions for it.
struct BF16 {
  using Storage = uint16_t;
  static float load(const Storage *data, int64_t i) {
    return __builtin_bit_cast(float, static_cast<uint32_t>(data[i]) << 16);
  }
  static void store(Storage *data, int64_t i, float value) {
    auto bits = __builtin_bit_cast(uint32_t, value);
    bool isNan = (bits & 0x7fffffffu) > 0x7f800000u;
    data[i] = isNan ? (bits >> 16) | 0x40u : (bits + 0x7fffu + ((bits >> 16) & 1)) >> 16;
  }
};

/// Where the elements of a full-size operand lie.
struct Planes {
  Planes(int64_t layout, int64_t channels, const int64_t *sizes)
      : channels(channels), positions(sizes[0] * sizes[1] * sizes[2]),
        last(layout == ABN_DNN_CHANNELS_LAST) {}

  /// The element of image n and channel c at a position, flattened over the spatial dimensions.
  int64_t at(int64_t n, int64_t c, int64_t position) const {
    return last ? (n * positions + position) * channels + c
                : (n * channels + c) * positions + position;
  }

  int64_t channels, positions;
  bool last;
};

/// Image, channel and position of an element: neighbouring threads have neighbouring elements.
struct Place {
  Place(const Planes &planes, int64_t element) {
    int64_t inner = planes.last ? planes.channels : planes.positions;
    int64_t outer = planes.last ? planes.positions : planes.channels;
    int64_t fast = element % inner, slow = element / inner % outer;
    n = element / inner / outer;
    c = planes.last ? fast : slow;
    position = planes.last ? slow : fast;
  }

  int64_t n, c, position;
};

/// A position as one index per axis.
struct Axes {
  Axes(const int64_t *sizes, int64_t position) {
    index[2] = position % sizes[2];
    index[1] = position / sizes[2] % sizes[1];
    index[0] = position / sizes[2] / sizes[1];
  }
  int64_t operator[](int axis) const { return index[axis]; }

  int64_t index[ABN_DNN_MAX_SPATIAL];
};

inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

} // namespace abn::kernels

#endif // ABN_LIB_RUNTIME_CUDA_KERNELS_ELEMENT_H
