// abnDnnAvgPool and its gradient: oneDNN's where it divides as the dialect does, else plain loops.
#include "Primitives.h"
#include "Runtime/Dnn/Errors.h"
#include "Staging.h"
#include "Windows.h"

using namespace abn::runtime;

//===----------------------------------------------------------------------===//
// Plain loops
//===----------------------------------------------------------------------===//

/// What the sum over a window is divided by.
static float divisorOf(const AbnDnnPool &d, const Window &window) {
  if (d.divisorOverride)
    return static_cast<float>(d.divisorOverride);
  int64_t count = 1;
  for (int axis = 0; axis < ABN_DNN_MAX_SPATIAL; ++axis) {
    int64_t start = window.from[axis], end = start + d.kernelSize[axis];
    end = std::min(end, d.inputSize[axis] + d.paddingHigh[axis]);
    if (!d.countIncludePad) {
      start = std::max<int64_t>(start, 0);
      end = std::min(end, d.inputSize[axis]);
    }
    count *= end - start;
  }
  return static_cast<float>(std::max<int64_t>(count, 1));
}

static void averageByLoops(const AbnDnnPool &d, const float *input, float *output) {
  Planes in(d, d.inputSize), out(d, d.outputSize);
  forEachWindow(d, [&](int64_t n, int64_t c, int64_t at, const Window &window) {
    float sum = 0;
    window.forEach([&](int64_t position) { sum += input[in.at(n, c, position)]; });
    output[out.at(n, c, at)] = sum / divisorOf(d, window);
  });
}

static void gradByLoops(const AbnDnnPool &d, const float *outputGrad, float *inputGrad) {
  Planes in(d, d.inputSize), out(d, d.outputSize);
  std::fill_n(inputGrad, d.batch * d.channels * in.positions, 0.0f);
  forEachWindow(d, [&](int64_t n, int64_t c, int64_t at, const Window &window) {
    float share = outputGrad[out.at(n, c, at)] / divisorOf(d, window);
    window.forEach([&](int64_t position) { inputGrad[in.at(n, c, position)] += share; });
  });
}

//===----------------------------------------------------------------------===//
// oneDNN
//===----------------------------------------------------------------------===//

/// How far the last window reaches beyond the input.
static int64_t overhang(const AbnDnnPool &d, int64_t axis) {
  return (d.outputSize[axis] - 1) * d.strides[axis] + d.kernelSize[axis] - d.inputSize[axis] -
         d.paddingLow[axis];
}

/// The high padding that gives oneDNN the same windows: the op's, or what ceil_mode adds.
static int64_t highPadding(const AbnDnnPool &d, int64_t axis) {
  return std::max(overhang(d, axis), d.paddingHigh[axis]);
}

/// Whether oneDNN divides every window's sum by the same as the dialect. It takes windows that hold
/// an element of the input, and counts padding, if at all, up to the end of the last window.
static bool isExpressible(const AbnDnnPool &d) {
  if (d.divisorOverride)
    return false;
  for (int64_t axis = 0; axis < d.spatialRank; ++axis) {
    if (d.paddingLow[axis] >= d.kernelSize[axis] || highPadding(d, axis) >= d.kernelSize[axis])
      return false;
    if (d.countIncludePad && overhang(d, axis) > d.paddingHigh[axis])
      return false;
  }
  return true;
}

namespace {
/// The operands and attributes of a pool as oneDNN wants them.
struct Operands {
  explicit Operands(const AbnDnnPool &d)
      : algorithm(d.countIncludePad ? dnnl::algorithm::pooling_avg_include_padding
                                    : dnnl::algorithm::pooling_avg_exclude_padding) {
    int64_t rank = d.spatialRank;
    bool last = d.layout == ABN_DNN_CHANNELS_LAST;
    input = denseDesc(withAxes({d.batch, d.channels}, d.inputSize, rank), last, 1);
    output = denseDesc(withAxes({d.batch, d.channels}, d.outputSize, rank), last, 1);
    strides = axes(d.strides, rank);
    kernel = axes(d.kernelSize, rank);
    low = axes(d.paddingLow, rank);
    for (int64_t axis = 0; axis < rank; ++axis)
      high.push_back(highPadding(d, axis));
  }

  dnnl::pooling_forward::primitive_desc describeForward() const {
    return {
        {dnnl::prop_kind::forward_training, algorithm, input, output, strides, kernel, low, high},
        ownScratchpad(),
        cpuEngine()};
  }

  dnnl::algorithm algorithm;
  dnnl::memory::desc input, output;
  dnnl::memory::dims strides, kernel, low, high;
};
} // namespace

static Prepared prepareForward(const AbnDnnPool &d) {
  Operands o(d);
  auto pd = o.describeForward();
  return prepare(dnnl::pooling_forward(pd), pd.scratchpad_desc(),
                 {{DNNL_ARG_SRC, o.input, pd.src_desc(), false, {}},
                  {DNNL_ARG_DST, o.output, pd.dst_desc(), true, {}}});
}

static Prepared prepareGrad(const AbnDnnPool &d) {
  Operands o(d);
  dnnl::pooling_backward::primitive_desc pd(
      {o.algorithm, o.input, o.output, o.strides, o.kernel, o.low, o.high}, ownScratchpad(),
      cpuEngine(), o.describeForward());
  return prepare(dnnl::pooling_backward(pd), pd.scratchpad_desc(),
                 {{DNNL_ARG_DIFF_DST, o.output, pd.diff_dst_desc(), false, {}},
                  {DNNL_ARG_DIFF_SRC, o.input, pd.diff_src_desc(), true, {}}});
}

void abnDnnAvgPool(const int64_t *descriptor, const void *input, void *output, void *workspace,
                   int64_t workspaceBytes, void *) {
  static auto *cache = new PrimitiveCache;
  guarded(
      "abnDnnAvgPool", [&] { return describePool(descriptor); },
      [&] {
        const AbnDnnPool &d = readPool(descriptor);
        int64_t planes = d.batch * d.channels;
        Source x(input, d.element, planes * volume(d.inputSize));
        Result y(output, d.element, planes * volume(d.outputSize));
        if (isExpressible(d))
          run(cache->get(keyOf(d), [&] { return prepareForward(d); }), {x.get(), y.get()},
              {workspace, workspaceBytes});
        else
          averageByLoops(d, x.get(), y.get());
        y.finish();
      });
}

void abnDnnAvgPoolGrad(const int64_t *descriptor, const void *outputGrad, void *inputGrad,
                       void *workspace, int64_t workspaceBytes, void *) {
  static auto *cache = new PrimitiveCache;
  guarded(
      "abnDnnAvgPoolGrad", [&] { return describePool(descriptor); },
      [&] {
        const AbnDnnPool &d = readPool(descriptor);
        int64_t planes = d.batch * d.channels;
        Source dy(outputGrad, d.element, planes * volume(d.outputSize));
        Result dx(inputGrad, d.element, planes * volume(d.inputSize));
        if (isExpressible(d))
          run(cache->get(keyOf(d), [&] { return prepareGrad(d); }), {dy.get(), dx.get()},
              {workspace, workspaceBytes});
        else
          gradByLoops(d, dy.get(), dx.get());
        dx.finish();
      });
}
