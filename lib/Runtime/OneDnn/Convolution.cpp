// abnDnnConvolution and its gradients: oneDNN's direct convolution, in the layouts that it likes
// best.
#include "Primitives.h"
#include "Runtime/Dnn/Descriptors.h"
#include "Runtime/Dnn/Errors.h"
#include "Staging.h"
#include <optional>

using namespace abn::runtime;
using dnnl::memory;

namespace {
/// The operands of a convolution as oneDNN numbers their dimensions.
struct Operands {
  explicit Operands(const AbnDnnConvolution &d) {
    int64_t rank = d.spatialRank;
    bool last = d.layout == ABN_DNN_CHANNELS_LAST;
    input = withAxes({d.batch, d.channels}, d.inputSize, rank);
    output = withAxes({d.batch, d.filters}, d.outputSize, rank);
    // [F, C/groups, ...], with groups as a dimension of their own if there are any.
    memory::dims outer{d.filters / d.groups, d.channels / d.groups};
    if (d.groups > 1)
      outer.insert(outer.begin(), d.groups);
    filter = withAxes(outer, d.filterSize, rank);
    givenInput = denseDesc(input, last, 1);
    givenOutput = denseDesc(output, last, 1);
    givenFilter = denseDesc(filter, last, outer.size() - 1);
    bias = memory::desc({d.filters}, memory::data_type::f32, memory::format_tag::x);
    strides = axes(d.strides, rank);
    low = axes(d.paddingLow, rank);
    high = axes(d.paddingHigh, rank);
    // oneDNN counts the positions between taps.
    for (int64_t i = 0; i < rank; ++i)
      dilations.push_back(d.dilations[i] - 1);
  }

  memory::dims input, filter, output, strides, dilations, low, high;
  memory::desc givenInput, givenFilter, givenOutput, bias;
};
} // namespace

static dnnl::convolution_forward::primitive_desc describeForward(const Operands &o, bool hasBias) {
  auto kind = dnnl::prop_kind::forward_training;
  auto algorithm = dnnl::algorithm::convolution_direct;
  memory::desc input = anyDesc(o.input), filter = anyDesc(o.filter), output = anyDesc(o.output);
  auto desc = hasBias
                  ? dnnl::convolution_forward::desc(kind, algorithm, input, filter, o.bias, output,
                                                    o.strides, o.dilations, o.low, o.high)
                  : dnnl::convolution_forward::desc(kind, algorithm, input, filter, output,
                                                    o.strides, o.dilations, o.low, o.high);
  return {desc, ownScratchpad(), cpuEngine()};
}

static Prepared prepareForward(const AbnDnnConvolution &d, bool hasBias) {
  Operands o(d);
  auto pd = describeForward(o, hasBias);
  std::vector<Slot> slots{{DNNL_ARG_SRC, o.givenInput, pd.src_desc(), false, {}},
                          {DNNL_ARG_WEIGHTS, o.givenFilter, pd.weights_desc(), false, {}},
                          {DNNL_ARG_DST, o.givenOutput, pd.dst_desc(), true, {}}};
  if (hasBias)
    slots.push_back({DNNL_ARG_BIAS, o.bias, pd.bias_desc(), false, {}});
  return prepare(dnnl::convolution_forward(pd), pd.scratchpad_desc(), std::move(slots));
}

static Prepared prepareInputGrad(const AbnDnnConvolution &d) {
  Operands o(d);
  dnnl::convolution_backward_data::primitive_desc pd(
      {dnnl::algorithm::convolution_direct, anyDesc(o.input), anyDesc(o.filter), anyDesc(o.output),
       o.strides, o.dilations, o.low, o.high},
      ownScratchpad(), cpuEngine(), describeForward(o, false));
  return prepare(dnnl::convolution_backward_data(pd), pd.scratchpad_desc(),
                 {{DNNL_ARG_DIFF_DST, o.givenOutput, pd.diff_dst_desc(), false, {}},
                  {DNNL_ARG_WEIGHTS, o.givenFilter, pd.weights_desc(), false, {}},
                  {DNNL_ARG_DIFF_SRC, o.givenInput, pd.diff_src_desc(), true, {}}});
}

