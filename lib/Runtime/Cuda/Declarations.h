// The functions of the CUDA driver, cuDNN and cuBLAS that are called here, declared again: what is
// compiled here must not need a toolkit, and what uses it must not need one either. Handles are
// void *, enumerations int. test/Runtime/Cuda/Declarations.cpp compares all of it with the
// toolkit's headers where there are any.
//
// Sources: cuda.h of CUDA 13.0 (CUDA_VERSION 13000; every driver function here is in 11.0 too, but
// the one that is marked), cudnn_{graph,ops,cnn}.h of cuDNN 9.19 (all of it is in 8.0 as well) and
// cublas_api.h of cuBLAS 13.0 (in 11.4 as well).
#ifndef ABN_LIB_RUNTIME_CUDA_DECLARATIONS_H
#define ABN_LIB_RUNTIME_CUDA_DECLARATIONS_H

#include <cstddef>

namespace abn::cuda {

//===----------------------------------------------------------------------===//
// Driver
//===----------------------------------------------------------------------===//

using DevicePointer = unsigned long long;

// CUresult
inline constexpr int CUDA_ERROR_OUT_OF_MEMORY = 2;
inline constexpr int CUDA_ERROR_DEINITIALIZED = 4;
inline constexpr int CUDA_ERROR_STUB_LIBRARY = 34;
inline constexpr int CUDA_ERROR_NO_DEVICE = 100;
inline constexpr int CUDA_ERROR_INVALID_DEVICE = 101;
inline constexpr int CUDA_ERROR_INVALID_IMAGE = 200;
inline constexpr int CUDA_ERROR_NO_BINARY_FOR_GPU = 209;
inline constexpr int CUDA_ERROR_INVALID_PTX = 218;
inline constexpr int CUDA_ERROR_UNSUPPORTED_PTX_VERSION = 222;
inline constexpr int CUDA_ERROR_NOT_FOUND = 500;
inline constexpr int CUDA_ERROR_ILLEGAL_ADDRESS = 700;
inline constexpr int CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES = 701;
inline constexpr int CUDA_ERROR_ASSERT = 710;
inline constexpr int CUDA_ERROR_MISALIGNED_ADDRESS = 716;
inline constexpr int CUDA_ERROR_LAUNCH_FAILED = 719;
inline constexpr int CUDA_ERROR_SYSTEM_DRIVER_MISMATCH = 803;
// CUdevice_attribute
inline constexpr int CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75;
inline constexpr int CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76;
// CUjit_option
inline constexpr int CU_JIT_ERROR_LOG_BUFFER = 5;
inline constexpr int CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6;
inline constexpr int CU_JIT_OPTIMIZATION_LEVEL = 7;
// Flags
inline constexpr unsigned CU_STREAM_DEFAULT = 0;
inline constexpr unsigned CU_EVENT_DISABLE_TIMING = 2;
inline constexpr unsigned CU_MEM_ATTACH_GLOBAL = 1;
inline constexpr int CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8;
inline constexpr int CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION = 4;

/// CUlaunchAttribute: the id, padding to 8 bytes, 64 bytes of value.
struct LaunchAttribute {
  int id;
  char pad[4];
  union {
    char bytes[64];
    struct {
      unsigned x, y, z;
    } cluster;
  } value;
};

/// CUlaunchConfig.
struct LaunchConfig {
  unsigned gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes;
  void *stream;
  LaunchAttribute *attributes;
  unsigned attributeCount;
};

/// X(name, exported symbol, parameters), for functions that return CUresult.
#define ABN_DRIVER_FUNCTIONS(X)                                                                    \
  X(cuInit, "cuInit", (unsigned))                                                                  \
  X(cuGetErrorName, "cuGetErrorName", (int, const char **))                                        \
  X(cuGetErrorString, "cuGetErrorString", (int, const char **))                                    \
  X(cuDeviceGet, "cuDeviceGet", (int *, int))                                                      \
  X(cuDeviceGetName, "cuDeviceGetName", (char *, int, int))                                        \
  X(cuDeviceGetAttribute, "cuDeviceGetAttribute", (int *, int, int))                               \
  X(cuDevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain", (void **, int))                          \
  X(cuCtxPushCurrent, "cuCtxPushCurrent_v2", (void *))                                             \
  X(cuCtxPopCurrent, "cuCtxPopCurrent_v2", (void **))                                              \
  X(cuModuleLoadDataEx, "cuModuleLoadDataEx", (void **, const void *, unsigned, int *, void **))   \
  X(cuModuleUnload, "cuModuleUnload", (void *))                                                    \
  X(cuModuleGetFunction, "cuModuleGetFunction", (void **, void *, const char *))                   \
  X(cuFuncSetAttribute, "cuFuncSetAttribute", (void *, int, int))                                  \
  X(cuLaunchKernel, "cuLaunchKernel",                                                              \
    (void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *,         \
     void **, void **))                                                                            \
  X(cuMemAlloc, "cuMemAlloc_v2", (DevicePointer *, size_t))                                        \
  X(cuMemAllocManaged, "cuMemAllocManaged", (DevicePointer *, size_t, unsigned))                   \
  X(cuMemFree, "cuMemFree_v2", (DevicePointer))                                                    \
  X(cuMemGetInfo, "cuMemGetInfo_v2", (size_t *, size_t *))                                         \
  X(cuMemcpyAsync, "cuMemcpyAsync", (DevicePointer, DevicePointer, size_t, void *))                \
  X(cuMemsetD16Async, "cuMemsetD16Async", (DevicePointer, unsigned short, size_t, void *))         \
  X(cuMemsetD32Async, "cuMemsetD32Async", (DevicePointer, unsigned, size_t, void *))               \
  X(cuMemHostRegister, "cuMemHostRegister_v2", (void *, size_t, unsigned))                         \
  X(cuMemHostUnregister, "cuMemHostUnregister", (void *))                                          \
  X(cuStreamCreate, "cuStreamCreate", (void **, unsigned))                                         \
  X(cuStreamDestroy, "cuStreamDestroy_v2", (void *))                                               \
  X(cuStreamSynchronize, "cuStreamSynchronize", (void *))                                          \
  X(cuStreamWaitEvent, "cuStreamWaitEvent", (void *, void *, unsigned))                            \
  X(cuEventCreate, "cuEventCreate", (void **, unsigned))                                           \
  X(cuEventDestroy, "cuEventDestroy_v2", (void *))                                                 \
  X(cuEventRecord, "cuEventRecord", (void *, void *))                                              \
  X(cuEventSynchronize, "cuEventSynchronize", (void *))

/// Since CUDA 11.8: looked for when it is called.
#define ABN_DRIVER_OPTIONAL_FUNCTIONS(X)                                                           \
  X(cuLaunchKernelEx, "cuLaunchKernelEx", (const LaunchConfig *, void *, void **, void **))

//===----------------------------------------------------------------------===//
// cuDNN
//===----------------------------------------------------------------------===//

inline constexpr int CUDNN_DATA_FLOAT = 0, CUDNN_DATA_HALF = 2, CUDNN_DATA_BFLOAT16 = 9;
inline constexpr int CUDNN_TENSOR_NCHW = 0, CUDNN_TENSOR_NHWC = 1;
inline constexpr int CUDNN_CROSS_CORRELATION = 1;
inline constexpr int CUDNN_DETERMINISTIC = 1;
inline constexpr int CUDNN_ACTIVATION_IDENTITY = 5;
inline constexpr int CUDNN_NOT_PROPAGATE_NAN = 0;
inline constexpr int CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM = 1;
// cudnnMathType_t
inline constexpr int CUDNN_DEFAULT_MATH = 0, CUDNN_TENSOR_OP_MATH = 1;
inline constexpr int CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION = 2, CUDNN_FMA_MATH = 3;

/// cudnnConvolution{Fwd,BwdData,BwdFilter}AlgoPerf_t: all three are laid out like this.
struct AlgorithmPerformance {
  int algorithm;
  int status;
  float time;
  size_t memory;
  int determinism;
  int mathType;
  int reserved[3];
};

/// X(name, exported symbol, parameters), for functions that return cudnnStatus_t.
#define ABN_CUDNN_FUNCTIONS(X)                                                                     \
  X(cudnnCreate, "cudnnCreate", (void **))                                                         \
  X(cudnnSetStream, "cudnnSetStream", (void *, void *))                                            \
  X(cudnnCreateTensorDescriptor, "cudnnCreateTensorDescriptor", (void **))                         \
  X(cudnnDestroyTensorDescriptor, "cudnnDestroyTensorDescriptor", (void *))                        \
  X(cudnnSetTensorNdDescriptor, "cudnnSetTensorNdDescriptor",                                      \
    (void *, int, int, const int *, const int *))                                                  \
  X(cudnnCreateFilterDescriptor, "cudnnCreateFilterDescriptor", (void **))                         \
  X(cudnnDestroyFilterDescriptor, "cudnnDestroyFilterDescriptor", (void *))                        \
  X(cudnnSetFilterNdDescriptor, "cudnnSetFilterNdDescriptor",                                      \
    (void *, int, int, int, const int *))                                                          \
  X(cudnnCreateConvolutionDescriptor, "cudnnCreateConvolutionDescriptor", (void **))               \
  X(cudnnDestroyConvolutionDescriptor, "cudnnDestroyConvolutionDescriptor", (void *))              \
  X(cudnnSetConvolutionNdDescriptor, "cudnnSetConvolutionNdDescriptor",                            \
    (void *, int, const int *, const int *, const int *, int, int))                                \
  X(cudnnSetConvolutionGroupCount, "cudnnSetConvolutionGroupCount", (void *, int))                 \
  X(cudnnSetConvolutionMathType, "cudnnSetConvolutionMathType", (void *, int))                     \
  X(cudnnCreateActivationDescriptor, "cudnnCreateActivationDescriptor", (void **))                 \
  X(cudnnDestroyActivationDescriptor, "cudnnDestroyActivationDescriptor", (void *))                \
  X(cudnnSetActivationDescriptor, "cudnnSetActivationDescriptor", (void *, int, int, double))      \
  X(cudnnGetConvolutionForwardAlgorithm_v7, "cudnnGetConvolutionForwardAlgorithm_v7",              \
    (void *, void *, void *, void *, void *, int, int *, AlgorithmPerformance *))                  \
  X(cudnnGetConvolutionBackwardDataAlgorithm_v7, "cudnnGetConvolutionBackwardDataAlgorithm_v7",    \
    (void *, void *, void *, void *, void *, int, int *, AlgorithmPerformance *))                  \
  X(cudnnGetConvolutionBackwardFilterAlgorithm_v7,                                                 \
    "cudnnGetConvolutionBackwardFilterAlgorithm_v7",                                               \
    (void *, void *, void *, void *, void *, int, int *, AlgorithmPerformance *))                  \
  X(cudnnConvolutionForward, "cudnnConvolutionForward",                                            \
    (void *, const void *, void *, const void *, void *, const void *, void *, int, void *,        \
     size_t, const void *, void *, void *))                                                        \
  X(cudnnConvolutionBiasActivationForward, "cudnnConvolutionBiasActivationForward",                \
    (void *, const void *, void *, const void *, void *, const void *, void *, int, void *,        \
     size_t, const void *, void *, const void *, void *, const void *, void *, void *, void *))    \
  X(cudnnConvolutionBackwardData, "cudnnConvolutionBackwardData",                                  \
    (void *, const void *, void *, const void *, void *, const void *, void *, int, void *,        \
     size_t, const void *, void *, void *))                                                        \
  X(cudnnConvolutionBackwardFilter, "cudnnConvolutionBackwardFilter",                              \
    (void *, const void *, void *, const void *, void *, const void *, void *, int, void *,        \
     size_t, const void *, void *, void *))

//===----------------------------------------------------------------------===//
// cuBLAS
//===----------------------------------------------------------------------===//

inline constexpr int CUDA_R_32F = 0, CUDA_R_16F = 2, CUDA_R_16BF = 14;
inline constexpr int CUBLAS_OP_N = 0, CUBLAS_OP_T = 1;
inline constexpr int CUBLAS_COMPUTE_32F = 68, CUBLAS_COMPUTE_32F_FAST_TF32 = 77;
inline constexpr int CUBLAS_GEMM_DEFAULT = -1;
inline constexpr int CUBLAS_DEFAULT_MATH = 0;
inline constexpr int CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION = 16;

/// X(name, exported symbol, parameters), for functions that return cublasStatus_t.
#define ABN_CUBLAS_FUNCTIONS(X)                                                                    \
  X(cublasCreate, "cublasCreate_v2", (void **))                                                    \
  X(cublasSetStream, "cublasSetStream_v2", (void *, void *))                                       \
  X(cublasSetWorkspace, "cublasSetWorkspace_v2", (void *, void *, size_t))                         \
  X(cublasSetMathMode, "cublasSetMathMode", (void *, int))                                         \
  X(cublasGemmStridedBatchedEx, "cublasGemmStridedBatchedEx",                                      \
    (void *, int, int, int, int, int, const void *, const void *, int, int, long long,             \
     const void *, int, int, long long, const void *, void *, int, int, long long, int, int, int))

} // namespace abn::cuda

#endif // ABN_LIB_RUNTIME_CUDA_DECLARATIONS_H
