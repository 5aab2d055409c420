// Descriptors of convolutions, and cuDNN's own estimate of its algorithms
// (cudnnGet...Algorithm_v7): nothing is measured, so that equal programs choose alike.
#include "ConvolutionPlan.h"
#include "Libraries.h"
#include "Primitives.h"
#include <algorithm>
#include <limits>
#include <map>
#include <memory>

using namespace abn::cuda;
using namespace abn::runtime;
using abn::kernels::Shift;

//===----------------------------------------------------------------------===//
// Paddings
//===----------------------------------------------------------------------===//

/// Elements from a window's first tap to its last.
static int64_t extentOf(const AbnDnnConvolution &d, int axis) {
  return d.dilations[axis] * (d.filterSize[axis] - 1) + 1;
}

/// Whether padding both ends by the low padding gives the same windows.
static bool isSymmetric(const AbnDnnConvolution &d, int axis) {
  int64_t steps = d.inputSize[axis] + 2 * d.paddingLow[axis] - extentOf(d, axis);
  return steps >= 0 && steps / d.strides[axis] + 1 == d.outputSize[axis];
}

/// Puts the paddings of other axes into the input: from the first window's first element to the
/// last one's last.
static void makeSymmetric(ConvolutionPlan &plan) {
  AbnDnnConvolution &d = plan.used;
  for (int axis = 0; axis < ABN_DNN_MAX_SPATIAL; ++axis) {
    if (isSymmetric(d, axis)) {
      d.paddingHigh[axis] = d.paddingLow[axis];
      continue;
    }
    d.inputSize[axis] = (d.outputSize[axis] - 1) * d.strides[axis] + extentOf(d, axis);
    d.paddingLow[axis] = d.paddingHigh[axis] = 0;
    plan.isPadded = true;
  }
}

int64_t ConvolutionPlan::paddedBytes() const {
  return isPadded ? used.batch * used.channels * volume(used.inputSize) * bytesOf(used.element) : 0;
}

Shift ConvolutionPlan::toPadded(const AbnDnnConvolution &d) const {
  Shift shift{d.layout, d.channels, {}, {}, {}};
  for (int axis = 0; axis < ABN_DNN_MAX_SPATIAL; ++axis) {
    shift.from[axis] = d.inputSize[axis];
    shift.to[axis] = used.inputSize[axis];
    shift.offset[axis] = d.paddingLow[axis] - used.paddingLow[axis];
  }
  return shift;
}

//===----------------------------------------------------------------------===//
// Descriptors
//===----------------------------------------------------------------------===//

static int dataType(int64_t element) {
  return element == ABN_DNN_F32   ? CUDNN_DATA_FLOAT
         : element == ABN_DNN_F16 ? CUDNN_DATA_HALF
                                  : CUDNN_DATA_BFLOAT16;
}

/// cuDNN's convolutions have two or three spatial axes.
static int rankOf(const AbnDnnConvolution &d) {
  return static_cast<int>(std::max<int64_t>(d.spatialRank, 2));
}

/// [first, second, spatial...] as cuDNN's ints.
static std::vector<int> sizesOf(int64_t first, int64_t second, const int64_t *spatial, int rank) {
  std::vector<int> sizes{static_cast<int>(first), static_cast<int>(second)};
  for (int axis = 0; axis < rank; ++axis)
    sizes.push_back(static_cast<int>(spatial[axis]));
  return sizes;
}

/// The strides of a dense tensor; false if they do not fit.
static bool stridesOf(const std::vector<int> &sizes, bool channelsLast, std::vector<int> &strides) {
  std::vector<size_t> order; // from the fastest
  if (channelsLast)
    order.push_back(1);
  for (size_t dim = sizes.size() - 1; dim > 1; --dim)
    order.push_back(dim);
  if (!channelsLast)
    order.push_back(1);
  order.push_back(0);
  strides.assign(sizes.size(), 0);
  int64_t stride = 1;
  for (size_t dim : order) {
    if (stride > std::numeric_limits<int>::max())
      return false;
    strides[dim] = static_cast<int>(stride);
    stride *= sizes[dim];
  }
  return true;
}

static bool makeTensor(void *&descriptor, const AbnDnnConvolution &d,
                       const std::vector<int> &sizes) {
  std::vector<int> strides;
  if (!stridesOf(sizes, d.layout == ABN_DNN_CHANNELS_LAST, strides))
    return false;
  checkCudnn(cudnn().cudnnCreateTensorDescriptor(&descriptor), "cudnnCreateTensorDescriptor");
  checkCudnn(cudnn().cudnnSetTensorNdDescriptor(descriptor, dataType(d.element),
                                                static_cast<int>(sizes.size()), sizes.data(),
                                                strides.data()),
             "cudnnSetTensorNdDescriptor");
  return true;
}

static void makeFilter(ConvolutionPlan &plan) {
  const AbnDnnConvolution &d = plan.used;
  auto sizes = sizesOf(d.filters, d.channels / d.groups, d.filterSize, rankOf(d));
  checkCudnn(cudnn().cudnnCreateFilterDescriptor(&plan.filter), "cudnnCreateFilterDescriptor");
  checkCudnn(cudnn().cudnnSetFilterNdDescriptor(
                 plan.filter, dataType(d.element),
                 d.layout == ABN_DNN_CHANNELS_LAST ? CUDNN_TENSOR_NHWC : CUDNN_TENSOR_NCHW,
                 static_cast<int>(sizes.size()), sizes.data()),
             "cudnnSetFilterNdDescriptor");
}

