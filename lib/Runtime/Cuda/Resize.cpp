// abnDnnResize and its gradient, as kernels of our own: cuDNN's resampling knows neither the
// dialect's coordinates nor its scales, and adds gradients atomically.
#include "Primitives.h"
#include <cmath>
#include <cstring>

using namespace abn::cuda;
using namespace abn::runtime;

static void requireScales(const AbnDnnResize &d) {
  for (int64_t axis = 0; d.hasScales && axis < d.spatialRank; ++axis) {
    double scale;
    std::memcpy(&scale, &d.scales[axis], sizeof scale);
    require(std::isfinite(scale) && scale > 0, "expected finite, positive scales");
  }
}

static void resize(const char *function, const char *kernel, const int64_t *descriptor,
                   const void *from, void *to, bool isGrad, void *stream) {
  runPrimitive(
      function, [&] { return describeResize(descriptor); },
      [&] {
        const AbnDnnResize &d = readResize(descriptor);
        requireScales(d);
        requireOperands(from, to);
        int64_t count = d.batch * d.channels * volume(isGrad ? d.inputSize : d.outputSize);
        launchKernel(std::string(kernel) + "_" + suffixOf(d.element), count, {&d, &from, &to},
                     stream);
        countCall(function, "own kernel");
      });
}

void abnDnnResize(const int64_t *descriptor, const void *input, void *output, void *, int64_t,
                  void *stream) {
  resize("abnDnnResize", "resize", descriptor, input, output, /*isGrad=*/false, stream);
}

void abnDnnResizeGrad(const int64_t *descriptor, const void *outputGrad, void *inputGrad, void *,
                      int64_t, void *stream) {
  resize("abnDnnResizeGrad", "resize_grad", descriptor, outputGrad, inputGrad, /*isGrad=*/true,
         stream);
}
