// Resizing, one element of a result at a time: axis 0 is interpolated first, so that its sums are
// the innermost ones. Positions are computed in f32, operation by operation (no contraction), as
// PyTorch does.
#ifndef ABN_LIB_RUNTIME_CUDA_KERNELS_RESIZE_H
#define ABN_LIB_RUNTIME_CUDA_KERNELS_RESIZE_H

#include "Element.h"

namespace abn::kernels {

/// What one destination position reads along an axis: `low` with 1 - weight, `high` with weight.
struct Sample {
  int64_t low, high;
  float weight;
};

/// One axis of a resize.
struct ResizedAxis {
  ResizedAxis(const AbnDnnResize &d, int axis)
      : isResized(axis < d.spatialRank && (d.hasScales || d.inputSize[axis] != d.outputSize[axis])),
        isLinear(d.mode == ABN_DNN_LINEAR), isHalf(d.coordinates == ABN_DNN_HALF_PIXEL),
        last(d.inputSize[axis] - 1), outputs(d.outputSize[axis]) {
    int64_t n = d.inputSize[axis], m = d.outputSize[axis];
    if (d.hasScales)
      scale = static_cast<float>(__builtin_bit_cast(double, d.scales[axis]));
    else if (d.coordinates == ABN_DNN_ALIGN_CORNERS)
      scale = m > 1 ? static_cast<float>(n - 1) / static_cast<float>(m - 1) : 0.0f;
    else
      scale = static_cast<float>(n) / static_cast<float>(m);
  }

  Sample sample(int64_t position) const {
    auto source = static_cast<float>(position);
    if (isHalf)
      source = source + 0.5f;
    source = source * scale;
    if (isHalf && isLinear)
      source = source - 0.5f > 0.0f ? source - 0.5f : 0.0f;
    // Clamped as a number first: a scale may lead beyond what an index holds.
    auto limit = static_cast<float>(last);
    auto low = smaller(static_cast<int64_t>(source < limit ? source : limit), last);
    if (!isLinear)
      return {low, low, 0.0f};
    float weight = source - static_cast<float>(low);
    return {low, smaller(low + 1, last), weight < 1.0f ? weight : 1.0f};
  }

  /// The first destination position whose `low` is at least `source`: `low` never falls.
  int64_t firstFrom(int64_t source) const {
    int64_t begin = 0, end = outputs;
    while (begin < end) {
      int64_t middle = begin + (end - begin) / 2;
      if (sample(middle).low < source)
        begin = middle + 1;
      else
        end = middle;
    }
    return begin;
  }

  bool isResized, isLinear, isHalf;
  int64_t last, outputs;
  float scale;
};

/// A factor of 0 adds nothing, whatever it meets.
inline void addScaled(float &sum, float value, float factor) {
  if (factor != 0.0f)
    sum += factor * value;
}

/// The value at a destination position along one axis; `load(source position)` gives what it reads.
template <typename Load>
inline float interpolate(const ResizedAxis &axis, int64_t position, Load load) {
  if (!axis.isResized)
    return load(position);
  Sample sample = axis.sample(position);
  float sum = 0;
  addScaled(sum, load(sample.low), 1.0f - sample.weight);
  addScaled(sum, load(sample.high), sample.weight);
  return sum;
}

/// The gradient at a source position along one axis; `load(destination position)` gives what reads
/// it.
template <typename Load> inline float gather(const ResizedAxis &axis, int64_t position, Load load) {
  if (!axis.isResized)
    return load(position);
  float sum = 0;
  for (int64_t i = axis.firstFrom(position - 1); i < axis.outputs; ++i) {
    Sample sample = axis.sample(i);
    if (sample.low > position)
      break;
    float value = load(i);
    if (sample.low == position)
      addScaled(sum, value, 1.0f - sample.weight);
    if (sample.high == position)
      addScaled(sum, value, sample.weight);
  }
  return sum;
}

template <typename T>
void resize(int64_t i, const AbnDnnResize &d, const typename T::Storage *input,
            typename T::Storage *output) {
  Planes in(d.layout, d.channels, d.inputSize), out(d.layout, d.channels, d.outputSize);
  Place place(out, i);
  Axes to(d.outputSize, place.position);
  ResizedAxis x(d, 0), y(d, 1), z(d, 2);
  T::store(output, i, interpolate(z, to[2], [&](int64_t k) {
             return interpolate(y, to[1], [&](int64_t j) {
               return interpolate(x, to[0], [&](int64_t i0) {
                 int64_t position = (i0 * d.inputSize[1] + j) * d.inputSize[2] + k;
                 return T::load(input, in.at(place.n, place.c, position));
               });
             });
           }));
}

template <typename T>
void resizeGrad(int64_t i, const AbnDnnResize &d, const typename T::Storage *outputGrad,
                typename T::Storage *inputGrad) {
  Planes in(d.layout, d.channels, d.inputSize), out(d.layout, d.channels, d.outputSize);
  Place place(in, i);
  Axes to(d.inputSize, place.position);
  ResizedAxis x(d, 0), y(d, 1), z(d, 2);
  T::store(inputGrad, i, gather(z, to[2], [&](int64_t k) {
             return gather(y, to[1], [&](int64_t j) {
               return gather(x, to[0], [&](int64_t i0) {
                 int64_t position = (i0 * d.outputSize[1] + j) * d.outputSize[2] + k;
                 return T::load(outputGrad, out.at(place.n, place.c, position));
               });
             });
           }));
}

} // namespace abn::kernels

#endif // ABN_LIB_RUNTIME_CUDA_KERNELS_RESIZE_H