static void makeConvolution(ConvolutionPlan &plan) {
  const AbnDnnConvolution &d = plan.used;
  int rank = rankOf(d);
  auto asInts = [&](const int64_t *values) { return std::vector<int>(values, values + rank); };
  std::vector<int> pads = asInts(d.paddingLow), strides = asInts(d.strides),
                   dilations = asInts(d.dilations);
  checkCudnn(cudnn().cudnnCreateConvolutionDescriptor(&plan.convolution),
             "cudnnCreateConvolutionDescriptor");
  checkCudnn(cudnn().cudnnSetConvolutionNdDescriptor(plan.convolution, rank, pads.data(),
                                                     strides.data(), dilations.data(),
                                                     CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
             "cudnnSetConvolutionNdDescriptor");
  checkCudnn(cudnn().cudnnSetConvolutionGroupCount(plan.convolution, static_cast<int>(d.groups)),
             "cudnnSetConvolutionGroupCount");
  int math = d.element != ABN_DNN_F32 ? CUDNN_TENSOR_OP_MATH
             : allowsTf32()           ? CUDNN_DEFAULT_MATH
                                      : CUDNN_FMA_MATH;
  checkCudnn(cudnn().cudnnSetConvolutionMathType(plan.convolution, math),
             "cudnnSetConvolutionMathType");
}

static void makeBias(ConvolutionPlan &plan) {
  const AbnDnnConvolution &d = plan.used;
  int64_t ones[ABN_DNN_MAX_SPATIAL] = {1, 1, 1};
  makeTensor(plan.bias, d, sizesOf(1, d.filters, ones, rankOf(d)));
  checkCudnn(cudnn().cudnnCreateActivationDescriptor(&plan.activation),
             "cudnnCreateActivationDescriptor");
  checkCudnn(cudnn().cudnnSetActivationDescriptor(plan.activation, CUDNN_ACTIVATION_IDENTITY,
                                                  CUDNN_NOT_PROPAGATE_NAN, 0.0),
             "cudnnSetActivationDescriptor");
}

//===----------------------------------------------------------------------===//
// Algorithms
//===----------------------------------------------------------------------===//

static int askCudnn(const ConvolutionPlan &plan, Direction direction, void *handle, int requested,
                    int *returned, AlgorithmPerformance *performance) {
  const Cudnn &functions = cudnn();
  switch (direction) {
  case Direction::Forward:
    return functions.cudnnGetConvolutionForwardAlgorithm_v7(handle, plan.input, plan.filter,
                                                            plan.convolution, plan.output,
                                                            requested, returned, performance);
  case Direction::InputGrad:
    return functions.cudnnGetConvolutionBackwardDataAlgorithm_v7(handle, plan.filter, plan.output,
                                                                 plan.convolution, plan.input,
                                                                 requested, returned, performance);
  case Direction::WeightGrad:
    break;
  }
  return functions.cudnnGetConvolutionBackwardFilterAlgorithm_v7(handle, plan.input, plan.output,
                                                                 plan.convolution, plan.filter,
                                                                 requested, returned, performance);
}

/// Whether f32 operands would be rounded to something smaller.
static bool isRounded(const AbnDnnConvolution &d, const AlgorithmPerformance &each) {
  return d.element == ABN_DNN_F32 && !allowsTf32() &&
         (each.mathType == CUDNN_TENSOR_OP_MATH ||
          each.mathType == CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION);
}

static void findAlgorithms(ConvolutionPlan &plan, Direction direction, bool hasBias, void *handle) {
  constexpr int most = 16; // cuDNN has 8, 6 and 7
  AlgorithmPerformance found[most] = {};
  int count = 0;
  int status = askCudnn(plan, direction, handle, most, &count, found);
  plan.reason = "cudnn has no deterministic algorithm";
  if (isUnsupported(status))
    return;
  checkCudnn(status, "the query of cuDNN's algorithms");
  for (int i = 0; i < count; ++i) {
    const AlgorithmPerformance &each = found[i];
    if (each.status || each.determinism != CUDNN_DETERMINISTIC || isRounded(plan.used, each))
      continue;
    // The only one that adds a bias before it rounds, and without an activation.
    if (hasBias && each.algorithm != CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM)
      continue;
    plan.algorithms.push_back({each.algorithm, each.mathType, static_cast<int64_t>(each.memory)});
  }
}

static std::unique_ptr<ConvolutionPlan> makePlan(const AbnDnnConvolution &d, Direction direction,
                                                 bool hasBias, void *handle) {
  auto plan = std::make_unique<ConvolutionPlan>();
  plan->used = d;
  makeSymmetric(*plan);
  const AbnDnnConvolution &used = plan->used;
  int rank = rankOf(used);
  if (!makeTensor(plan->input, used, sizesOf(used.batch, used.channels, used.inputSize, rank)) ||
      !makeTensor(plan->output, used, sizesOf(used.batch, used.filters, used.outputSize, rank))) {
    plan->reason = "strides beyond 31 bits";
    return plan;
  }
  makeFilter(*plan);
  makeConvolution(*plan);
  if (hasBias)
    makeBias(*plan);
  findAlgorithms(*plan, direction, hasBias, handle);
  return plan;
}

ConvolutionPlan &abn::cuda::planConvolution(const AbnDnnConvolution &d, Direction direction,
                                            bool hasBias, void *handle) {
  static auto *plans = new std::map<std::vector<int64_t>, std::unique_ptr<ConvolutionPlan>>;
  auto *entries = reinterpret_cast<const int64_t *>(&d);
  std::vector<int64_t> key(entries, entries + sizeof d / sizeof(int64_t));
  key.insert(key.end(), {static_cast<int64_t>(direction), hasBias, currentDevice(), allowsTf32()});
  auto found = plans->find(key);
  if (found == plans->end())
    found = plans->emplace(std::move(key), makePlan(d, direction, hasBias, handle)).first;
  return *found->second;
}
