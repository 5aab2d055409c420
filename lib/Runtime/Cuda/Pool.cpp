// abnDnnMaxPool, abnDnnAvgPool and their gradients, as kernels of our own: cuDNN keeps a maximum's
// index to itself, pads both ends alike, treats NaN and empty windows otherwise and knows no
// divisor of its own.
#include "Primitives.h"

using namespace abn::cuda;
using namespace abn::runtime;

static int64_t countInput(const AbnDnnPool &d) {
  return d.batch * d.channels * volume(d.inputSize);
}
static int64_t countOutput(const AbnDnnPool &d) {
  return d.batch * d.channels * volume(d.outputSize);
}

/// Launches `kernel` on `d` and the operands behind it.
static void launch(const char *function, const char *kernel, const AbnDnnPool &d, int64_t count,
                   std::vector<const void *> operands, void *stream) {
  std::vector<const void *> arguments{&d};
  for (const void *&operand : operands)
    arguments.push_back(&operand);
  launchKernel(std::string(kernel) + "_" + suffixOf(d.element), count, std::move(arguments),
               stream);
  countCall(function, "own kernel");
}

void abnDnnMaxPool(const int64_t *descriptor, const void *input, void *output, int64_t *indices,
                   void *, int64_t, void *stream) {
  runPrimitive(
      "abnDnnMaxPool", [&] { return describePool(descriptor); },
      [&] {
        const AbnDnnPool &d = readPool(descriptor);
        requireOperands(input, output);
        require(indices, "expected indices, got null");
        launch("abnDnnMaxPool", "max_pool", d, countOutput(d), {input, output, indices}, stream);
      });
}

void abnDnnMaxPoolGrad(const int64_t *descriptor, const void *outputGrad, const int64_t *indices,
                       void *inputGrad, void *, int64_t, void *stream) {
  runPrimitive(
      "abnDnnMaxPoolGrad", [&] { return describePool(descriptor); },
      [&] {
        const AbnDnnPool &d = readPool(descriptor);
        requireOperands(outputGrad, inputGrad);
        require(indices, "expected indices, got null");
        launch("abnDnnMaxPoolGrad", "max_pool_grad", d, countInput(d),
               {outputGrad, indices, inputGrad}, stream);
      });
}

void abnDnnAvgPool(const int64_t *descriptor, const void *input, void *output, void *, int64_t,
                   void *stream) {
  runPrimitive(
      "abnDnnAvgPool", [&] { return describePool(descriptor); },
      [&] {
        const AbnDnnPool &d = readPool(descriptor);
        requireOperands(input, output);
        launch("abnDnnAvgPool", "average_pool", d, countOutput(d), {input, output}, stream);
      });
}

void abnDnnAvgPoolGrad(const int64_t *descriptor, const void *outputGrad, void *inputGrad, void *,
                       int64_t, void *stream) {
  runPrimitive(
      "abnDnnAvgPoolGrad", [&] { return describePool(descriptor); },
      [&] {
        const AbnDnnPool &d = readPool(descriptor);
        requireOperands(outputGrad, inputGrad);
        launch("abnDnnAvgPoolGrad", "average_pool_grad", d, countInput(d), {outputGrad, inputGrad},
               stream);
      });
}
