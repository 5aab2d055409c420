// abnDnnConvolution and its gradients: the fastest of cuDNN's deterministic algorithms whose
// workspace fits, or a kernel of our own where cuDNN has none.
#include "ConvolutionPlan.h"
#include "Libraries.h"
#include "Primitives.h"

using namespace abn::cuda;
using namespace abn::runtime;

namespace {
/// A call: what it computes, on what.
struct Call {
  const char *function;
  const char *kernel;
  Direction direction;
  const AbnDnnConvolution &d;
  /// For the three directions: {input, filter, output}, all of them read or written.
  const void *input, *filter, *bias, *output;
  Workspace lent;
  void *stream;
};
} // namespace

static int64_t countInput(const AbnDnnConvolution &d) {
  return d.batch * d.channels * volume(d.inputSize);
}
static int64_t countOutput(const AbnDnnConvolution &d) {
  return d.batch * d.filters * volume(d.outputSize);
}
static int64_t countFilter(const AbnDnnConvolution &d) {
  return d.filters * (d.channels / d.groups) * volume(d.filterSize);
}

//===----------------------------------------------------------------------===//
// Own kernels
//===----------------------------------------------------------------------===//

static void runOwnKernel(const Call &call, const std::string &reason) {
  const AbnDnnConvolution &d = call.d;
  std::string name = std::string(call.kernel) + "_" + suffixOf(d.element);
  switch (call.direction) {
  case Direction::Forward:
    launchKernel(name, countOutput(d), {&d, &call.input, &call.filter, &call.bias, &call.output},
                 call.stream);
    break;
  case Direction::InputGrad:
    launchKernel(name, countInput(d), {&d, &call.output, &call.filter, &call.input}, call.stream);
    break;
  case Direction::WeightGrad:
    launchKernel(name, countFilter(d), {&d, &call.output, &call.input, &call.filter}, call.stream);
    break;
  }
  countCall(call.function, "own kernel: " + reason);
}

/// Copies between an input and its padded copy.
static void copyShifted(const abn::kernels::Shift &shift, const AbnDnnConvolution &d,
                        const void *from, const void *to, void *stream) {
  launchKernel(d.element == ABN_DNN_F32 ? "shift_b32" : "shift_b16",
               d.batch * d.channels * volume(shift.to), {&shift, &from, &to}, stream);
}

static abn::kernels::Shift reversed(const abn::kernels::Shift &shift) {
  abn::kernels::Shift back = shift;
  for (int axis = 0; axis < ABN_DNN_MAX_SPATIAL; ++axis) {
    back.from[axis] = shift.to[axis];
    back.to[axis] = shift.from[axis];
    back.offset[axis] = -shift.offset[axis];
  }
  return back;
}

//===----------------------------------------------------------------------===//
// cuDNN
//===----------------------------------------------------------------------===//

/// cuDNN's status.
static int callCudnn(const Call &call, const ConvolutionPlan &plan, const Algorithm &algorithm,
                     const void *input, void *workspace, void *handle) {
  const Cudnn &functions = cudnn();
  float one = 1, zero = 0;
  // The interface takes results through pointers of its own; operands of Call are const for all
  // directions.
  auto *output = const_cast<void *>(call.output);
  size_t bytes = algorithm.bytes;
  checkCudnn(functions.cudnnSetConvolutionMathType(plan.convolution, algorithm.mathType),
             "cudnnSetConvolutionMathType");
  switch (call.direction) {
  case Direction::Forward:
    if (call.bias)
      return functions.cudnnConvolutionBiasActivationForward(
          handle, &one, plan.input, input, plan.filter, call.filter, plan.convolution,
          algorithm.number, workspace, bytes, &zero, plan.output, output, plan.bias, call.bias,
          plan.activation, plan.output, output);
    return functions.cudnnConvolutionForward(handle, &one, plan.input, input, plan.filter,
                                             call.filter, plan.convolution, algorithm.number,
                                             workspace, bytes, &zero, plan.output, output);
  case Direction::InputGrad:
    return functions.cudnnConvolutionBackwardData(
        handle, &one, plan.filter, call.filter, plan.output, call.output, plan.convolution,
        algorithm.number, workspace, bytes, &zero, plan.input, const_cast<void *>(input));
  case Direction::WeightGrad:
    break;
  }
  return functions.cudnnConvolutionBackwardFilter(
      handle, &one, plan.input, input, plan.output, call.output, plan.convolution, algorithm.number,
      workspace, bytes, &zero, plan.filter, const_cast<void *>(call.filter));
}

static const char *nameOf(Direction direction) {
  switch (direction) {
  case Direction::Forward:
    return "cudnnConvolutionForward";
  case Direction::InputGrad:
    return "cudnnConvolutionBackwardData";
  case Direction::WeightGrad:
    break;
  }
  return "cudnnConvolutionBackwardFilter";
}

/// The padded copy's share of a workspace: what follows stays aligned.
static int64_t aligned(int64_t bytes) { return (bytes + 255) / 256 * 256; }

