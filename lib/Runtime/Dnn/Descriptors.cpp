// Checks and descriptions of descriptors. Sizes and attributes are bounded by 2^31 - 1, as the
// dialect bounds them, so that no product of two overflows.
#include "Runtime/Dnn/Descriptors.h"
#include "Runtime/Dnn/Errors.h"
#include <limits>

using namespace abn::runtime;

static_assert(sizeof(AbnDnnConvolution) == 29 * sizeof(int64_t));
static_assert(sizeof(AbnDnnPool) == 29 * sizeof(int64_t));
static_assert(sizeof(AbnDnnResize) == 18 * sizeof(int64_t));
static_assert(sizeof(AbnDnnMatmul) == 16 * sizeof(int64_t));

static constexpr int kAxes = ABN_DNN_MAX_SPATIAL;

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

static void requireRange(const char *name, int64_t value, int64_t min, int64_t max) {
  if (value < min || value > max)
    throw Error(std::string("expected ") + name + " from " + std::to_string(min) + " to " +
                std::to_string(max) + ", got " + std::to_string(value));
}

static void requireAxes(const char *name, const int64_t (&values)[kAxes], int64_t min) {
  for (int64_t value : values)
    requireRange(name, value, min, std::numeric_limits<int32_t>::max());
}

template <typename Descriptor> static const Descriptor &readVersioned(const int64_t *descriptor) {
  require(descriptor, "expected a descriptor, got null");
  auto &d = *reinterpret_cast<const Descriptor *>(descriptor);
  if (d.version != ABN_DNN_VERSION)
    throw Error("expected a descriptor of version " + std::to_string(ABN_DNN_VERSION) + ", got " +
                std::to_string(d.version));
  requireRange("an element type", d.element, ABN_DNN_F32, ABN_DNN_BF16);
  requireRange("a batch", d.batch, 1, std::numeric_limits<int32_t>::max());
  return d;
}

/// What convolutions, pools and resizes have in common.
template <typename Descriptor> static const Descriptor &readSpatial(const int64_t *descriptor) {
  const auto &d = readVersioned<Descriptor>(descriptor);
  requireRange("a layout", d.layout, ABN_DNN_CHANNELS_FIRST, ABN_DNN_CHANNELS_LAST);
  requireRange("a spatial rank", d.spatialRank, 1, kAxes);
  requireRange("channels", d.channels, 1, std::numeric_limits<int32_t>::max());
  requireAxes("input sizes", d.inputSize, 1);
  requireAxes("output sizes", d.outputSize, 1);
  for (int64_t axis = d.spatialRank; axis < kAxes; ++axis)
    require(d.inputSize[axis] == 1 && d.outputSize[axis] == 1,
            "expected size 1 behind the spatial rank");
  return d;
}

template <typename Descriptor>
static void checkWindows(const Descriptor &d, const int64_t (&kernel)[kAxes]) {
  requireAxes("window sizes", kernel, 1);
  requireAxes("strides", d.strides, 1);
  requireAxes("low paddings", d.paddingLow, 0);
  requireAxes("high paddings", d.paddingHigh, 0);
  requireAxes("dilations", d.dilations, 1);
}

const AbnDnnConvolution &abn::runtime::readConvolution(const int64_t *descriptor) {
  const auto &d = readSpatial<AbnDnnConvolution>(descriptor);
  checkWindows(d, d.filterSize);
  requireRange("filters", d.filters, 1, std::numeric_limits<int32_t>::max());
  requireRange("groups", d.groups, 1, d.channels);
  require(d.channels % d.groups == 0 && d.filters % d.groups == 0,
          "expected groups to divide channels and filters");
  for (int axis = 0; axis < kAxes; ++axis) {
    int64_t extent = d.dilations[axis] * (d.filterSize[axis] - 1) + 1;
    int64_t steps = d.inputSize[axis] + d.paddingLow[axis] + d.paddingHigh[axis] - extent;
    if (steps < 0 || steps / d.strides[axis] + 1 != d.outputSize[axis])
      throw Error("expected the output size that the input gives along axis " +
                  std::to_string(axis));
  }
  return d;
}

const AbnDnnPool &abn::runtime::readPool(const int64_t *descriptor) {
  const auto &d = readSpatial<AbnDnnPool>(descriptor);
  checkWindows(d, d.kernelSize);
  return d;
}

