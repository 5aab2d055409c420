// Plain loops over the windows of a pool: what oneDNN 2.6 has no primitive for.
#ifndef ABN_LIB_RUNTIME_ONEDNN_WINDOWS_H
#define ABN_LIB_RUNTIME_ONEDNN_WINDOWS_H

#include "Runtime/Dnn/Descriptors.h"
#include <algorithm>
#include <array>

namespace abn::runtime {

/// Where the elements of a full-size operand lie.
struct Planes {
  Planes(const AbnDnnPool &d, const int64_t *sizes)
      : channels(d.channels), positions(volume(sizes)), last(d.layout == ABN_DNN_CHANNELS_LAST) {}

  /// The element of image n and channel c at a position, flattened over the spatial dimensions.
  int64_t at(int64_t n, int64_t c, int64_t position) const {
    return last ? (n * positions + position) * channels + c
                : (n * channels + c) * positions + position;
  }

  int64_t channels, positions;
  bool last;
};

/// A window along each axis: its taps that lie in the input are start, start + dilation, ... below
/// end.
struct Window {
  Window(const AbnDnnPool &d, int64_t output) : d(d) {
    for (int axis = ABN_DNN_MAX_SPATIAL - 1; axis >= 0; --axis) {
      int64_t first = output % d.outputSize[axis] * d.strides[axis] - d.paddingLow[axis];
      int64_t step = d.dilations[axis];
      output /= d.outputSize[axis];
      from[axis] = first;
      end[axis] = std::min(first + step * (d.kernelSize[axis] - 1) + 1, d.inputSize[axis]);
      start[axis] = first < 0 ? first + (step - 1 - first) / step * step : first;
    }
  }

  /// Calls `visit(position)` for every tap in the input, in order.
  template <typename Visit> void forEach(Visit visit) const {
    for (int64_t i = start[0]; i < end[0]; i += d.dilations[0])
      for (int64_t j = start[1]; j < end[1]; j += d.dilations[1])
        for (int64_t k = start[2]; k < end[2]; k += d.dilations[2])
          visit((i * d.inputSize[1] + j) * d.inputSize[2] + k);
  }

  const AbnDnnPool &d;
  /// `from` may lie in the padding, `start` and `end` do not.
  std::array<int64_t, ABN_DNN_MAX_SPATIAL> from, start, end;
};

/// Calls `visit(n, c, output position, window)` for every window.
template <typename Visit> void forEachWindow(const AbnDnnPool &d, Visit visit) {
  int64_t outputs = volume(d.outputSize);
  for (int64_t n = 0; n < d.batch; ++n)
    for (int64_t c = 0; c < d.channels; ++c)
      for (int64_t output = 0; output < outputs; ++output)
        visit(n, c, output, Window(d, output));
}

} // namespace abn::runtime

#endif // ABN_LIB_RUNTIME_ONEDNN_WINDOWS_H
