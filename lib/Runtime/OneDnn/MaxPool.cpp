// abnDnnMaxPool and its gradient, as plain loops: oneDNN's pooling keeps its maxima in a workspace
// of its own, and treats ties and NaN otherwise.
#include "Runtime/Dnn/Errors.h"
#include "Staging.h"
#include "Windows.h"
#include <cmath>
#include <limits>

using namespace abn::runtime;

static void maxPool(const AbnDnnPool &d, const float *input, float *output, int64_t *indices) {
  Planes in(d, d.inputSize), out(d, d.outputSize);
  forEachWindow(d, [&](int64_t n, int64_t c, int64_t at, const Window &window) {
    float best = -std::numeric_limits<float>::infinity();
    int64_t index = -1;
    window.forEach([&](int64_t position) {
      float value = input[in.at(n, c, position)];
      if (value > best || std::isnan(value) || index < 0) {
        best = value;
        index = position;
      }
    });
    output[out.at(n, c, at)] = best;
    indices[out.at(n, c, at)] = index;
  });
}

static void maxPoolGrad(const AbnDnnPool &d, const float *outputGrad, const int64_t *indices,
                        float *inputGrad) {
  Planes in(d, d.inputSize), out(d, d.outputSize);
  std::fill_n(inputGrad, d.batch * d.channels * in.positions, 0.0f);
  for (int64_t n = 0; n < d.batch; ++n)
    for (int64_t c = 0; c < d.channels; ++c)
      for (int64_t output = 0; output < out.positions; ++output) {
        int64_t index = indices[out.at(n, c, output)];
        if (index >= in.positions)
          throw Error("expected indices below " + std::to_string(in.positions) + ", got " +
                      std::to_string(index));
        if (index >= 0)
          inputGrad[in.at(n, c, index)] += outputGrad[out.at(n, c, output)];
      }
}

void abnDnnMaxPool(const int64_t *descriptor, const void *input, void *output, int64_t *indices,
                   void *, int64_t, void *) {
  guarded(
      "abnDnnMaxPool", [&] { return describePool(descriptor); },
      [&] {
        const AbnDnnPool &d = readPool(descriptor);
        require(indices, "expected indices, got null");
        int64_t planes = d.batch * d.channels;
        Source x(input, d.element, planes * volume(d.inputSize));
        Result y(output, d.element, planes * volume(d.outputSize));
        maxPool(d, x.get(), y.get(), indices);
        y.finish();
      });
}

void abnDnnMaxPoolGrad(const int64_t *descriptor, const void *outputGrad, const int64_t *indices,
                       void *inputGrad, void *, int64_t, void *) {
  guarded(
      "abnDnnMaxPoolGrad", [&] { return describePool(descriptor); },
      [&] {
        const AbnDnnPool &d = readPool(descriptor);
        require(indices, "expected indices, got null");
        int64_t planes = d.batch * d.channels;
        Source dy(outputGrad, d.element, planes * volume(d.outputSize));
        Result dx(inputGrad, d.element, planes * volume(d.inputSize));
        maxPoolGrad(d, dy.get(), indices, dx.get());
        dx.finish();
      });
}
