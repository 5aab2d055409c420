// Convolutions that cuDNN has no deterministic algorithm for, one element of a result at a time:
// right, not fast. Sums are of f64, as a filter's gradient may have millions of terms.
#ifndef ABN_LIB_RUNTIME_CUDA_KERNELS_CONVOLUTION_H
#define ABN_LIB_RUNTIME_CUDA_KERNELS_CONVOLUTION_H

#include "Windows.h"

namespace abn::kernels {

inline Planes inputPlanes(const AbnDnnConvolution &d) {
  return {d.layout, d.channels, d.inputSize};
}
inline Planes outputPlanes(const AbnDnnConvolution &d) {
  return {d.layout, d.filters, d.outputSize};
}
/// A filter's planes are those of an image with its channels per group and its taps as positions.
inline Planes filterPlanes(const AbnDnnConvolution &d) {
  return {d.layout, d.channels / d.groups, d.filterSize};
}

template <typename T>
void convolution(int64_t i, const AbnDnnConvolution &d, const typename T::Storage *input,
                 const typename T::Storage *filter, const typename T::Storage *bias,
                 typename T::Storage *output) {
  Planes in = inputPlanes(d), taps = filterPlanes(d);
  Place place(outputPlanes(d), i);
  int64_t first = place.c / (d.filters / d.groups) * taps.channels;
  double sum = bias ? T::load(bias, place.c) : 0.0;
  forEachTap(Geometry(d), Axes(d.outputSize, place.position), [&](int64_t position, int64_t tap) {
    for (int64_t c = 0; c < taps.channels; ++c)
      sum += static_cast<double>(T::load(input, in.at(place.n, first + c, position))) *
             T::load(filter, taps.at(place.c, c, tap));
  });
  T::store(output, i, static_cast<float>(sum));
}

template <typename T>
void convolutionInputGrad(int64_t i, const AbnDnnConvolution &d,
                          const typename T::Storage *outputGrad, const typename T::Storage *filter,
                          typename T::Storage *inputGrad) {
  Planes out = outputPlanes(d), taps = filterPlanes(d);
  Place place(inputPlanes(d), i);
  int64_t group = place.c / taps.channels, perGroup = d.filters / d.groups;
  int64_t c = place.c % taps.channels;
  double sum = 0;
  forEachWindow(Geometry(d), Axes(d.inputSize, place.position), [&](int64_t window, int64_t tap) {
    for (int64_t f = group * perGroup; f < (group + 1) * perGroup; ++f)
      sum += static_cast<double>(T::load(outputGrad, out.at(place.n, f, window))) *
             T::load(filter, taps.at(f, c, tap));
  });
  T::store(inputGrad, i, static_cast<float>(sum));
}

template <typename T>
void convolutionWeightGrad(int64_t i, const AbnDnnConvolution &d,
                           const typename T::Storage *outputGrad, const typename T::Storage *input,
                           typename T::Storage *filterGrad) {
  Planes in = inputPlanes(d), out = outputPlanes(d), taps = filterPlanes(d);
  Place place(taps, i);
  int64_t f = place.n, c = f / (d.filters / d.groups) * taps.channels + place.c;
  Axes tap(d.filterSize, place.position);
  Geometry g(d);
  double sum = 0;
  for (int64_t n = 0; n < d.batch; ++n)
    for (int64_t window = 0; window < out.positions; ++window) {
      Axes at(d.outputSize, window);
      int64_t position = 0;
      bool isInside = true;
      for (int axis = 0; axis < ABN_DNN_MAX_SPATIAL; ++axis) {
        int64_t index = g.first(axis, at[axis]) + tap[axis] * d.dilations[axis];
        isInside = isInside && index >= 0 && index < d.inputSize[axis];
        position = position * d.inputSize[axis] + index;
      }
      if (isInside)
        sum += static_cast<double>(T::load(outputGrad, out.at(n, f, window))) *
               T::load(input, in.at(n, c, position));
    }
  T::store(filterGrad, i, static_cast<float>(sum));
}

/// A copy between an image and the same with other paddings.
struct Shift {
  int64_t layout, channels;
  int64_t from[ABN_DNN_MAX_SPATIAL], to[ABN_DNN_MAX_SPATIAL];
  /// Where element 0 of the source lies in the destination; negative if it is cut off.
  int64_t offset[ABN_DNN_MAX_SPATIAL];
};

/// Zeros where the destination has more than the source.
template <typename Bits> void shift(int64_t i, const Shift &d, const Bits *from, Bits *to) {
  Planes source(d.layout, d.channels, d.from);
  Place place(Planes(d.layout, d.channels, d.to), i);
  Axes at(d.to, place.position);
  int64_t position = 0;
  bool isInside = true;
  for (int axis = 0; axis < ABN_DNN_MAX_SPATIAL; ++axis) {
    int64_t index = at[axis] - d.offset[axis];
    isInside = isInside && index >= 0 && index < d.from[axis];
    position = position * d.from[axis] + index;
  }
  to[i] = isInside ? from[source.at(place.n, place.c, position)] : Bits(0);
}

} // namespace abn::kernels

#endif // ABN_LIB_RUNTIME_CUDA_KERNELS_CONVOLUTION_H
