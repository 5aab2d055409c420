// Windows of convolutions and pools, from both sides: the positions that a window covers, and the
// windows that cover a position. Gradients gather by the latter: no two threads write one element,
// and the order of a sum is that of the windows.
#ifndef ABN_LIB_RUNTIME_CUDA_KERNELS_WINDOWS_H
#define ABN_LIB_RUNTIME_CUDA_KERNELS_WINDOWS_H

#include "Element.h"

namespace abn::kernels {

/// What `AbnDnnConvolution` and `AbnDnnPool` say about windows.
struct Geometry {
  explicit Geometry(const AbnDnnConvolution &d)
      : input(d.inputSize), kernel(d.filterSize), output(d.outputSize), strides(d.strides),
        low(d.paddingLow), dilations(d.dilations) {}
  explicit Geometry(const AbnDnnPool &d)
      : input(d.inputSize), kernel(d.kernelSize), output(d.outputSize), strides(d.strides),
        low(d.paddingLow), dilations(d.dilations) {}

  /// Where tap 0 of the window lies; negative in the padding.
  int64_t first(int axis, int64_t window) const { return window * strides[axis] - low[axis]; }

  const int64_t *input, *kernel, *output, *strides, *low, *dilations;
};

/// Calls `visit(input position, tap)` for each tap of a window that lies in the input, in order.
template <typename Visit>
inline void forEachTap(const Geometry &g, const Axes &window, Visit visit) {
  for (int64_t a = 0; a < g.kernel[0]; ++a) {
    int64_t i = g.first(0, window[0]) + a * g.dilations[0];
    if (i < 0 || i >= g.input[0])
      continue;
    for (int64_t b = 0; b < g.kernel[1]; ++b) {
      int64_t j = g.first(1, window[1]) + b * g.dilations[1];
      if (j < 0 || j >= g.input[1])
        continue;
      for (int64_t c = 0; c < g.kernel[2]; ++c) {
        int64_t k = g.first(2, window[2]) + c * g.dilations[2];
        if (k >= 0 && k < g.input[2])
          visit((i * g.input[1] + j) * g.input[2] + k, (a * g.kernel[1] + b) * g.kernel[2] + c);
      }
    }
  }
}

/// The windows along one axis that may cover a position: from `begin` to `end`.
struct Covering {
  Covering(const Geometry &g, int axis, int64_t position) {
    int64_t padded = position + g.low[axis], stride = g.strides[axis];
    int64_t before = padded - g.dilations[axis] * (g.kernel[axis] - 1);
    begin = before <= 0 ? 0 : (before + stride - 1) / stride;
    end = smaller(padded / stride + 1, g.output[axis]);
  }

  int64_t begin, end;
};

/// The tap with which a window covers a position along an axis, or -1.
inline int64_t tapAt(const Geometry &g, int axis, int64_t window, int64_t position) {
  int64_t distance = position - g.first(axis, window);
  return distance % g.dilations[axis] ? -1 : distance / g.dilations[axis];
}

/// Calls `visit(window, tap)` for each window that covers a position, in the order of the windows.
template <typename Visit>
inline void forEachWindow(const Geometry &g, const Axes &position, Visit visit) {
  Covering x(g, 0, position[0]), y(g, 1, position[1]), z(g, 2, position[2]);
  for (int64_t i = x.begin; i < x.end; ++i) {
    int64_t a = tapAt(g, 0, i, position[0]);
    if (a < 0)
      continue;
    for (int64_t j = y.begin; j < y.end; ++j) {
      int64_t b = tapAt(g, 1, j, position[1]);
      if (b < 0)
        continue;
      for (int64_t k = z.begin; k < z.end; ++k) {
        int64_t c = tapAt(g, 2, k, position[2]);
        if (c >= 0)
          visit((i * g.output[1] + j) * g.output[2] + k, (a * g.kernel[1] + b) * g.kernel[2] + c);
      }
    }
  }
}

} // namespace abn::kernels

#endif // ABN_LIB_RUNTIME_CUDA_KERNELS_WINDOWS_H