/// False if cuDNN does not support what it said it would.
static bool runAlgorithm(const Call &call, const ConvolutionPlan &plan, const Algorithm &algorithm,
                         void *handle) {
  int64_t padded = aligned(plan.paddedBytes());
  auto *workspace =
      static_cast<char *>(takeWorkspace(call.lent, padded + algorithm.bytes, call.stream));
  const void *input = plan.isPadded ? workspace : call.input;
  abn::kernels::Shift shift = plan.toPadded(call.d);
  if (plan.isPadded && call.direction != Direction::InputGrad)
    copyShifted(shift, call.d, call.input, input, call.stream);
  int status = callCudnn(call, plan, algorithm, input,
                         algorithm.bytes ? workspace + padded : nullptr, handle);
  if (isUnsupported(status))
    return false;
  checkCudnn(status, std::string(nameOf(call.direction)) + " with algorithm " +
                         std::to_string(algorithm.number));
  if (plan.isPadded && call.direction == Direction::InputGrad)
    copyShifted(reversed(shift), call.d, input, call.input, call.stream);
  countCall(call.function, "cudnn algorithm " + std::to_string(algorithm.number) +
                               (plan.isPadded ? ", padded" : ""));
  return true;
}

/// The first, which is the fastest, that fits into what is lent, else into what may be kept.
static const Algorithm *chooseAlgorithm(const Call &call, const ConvolutionPlan &plan) {
  int64_t inLent = call.lent.bytes - aligned(plan.paddedBytes());
  std::vector<int64_t> limits{workspaceLimit()};
  if (call.lent.bytes)
    limits = {inLent, 0, workspaceLimit()};
  for (int64_t limit : limits)
    for (const Algorithm &algorithm : plan.algorithms)
      if (algorithm.bytes <= limit)
        return &algorithm;
  return nullptr;
}

static bool isAligned(const Call &call) {
  for (const void *each : {call.input, call.filter, call.bias, call.output})
    if (reinterpret_cast<uintptr_t>(each) % 16)
      return false;
  return true;
}

static void run(const Call &call) {
  requireOperands(call.direction == Direction::Forward ? call.input : call.output,
                  call.direction == Direction::Forward     ? call.output
                  : call.direction == Direction::InputGrad ? call.input
                                                           : call.filter);
  requireOperands(call.direction == Direction::WeightGrad ? call.input : call.filter, call.output);
  if (!isAligned(call)) // cuDNN's tensor cores need it.
    return runOwnKernel(call, "an operand is not aligned to 16 bytes");
  void *handle = cudnnHandle(call.stream);
  ConvolutionPlan &plan = planConvolution(call.d, call.direction, call.bias, handle);
  while (const Algorithm *algorithm = chooseAlgorithm(call, plan)) {
    if (runAlgorithm(call, plan, *algorithm, handle))
      return;
    plan.algorithms.erase(plan.algorithms.begin() + (algorithm - plan.algorithms.data()));
  }
  runOwnKernel(call, plan.algorithms.empty() ? plan.reason : "no algorithm fits the workspace");
}

//===----------------------------------------------------------------------===//
// abn/Runtime/Dnn.h
//===----------------------------------------------------------------------===//

void abnDnnConvolution(const int64_t *descriptor, const void *input, const void *filter,
                       const void *bias, void *output, void *workspace, int64_t workspaceBytes,
                       void *stream) {
  runPrimitive(
      "abnDnnConvolution", [&] { return describeConvolution(descriptor); },
      [&] {
        run({"abnDnnConvolution",
             "convolution",
             Direction::Forward,
             readConvolution(descriptor),
             input,
             filter,
             bias,
             output,
             {workspace, workspaceBytes},
             stream});
      });
}

void abnDnnConvolutionInputGrad(const int64_t *descriptor, const void *outputGrad,
                                const void *filter, void *inputGrad, void *workspace,
                                int64_t workspaceBytes, void *stream) {
  runPrimitive(
      "abnDnnConvolutionInputGrad", [&] { return describeConvolution(descriptor); },
      [&] {
        run({"abnDnnConvolutionInputGrad",
             "convolution_input_grad",
             Direction::InputGrad,
             readConvolution(descriptor),
             inputGrad,
             filter,
             nullptr,
             outputGrad,
             {workspace, workspaceBytes},
             stream});
      });
}

void abnDnnConvolutionWeightGrad(const int64_t *descriptor, const void *outputGrad,
                                 const void *input, void *filterGrad, void *workspace,
                                 int64_t workspaceBytes, void *stream) {
  runPrimitive(
      "abnDnnConvolutionWeightGrad", [&] { return describeConvolution(descriptor); },
      [&] {
        run({"abnDnnConvolutionWeightGrad",
             "convolution_weight_grad",
             Direction::WeightGrad,
             readConvolution(descriptor),
             input,
             filterGrad,
             nullptr,
             outputGrad,
             {workspace, workspaceBytes},
             stream});
      });
}
