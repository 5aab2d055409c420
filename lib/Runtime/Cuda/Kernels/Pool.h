// Pools, one element of a result at a time.
#ifndef ABN_LIB_RUNTIME_CUDA_KERNELS_POOL_H
#define ABN_LIB_RUNTIME_CUDA_KERNELS_POOL_H

#include "Windows.h"

namespace abn::kernels {

inline Planes inputPlanes(const AbnDnnPool &d) { return {d.layout, d.channels, d.inputSize}; }
inline Planes outputPlanes(const AbnDnnPool &d) { return {d.layout, d.channels, d.outputSize}; }

/// The first of equal values, the last NaN; -1 and -inf for a window that covers no element.
template <typename T>
void maxPool(int64_t i, const AbnDnnPool &d, const typename T::Storage *input,
             typename T::Storage *output, int64_t *indices) {
  Planes in = inputPlanes(d);
  Place place(outputPlanes(d), i);
  float best = -__builtin_inff();
  int64_t index = -1;
  forEachTap(Geometry(d), Axes(d.outputSize, place.position), [&](int64_t position, int64_t) {
    float value = T::load(input, in.at(place.n, place.c, position));
    if (value > best || value != value || index < 0) {
      best = value;
      index = position;
    }
  });
  T::store(output, i, best);
  indices[i] = index;
}

template <typename T>
void maxPoolGrad(int64_t i, const AbnDnnPool &d, const typename T::Storage *outputGrad,
                 const int64_t *indices, typename T::Storage *inputGrad) {
  Planes out = outputPlanes(d);
  Place place(inputPlanes(d), i);
  float sum = 0;
  forEachWindow(Geometry(d), Axes(d.inputSize, place.position), [&](int64_t window, int64_t) {
    int64_t at = out.at(place.n, place.c, window);
    if (indices[at] == place.position)
      sum += T::load(outputGrad, at);
  });
  T::store(inputGrad, i, sum);
}

/// What the sum over a window is divided by.
inline float divisorOf(const AbnDnnPool &d, const Axes &window) {
  if (d.divisorOverride)
    return static_cast<float>(d.divisorOverride);
  Geometry g(d);
  int64_t count = 1;
  for (int axis = 0; axis < ABN_DNN_MAX_SPATIAL; ++axis) {
    int64_t start = g.first(axis, window[axis]), end = start + d.kernelSize[axis];
    end = smaller(end, d.inputSize[axis] + d.paddingHigh[axis]);
    if (!d.countIncludePad) {
      start = larger(start, 0);
      end = smaller(end, d.inputSize[axis]);
    }
    count *= end - start;
  }
  return static_cast<float>(larger(count, 1));
}

template <typename T>
void averagePool(int64_t i, const AbnDnnPool &d, const typename T::Storage *input,
                 typename T::Storage *output) {
  Planes in = inputPlanes(d);
  Place place(outputPlanes(d), i);
  Axes window(d.outputSize, place.position);
  float sum = 0;
  forEachTap(Geometry(d), window, [&](int64_t position, int64_t) {
    sum += T::load(input, in.at(place.n, place.c, position));
  });
  T::store(output, i, sum / divisorOf(d, window));
}

template <typename T>
void averagePoolGrad(int64_t i, const AbnDnnPool &d, const typename T::Storage *outputGrad,
                     typename T::Storage *inputGrad) {
  Planes out = outputPlanes(d);
  Place place(inputPlanes(d), i);
  float sum = 0;
  forEachWindow(Geometry(d), Axes(d.inputSize, place.position), [&](int64_t window, int64_t) {
    float gradient = T::load(outputGrad, out.at(place.n, place.c, window));
    sum += gradient / divisorOf(d, Axes(d.outputSize, window));
  });
  T::store(inputGrad, i, sum);
}

} // namespace abn::kernels

#endif // ABN_LIB_RUNTIME_CUDA_KERNELS_POOL_H