static Prepared prepareWeightGrad(const AbnDnnConvolution &d) {
  Operands o(d);
  dnnl::convolution_backward_weights::primitive_desc pd(
      {dnnl::algorithm::convolution_direct, anyDesc(o.input), anyDesc(o.filter), anyDesc(o.output),
       o.strides, o.dilations, o.low, o.high},
      ownScratchpad(), cpuEngine(), describeForward(o, false));
  return prepare(dnnl::convolution_backward_weights(pd), pd.scratchpad_desc(),
                 {{DNNL_ARG_DIFF_DST, o.givenOutput, pd.diff_dst_desc(), false, {}},
                  {DNNL_ARG_SRC, o.givenInput, pd.src_desc(), false, {}},
                  {DNNL_ARG_DIFF_WEIGHTS, o.givenFilter, pd.diff_weights_desc(), true, {}}});
}

static int64_t countInput(const AbnDnnConvolution &d) {
  return d.batch * d.channels * volume(d.inputSize);
}
static int64_t countOutput(const AbnDnnConvolution &d) {
  return d.batch * d.filters * volume(d.outputSize);
}
static int64_t countFilter(const AbnDnnConvolution &d) {
  return d.filters * (d.channels / d.groups) * volume(d.filterSize);
}

void abnDnnConvolution(const int64_t *descriptor, const void *input, const void *filter,
                       const void *bias, void *output, void *workspace, int64_t workspaceBytes,
                       void *) {
  static auto *cache = new PrimitiveCache;
  guarded(
      "abnDnnConvolution", [&] { return describeConvolution(descriptor); },
      [&] {
        const AbnDnnConvolution &d = readConvolution(descriptor);
        Source x(input, d.element, countInput(d)), w(filter, d.element, countFilter(d));
        Result y(output, d.element, countOutput(d));
        bool hasBias = bias;
        const Prepared &prepared =
            cache->get(keyOf(d, hasBias), [&] { return prepareForward(d, hasBias); });
        std::vector<const void *> arrays{x.get(), w.get(), y.get()};
        std::optional<Source> b;
        if (hasBias)
          arrays.push_back(b.emplace(bias, d.element, d.filters).get());
        run(prepared, arrays, {workspace, workspaceBytes});
        y.finish();
      });
}

void abnDnnConvolutionInputGrad(const int64_t *descriptor, const void *outputGrad,
                                const void *filter, void *inputGrad, void *workspace,
                                int64_t workspaceBytes, void *) {
  static auto *cache = new PrimitiveCache;
  guarded(
      "abnDnnConvolutionInputGrad", [&] { return describeConvolution(descriptor); },
      [&] {
        const AbnDnnConvolution &d = readConvolution(descriptor);
        Source dy(outputGrad, d.element, countOutput(d)), w(filter, d.element, countFilter(d));
        Result dx(inputGrad, d.element, countInput(d));
        run(cache->get(keyOf(d), [&] { return prepareInputGrad(d); }),
            {dy.get(), w.get(), dx.get()}, {workspace, workspaceBytes});
        dx.finish();
      });
}

void abnDnnConvolutionWeightGrad(const int64_t *descriptor, const void *outputGrad,
                                 const void *input, void *filterGrad, void *workspace,
                                 int64_t workspaceBytes, void *) {
  static auto *cache = new PrimitiveCache;
  guarded(
      "abnDnnConvolutionWeightGrad", [&] { return describeConvolution(descriptor); },
      [&] {
        const AbnDnnConvolution &d = readConvolution(descriptor);
        Source dy(outputGrad, d.element, countOutput(d)), x(input, d.element, countInput(d));
        Result dw(filterGrad, d.element, countFilter(d));
        run(cache->get(keyOf(d), [&] { return prepareWeightGrad(d); }),
            {dy.get(), x.get(), dw.get()}, {workspace, workspaceBytes});
        dw.finish();
      });
}
