// The kernels of the CUDA runtime: what cuDNN does not do, or not as the dialect says. Compiled to
// PTX for the oldest chip that is supported, which drivers compile for theirs; no header of CUDA is
// needed. Every thread computes elements of its own, in a fixed order: equal inputs give equal
// bits.
//
// Each takes the number of elements of its result, its descriptor by value, and its operands.
#include "Convolution.h"
#include "Pool.h"
#include "Resize.h"

using namespace abn::kernels;

#define ABN_KERNEL extern "C" __attribute__((nvptx_kernel)) void

/// Calls `body(element)` for all that are this thread's.
template <typename Body> static inline void forEachElement(int64_t count, Body body) {
  int64_t threads = __nvvm_read_ptx_sreg_ntid_x();
  int64_t step = threads * __nvvm_read_ptx_sreg_nctaid_x();
  int64_t first = threads * __nvvm_read_ptx_sreg_ctaid_x() + __nvvm_read_ptx_sreg_tid_x();
#pragma clang loop unroll(disable)
  for (int64_t i = first; i < count; i += step)
    body(i);
}

#define ABN_ELEMENT_KERNELS(suffix, T)                                                             \
  ABN_KERNEL max_pool_##suffix(int64_t count, AbnDnnPool d, const T::Storage *input,               \
                               T::Storage *output, int64_t *indices) {                             \
    forEachElement(count, [&](int64_t i) { maxPool<T>(i, d, input, output, indices); });           \
  }                                                                                                \
  ABN_KERNEL max_pool_grad_##suffix(int64_t count, AbnDnnPool d, const T::Storage *outputGrad,     \
                                    const int64_t *indices, T::Storage *inputGrad) {               \
    forEachElement(count,                                                                          \
                   [&](int64_t i) { maxPoolGrad<T>(i, d, outputGrad, indices, inputGrad); });      \
  }                                                                                                \
  ABN_KERNEL average_pool_##suffix(int64_t count, AbnDnnPool d, const T::Storage *input,           \
                                   T::Storage *output) {                                           \
    forEachElement(count, [&](int64_t i) { averagePool<T>(i, d, input, output); });                \
  }                                                                                                \
  ABN_KERNEL average_pool_grad_##suffix(int64_t count, AbnDnnPool d, const T::Storage *outputGrad, \
                                        T::Storage *inputGrad) {                                   \
    forEachElement(count, [&](int64_t i) { averagePoolGrad<T>(i, d, outputGrad, inputGrad); });    \
  }                                                                                                \
  ABN_KERNEL resize_##suffix(int64_t count, AbnDnnResize d, const T::Storage *input,               \
                             T::Storage *output) {                                                 \
    forEachElement(count, [&](int64_t i) { resize<T>(i, d, input, output); });                     \
  }                                                                                                \
  ABN_KERNEL resize_grad_##suffix(int64_t count, AbnDnnResize d, const T::Storage *outputGrad,     \
                                  T::Storage *inputGrad) {                                         \
    forEachElement(count, [&](int64_t i) { resizeGrad<T>(i, d, outputGrad, inputGrad); });         \
  }                                                                                                \
  ABN_KERNEL convolution_##suffix(int64_t count, AbnDnnConvolution d, const T::Storage *input,     \
                                  const T::Storage *filter, const T::Storage *bias,                \
                                  T::Storage *output) {                                            \
    forEachElement(count, [&](int64_t i) { convolution<T>(i, d, input, filter, bias, output); });  \
  }                                                                                                \
  ABN_KERNEL convolution_input_grad_##suffix(int64_t count, AbnDnnConvolution d,                   \
                                             const T::Storage *outputGrad,                         \
                                             const T::Storage *filter, T::Storage *inputGrad) {    \
    forEachElement(                                                                                \
        count, [&](int64_t i) { convolutionInputGrad<T>(i, d, outputGrad, filter, inputGrad); });  \
  }                                                                                                \
  ABN_KERNEL convolution_weight_grad_##suffix(int64_t count, AbnDnnConvolution d,                  \
                                              const T::Storage *outputGrad,                        \
                                              const T::Storage *input, T::Storage *filterGrad) {   \
    forEachElement(                                                                                \
        count, [&](int64_t i) { convolutionWeightGrad<T>(i, d, outputGrad, input, filterGrad); }); \
  }

ABN_ELEMENT_KERNELS(f32, F32)
ABN_ELEMENT_KERNELS(f16, F16)
ABN_ELEMENT_KERNELS(bf16, BF16)

ABN_KERNEL shift_b32(int64_t count, Shift d, const uint32_t *from, uint32_t *to) {
  forEachElement(count, [&](int64_t i) { shift(i, d, from, to); });
}
ABN_KERNEL shift_b16(int64_t count, Shift d, const uint16_t *from, uint16_t *to) {
  forEachElement(count, [&](int64_t i) { shift(i, d, from, to); });
}
