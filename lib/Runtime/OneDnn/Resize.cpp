// abnDnnResize and its gradient, one axis after the other: oneDNN's resampling knows neither the
// dialect's coordinates nor its scales.
#include "Runtime/Dnn/Descriptors.h"
#include "Runtime/Dnn/Errors.h"
#include "Staging.h"
#include <algorithm>
#include <cmath>
#include <cstring>

using namespace abn::runtime;

namespace {
/// What one destination position reads along an axis: `low` with 1 - weight, `high` with weight.
struct Sample {
  int64_t low, high;
  float weight;
};
} // namespace

/// Source size / destination size, or what stands for it, in f32 as PyTorch computes it.
static float scaleOf(const AbnDnnResize &d, int axis) {
  if (d.hasScales) {
    double scale;
    std::memcpy(&scale, &d.scales[axis], sizeof scale);
    require(std::isfinite(scale) && scale > 0, "expected finite, positive scales");
    return static_cast<float>(scale);
  }
  int64_t n = d.inputSize[axis], m = d.outputSize[axis];
  if (d.coordinates == ABN_DNN_ALIGN_CORNERS)
    return m > 1 ? static_cast<float>(n - 1) / static_cast<float>(m - 1) : 0.0f;
  return static_cast<float>(n) / static_cast<float>(m);
}

static std::vector<Sample> samplesOf(const AbnDnnResize &d, int axis) {
  bool isLinear = d.mode == ABN_DNN_LINEAR, isHalf = d.coordinates == ABN_DNN_HALF_PIXEL;
  float scale = scaleOf(d, axis);
  int64_t last = d.inputSize[axis] - 1;
  std::vector<Sample> samples;
  for (int64_t position = 0; position < d.outputSize[axis]; ++position) {
    float source = static_cast<float>(position);
    if (isHalf)
      source = source + 0.5f;
    source = source * scale;
    if (isHalf && isLinear)
      source = std::max(source - 0.5f, 0.0f);
    // Clamped as a number first: a scale may lead beyond what an index holds.
    auto low = static_cast<int64_t>(std::min(source, static_cast<float>(last)));
    low = std::min(low, last);
    float weight = isLinear ? std::min(source - static_cast<float>(low), 1.0f) : 0.0f;
    samples.push_back({low, isLinear ? std::min(low + 1, last) : low, weight});
  }
  return samples;
}

/// target[i] += factor * source[i]. A factor of 0 adds nothing, whatever it meets.
static void addScaled(float *target, const float *source, float factor, int64_t count) {
  if (factor == 0.0f)
    return;
  for (int64_t i = 0; i < count; ++i)
    target[i] += factor * source[i];
}

/// Interpolates [outer, source size, inner] to [outer, samples, inner]; `adjoint` goes back.
static std::vector<float> resizeAxis(const std::vector<float> &values, int64_t outer, int64_t size,
                                     int64_t inner, const std::vector<Sample> &samples,
                                     bool adjoint) {
  auto count = static_cast<int64_t>(samples.size());
  std::vector<float> result(outer * (adjoint ? size : count) * inner, 0.0f);
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < count; ++i) {
      const Sample &sample = samples[i];
      auto add = [&](int64_t at, float factor) {
        int64_t source = (o * size + at) * inner, destination = (o * count + i) * inner;
        if (adjoint)
          addScaled(&result[source], &values[destination], factor, inner);
        else
          addScaled(&result[destination], &values[source], factor, inner);
      };
      add(sample.low, 1.0f - sample.weight);
      add(sample.high, sample.weight);
    }
  return result;
}

/// The operand of the sizes `from`, resized or carried back along every axis.
static std::vector<float> resizeAll(const AbnDnnResize &d, std::vector<float> values,
                                    bool adjoint) {
  bool last = d.layout == ABN_DNN_CHANNELS_LAST;
  int64_t sizes[ABN_DNN_MAX_SPATIAL];
  std::copy_n(adjoint ? d.outputSize : d.inputSize, ABN_DNN_MAX_SPATIAL, sizes);
  for (int axis = 0; axis < d.spatialRank; ++axis) {
    if (!d.hasScales && d.inputSize[axis] == d.outputSize[axis])
      continue;
    int64_t outer = d.batch * (last ? 1 : d.channels), inner = last ? d.channels : 1;
    for (int other = 0; other < d.spatialRank; ++other)
      (other < axis ? outer : inner) *= other == axis ? 1 : sizes[other];
    values = resizeAxis(values, outer, d.inputSize[axis], inner, samplesOf(d, axis), adjoint);
    sizes[axis] = adjoint ? d.inputSize[axis] : d.outputSize[axis];
  }
  return values;
}

static void resize(const AbnDnnResize &d, const void *from, void *to, bool adjoint) {
  int64_t planes = d.batch * d.channels;
  int64_t inputs = planes * volume(d.inputSize), outputs = planes * volume(d.outputSize);
  int64_t fromCount = adjoint ? outputs : inputs, toCount = adjoint ? inputs : outputs;
  Source source(from, d.element, fromCount);
  Result result(to, d.element, toCount);
  std::vector<float> values(source.get(), source.get() + fromCount);
  values = resizeAll(d, std::move(values), adjoint);
  std::copy(values.begin(), values.end(), result.get());
  result.finish();
}

void abnDnnResize(const int64_t *descriptor, const void *input, void *output, void *, int64_t,
                  void *) {
  guarded(
      "abnDnnResize", [&] { return describeResize(descriptor); },
      [&] { resize(readResize(descriptor), input, output, /*adjoint=*/false); });
}

void abnDnnResizeGrad(const int64_t *descriptor, const void *outputGrad, void *inputGrad, void *,
                      int64_t, void *) {
  guarded(
      "abnDnnResizeGrad", [&] { return describeResize(descriptor); },
      [&] { resize(readResize(descriptor), outputGrad, inputGrad, /*adjoint=*/true); });
}