const AbnDnnResize &abn::runtime::readResize(const int64_t *descriptor) {
  const auto &d = readSpatial<AbnDnnResize>(descriptor);
  requireRange("a mode", d.mode, ABN_DNN_NEAREST, ABN_DNN_LINEAR);
  requireRange("coordinates", d.coordinates, ABN_DNN_ASYMMETRIC, ABN_DNN_ALIGN_CORNERS);
  return d;
}

const AbnDnnMatmul &abn::runtime::readMatmul(const int64_t *descriptor) {
  const auto &d = readVersioned<AbnDnnMatmul>(descriptor);
  constexpr int64_t max = std::numeric_limits<int32_t>::max();
  require(d.resultElement == d.element || d.resultElement == ABN_DNN_F32,
          "expected a result of the operands' element type or f32");
  requireRange("m", d.m, 1, max);
  requireRange("n", d.n, 1, max);
  requireRange("k", d.k, 1, max);
  requireRange("a leading dimension of lhs", d.leadingLhs, d.transposeLhs ? d.m : d.k, max);
  requireRange("a leading dimension of rhs", d.leadingRhs, d.transposeRhs ? d.k : d.n, max);
  requireRange("a leading dimension of the result", d.leadingResult, d.n, max);
  require(d.strideLhs >= 0 && d.strideRhs >= 0, "expected strides that are not negative");
  require(d.batch == 1 || d.strideResult >= (d.m - 1) * d.leadingResult + d.n,
          "expected results that do not overlap");
  return d;
}

//===----------------------------------------------------------------------===//
// Descriptions
//===----------------------------------------------------------------------===//

static std::string elementName(int64_t element) {
  switch (element) {
  case ABN_DNN_F32:
    return "f32";
  case ABN_DNN_F16:
    return "f16";
  case ABN_DNN_BF16:
    return "bf16";
  }
  return "element " + std::to_string(element);
}

static std::string axes(const int64_t (&values)[kAxes], int64_t rank) {
  std::string text;
  for (int64_t i = 0; i < rank && i < kAxes; ++i)
    text += (i ? "x" : "") + std::to_string(values[i]);
  return text;
}

/// "f32, batch 8, channels 64, ..." of what is common.
template <typename Descriptor> static std::string describeSpatial(const Descriptor &d) {
  return elementName(d.element) +
         (d.layout == ABN_DNN_CHANNELS_LAST ? ", channels last" : ", channels first") + ", batch " +
         std::to_string(d.batch) + ", channels " + std::to_string(d.channels) + ", input " +
         axes(d.inputSize, d.spatialRank) + ", output " + axes(d.outputSize, d.spatialRank);
}

template <typename Descriptor>
static std::string describeWindows(const Descriptor &d, const int64_t (&kernel)[kAxes]) {
  return ", window " + axes(kernel, d.spatialRank) + ", strides " + axes(d.strides, d.spatialRank) +
         ", padding " + axes(d.paddingLow, d.spatialRank) + " and " +
         axes(d.paddingHigh, d.spatialRank) + ", dilations " + axes(d.dilations, d.spatialRank);
}

std::string abn::runtime::describeConvolution(const int64_t *descriptor) {
  if (!descriptor)
    return "";
  auto &d = *reinterpret_cast<const AbnDnnConvolution *>(descriptor);
  return describeSpatial(d) + describeWindows(d, d.filterSize) + ", filters " +
         std::to_string(d.filters) + ", groups " + std::to_string(d.groups);
}

std::string abn::runtime::describePool(const int64_t *descriptor) {
  if (!descriptor)
    return "";
  auto &d = *reinterpret_cast<const AbnDnnPool *>(descriptor);
  return describeSpatial(d) + describeWindows(d, d.kernelSize);
}

std::string abn::runtime::describeResize(const int64_t *descriptor) {
  if (!descriptor)
    return "";
  return describeSpatial(*reinterpret_cast<const AbnDnnResize *>(descriptor));
}

std::string abn::runtime::describeMatmul(const int64_t *descriptor) {
  if (!descriptor)
    return "";
  auto &d = *reinterpret_cast<const AbnDnnMatmul *>(descriptor);
  return elementName(d.element) + " to " + elementName(d.resultElement) + ", batch " +
         std::to_string(d.batch) + ", m " + std::to_string(d.m) + ", n " + std::to_string(d.n) +
         ", k " + std::to_string(d.k) + (d.transposeLhs ? ", lhs transposed" : "") +
         (d.transposeRhs ? ", rhs transposed" : "");
}

int64_t abn::runtime::volume(const int64_t *sizes) {
  int64_t product = 1;
  for (int axis = 0; axis < kAxes; ++axis)
    product *= sizes[axis];
  return product;
}
