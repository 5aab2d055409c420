// The C ABI between a compiled step and the library that runs its primitives: the dnn dialect's ops
// and matrix products. `convert-dnn-to-calls` emits the calls; libabn_runtime_dnnl.so (oneDNN)
// implements them on the CPU, libabn_runtime_cuda.so (cuDNN, cuBLAS) on a GPU, another library may
// stand in their place. docs/Runtime.md has the rules.
//
// Every function takes, in this order:
//  - its descriptor: a constant array of int64_t in host memory, laid out as one of the structs
//    below. Sizes and strides count elements, never bytes. Two calls with equal descriptors are the
//    same primitive, wherever the descriptors lie: libraries may cache by content;
//  - its operands, inputs before results: dense row-major arrays in the library's memory (the
//    host's for a CPU library, the device's for a GPU's), aligned as their elements are. Results
//    are written without being read (abnDnnMatmul with `accumulate` apart) and overlap no other
//    operand;
//  - a workspace in the same memory, and its size in bytes. A library that needs more, or gets null
//    and 0, allocates for itself;
//  - the stream on which to work, null for the default one. CPU libraries ignore it and are done
//    when they return.
//
// f16 and bf16 operands are summed in f32 and rounded once. Equal calls give equal bits on one
// machine with one number of threads.
//
// Nothing is returned and nothing aborts. A call that fails records why, on the thread that made it
// (abnDnnLastError), and leaves its results undefined.
#ifndef ABN_RUNTIME_DNN_H
#define ABN_RUNTIME_DNN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ABN_DNN_EXPORT __attribute__((visibility("default")))

/// The first entry of every descriptor. It changes with any layout below.
#define ABN_DNN_VERSION 1
/// Entries per spatial array. Behind `spatialRank`, sizes, strides and dilations are 1, paddings 0.
#define ABN_DNN_MAX_SPATIAL 3

enum AbnDnnElement { ABN_DNN_F32 = 1, ABN_DNN_F16 = 2, ABN_DNN_BF16 = 3 };

/// Channels first: [N, C, spatial...], filters [F, C/groups, spatial...]. Channels last:
/// [N, spatial..., C], filters [F, spatial..., C/groups].
enum AbnDnnLayout { ABN_DNN_CHANNELS_FIRST = 0, ABN_DNN_CHANNELS_LAST = 1 };

enum AbnDnnResizeMode { ABN_DNN_NEAREST = 0, ABN_DNN_LINEAR = 1 };

/// How a destination position maps to the source: #dnn.coordinates.
enum AbnDnnCoordinates {
  ABN_DNN_ASYMMETRIC = 0,
  ABN_DNN_HALF_PIXEL = 1,
  ABN_DNN_ALIGN_CORNERS = 2
};

/// A convolution, or the one whose gradient is computed. 29 entries.
struct AbnDnnConvolution {
  int64_t version;
  int64_t element;     // AbnDnnElement of every operand
  int64_t layout;      // AbnDnnLayout
  int64_t spatialRank; // 1 to 3
  int64_t batch;       // N
  int64_t channels;    // C of the input
  int64_t filters;     // F, the channels of the output
  int64_t groups;      // divides C and F
  int64_t inputSize[ABN_DNN_MAX_SPATIAL];
  int64_t filterSize[ABN_DNN_MAX_SPATIAL];
  int64_t outputSize[ABN_DNN_MAX_SPATIAL];
  int64_t strides[ABN_DNN_MAX_SPATIAL];
  int64_t paddingLow[ABN_DNN_MAX_SPATIAL];  // zeros before the first element
  int64_t paddingHigh[ABN_DNN_MAX_SPATIAL]; // zeros behind the last; windows may end earlier
  int64_t dilations[ABN_DNN_MAX_SPATIAL];   // distance of a filter's taps; 1: adjacent
};

/// A pool, or the one whose gradient is computed. 29 entries.
struct AbnDnnPool {
  int64_t version;
  int64_t element; // of every operand but the indices, which are int64_t
  int64_t layout;
  int64_t spatialRank;
  int64_t batch;
  int64_t channels;
  /// Average pools: 1 divides by a window's positions in the padded input, 0 by those in the input.
  int64_t countIncludePad;
  /// Average pools: the divisor of every window, or 0 for none.
  int64_t divisorOverride;
  int64_t inputSize[ABN_DNN_MAX_SPATIAL];
  int64_t kernelSize[ABN_DNN_MAX_SPATIAL];
  int64_t outputSize[ABN_DNN_MAX_SPATIAL];
  int64_t strides[ABN_DNN_MAX_SPATIAL];
  int64_t paddingLow[ABN_DNN_MAX_SPATIAL];
  int64_t paddingHigh[ABN_DNN_MAX_SPATIAL]; // a last window of ceil_mode may reach beyond it
  int64_t dilations[ABN_DNN_MAX_SPATIAL];   // average pools: 1
};

/// A resize, or the one whose gradient is computed. 18 entries.
struct AbnDnnResize {
  int64_t version;
  int64_t element;
  int64_t layout;
  int64_t spatialRank;
  int64_t batch;
  int64_t channels;
  int64_t mode;        // AbnDnnResizeMode
  int64_t coordinates; // AbnDnnCoordinates
  int64_t hasScales;   // 1: `scales` replaces source size / destination size
  int64_t inputSize[ABN_DNN_MAX_SPATIAL];
  int64_t outputSize[ABN_DNN_MAX_SPATIAL];
  int64_t scales[ABN_DNN_MAX_SPATIAL]; // the bits of doubles; 0 without scales
};

/// result[b] (+)= op(lhs[b]) * op(rhs[b]) for b < batch; op(lhs) is m x k, op(rhs) k x n, the
/// result m x n. 16 entries.
struct AbnDnnMatmul {
  int64_t version;
  int64_t element;       // of lhs and rhs
  int64_t resultElement; // of the result: `element`, or f32
  int64_t accumulate;    // 1: adds to what the result holds; 0: overwrites it
  int64_t batch;
  int64_t m, n, k;
  int64_t transposeLhs, transposeRhs; // 1: the operand is stored as k x m, n x k
  /// From one stored row to the next: at least a row's length.
  int64_t leadingLhs, leadingRhs, leadingResult;
  /// From one matrix of the batch to the next. 0 repeats lhs or rhs for the whole batch.
  int64_t strideLhs, strideRhs, strideResult;
};

/// input [N,C,..], filter, bias [F] or null; output [N,F,..].
ABN_DNN_EXPORT void abnDnnConvolution(const int64_t *descriptor, const void *input,
                                      const void *filter, const void *bias, void *output,
                                      void *workspace, int64_t workspaceBytes, void *stream);
/// outputGrad [N,F,..], filter; inputGrad [N,C,..].
ABN_DNN_EXPORT void abnDnnConvolutionInputGrad(const int64_t *descriptor, const void *outputGrad,
                                               const void *filter, void *inputGrad, void *workspace,
                                               int64_t workspaceBytes, void *stream);
/// outputGrad [N,F,..], input [N,C,..]; filterGrad.
ABN_DNN_EXPORT void abnDnnConvolutionWeightGrad(const int64_t *descriptor, const void *outputGrad,
                                                const void *input, void *filterGrad,
                                                void *workspace, int64_t workspaceBytes,
                                                void *stream);
/// input; output, and for each of its elements the int64_t position of the maximum, flattened over
/// the input's spatial dimensions: the first of equal values, the last NaN, -1 (and -inf) for a
/// window that covers no element.
ABN_DNN_EXPORT void abnDnnMaxPool(const int64_t *descriptor, const void *input, void *output,
                                  int64_t *indices, void *workspace, int64_t workspaceBytes,
                                  void *stream);
/// outputGrad, indices (negative ones are skipped; a GPU's library skips those outside of their
/// window too); inputGrad.
ABN_DNN_EXPORT void abnDnnMaxPoolGrad(const int64_t *descriptor, const void *outputGrad,
                                      const int64_t *indices, void *inputGrad, void *workspace,
                                      int64_t workspaceBytes, void *stream);
ABN_DNN_EXPORT void abnDnnAvgPool(const int64_t *descriptor, const void *input, void *output,
                                  void *workspace, int64_t workspaceBytes, void *stream);
ABN_DNN_EXPORT void abnDnnAvgPoolGrad(const int64_t *descriptor, const void *outputGrad,
                                      void *inputGrad, void *workspace, int64_t workspaceBytes,
                                      void *stream);
ABN_DNN_EXPORT void abnDnnResize(const int64_t *descriptor, const void *input, void *output,
                                 void *workspace, int64_t workspaceBytes, void *stream);
ABN_DNN_EXPORT void abnDnnResizeGrad(const int64_t *descriptor, const void *outputGrad,
                                     void *inputGrad, void *workspace, int64_t workspaceBytes,
                                     void *stream);
ABN_DNN_EXPORT void abnDnnMatmul(const int64_t *descriptor, const void *lhs, const void *rhs,
                                 void *result, void *workspace, int64_t workspaceBytes,
                                 void *stream);

/// The first error on this thread since the last reset: the function, the sizes and the reason.
/// Null if there was none. Valid until the next reset. Libraries that work asynchronously may
/// record an error with a later call.
ABN_DNN_EXPORT const char *abnDnnLastError(void);
ABN_DNN_EXPORT void abnDnnResetError(void);

#ifdef __cplusplus
} // extern "C"
#endif

#endif // ABN_RUNTIME_DNN_H
