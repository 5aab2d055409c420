// lib/Runtime/Cuda/Declarations.h against the toolkit's headers: same parameters (every pointer is
// one pointer, every enumeration an int), same exported names, same numbers, same layouts. Compiled
// only.
#include "Runtime/Cuda/Declarations.h"
#include <cstddef>
#include <cuda.h>
#include <string_view>
#include <type_traits>

/// What is passed, in registers or on the stack, for a parameter.
template <typename T> constexpr auto passed() {
  if constexpr (std::is_pointer_v<T>)
    return static_cast<void *>(nullptr);
  else if constexpr (std::is_enum_v<T>)
    return passed<std::underlying_type_t<T>>();
  else if constexpr (std::is_integral_v<T> && sizeof(T) == 4)
    return 0;
  else if constexpr (std::is_integral_v<T> && sizeof(T) == 8)
    return 0ll;
  else
    return T();
}

template <typename... Parameters> struct List {};
template <typename T> struct Signature;
template <typename R, typename... P> struct Signature<R(P...)> {
  using Type = List<decltype(passed<R>()), decltype(passed<P>())...>;
};
template <typename A, typename B>
constexpr bool areAlike = std::is_same_v<typename Signature<A>::Type, typename Signature<B>::Type>;

// A header's macros turn a name into that of a version.
#define ABN_TEXT(name) #name
#define ABN_EXPANDED(name) ABN_TEXT(name)
#define ABN_COMPARE(name, symbol, parameters)                                                      \
  static_assert(std::string_view(ABN_EXPANDED(name)) == symbol, symbol);                           \
  static_assert(areAlike<decltype(name), int parameters>, symbol);
#define ABN_EQUAL(name) static_assert(abn::cuda::name == static_cast<long long>(::name), #name)

using abn::cuda::AlgorithmPerformance;
using abn::cuda::DevicePointer;
using abn::cuda::LaunchAttribute;
using abn::cuda::LaunchConfig;

ABN_DRIVER_FUNCTIONS(ABN_COMPARE)
ABN_DRIVER_OPTIONAL_FUNCTIONS(ABN_COMPARE)

ABN_EQUAL(CUDA_ERROR_OUT_OF_MEMORY);
ABN_EQUAL(CUDA_ERROR_DEINITIALIZED);
ABN_EQUAL(CUDA_ERROR_STUB_LIBRARY);
ABN_EQUAL(CUDA_ERROR_NO_DEVICE);
ABN_EQUAL(CUDA_ERROR_INVALID_DEVICE);
ABN_EQUAL(CUDA_ERROR_INVALID_IMAGE);
ABN_EQUAL(CUDA_ERROR_NO_BINARY_FOR_GPU);
ABN_EQUAL(CUDA_ERROR_INVALID_PTX);
ABN_EQUAL(CUDA_ERROR_UNSUPPORTED_PTX_VERSION);
ABN_EQUAL(CUDA_ERROR_NOT_FOUND);
ABN_EQUAL(CUDA_ERROR_ILLEGAL_ADDRESS);
ABN_EQUAL(CUDA_ERROR_ASSERT);
ABN_EQUAL(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
ABN_EQUAL(CUDA_ERROR_MISALIGNED_ADDRESS);
ABN_EQUAL(CUDA_ERROR_LAUNCH_FAILED);
ABN_EQUAL(CUDA_ERROR_SYSTEM_DRIVER_MISMATCH);
ABN_EQUAL(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
ABN_EQUAL(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
ABN_EQUAL(CU_JIT_ERROR_LOG_BUFFER);
ABN_EQUAL(CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES);
ABN_EQUAL(CU_JIT_OPTIMIZATION_LEVEL);
ABN_EQUAL(CU_STREAM_DEFAULT);
ABN_EQUAL(CU_EVENT_DISABLE_TIMING);
ABN_EQUAL(CU_MEM_ATTACH_GLOBAL);
ABN_EQUAL(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
ABN_EQUAL(CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION);
static_assert(sizeof(LaunchAttribute) == sizeof(CUlaunchAttribute));
static_assert(offsetof(LaunchAttribute, value) == offsetof(CUlaunchAttribute, value));
static_assert(offsetof(LaunchAttribute, value.cluster) ==
              offsetof(CUlaunchAttribute, value.clusterDim));
static_assert(sizeof(LaunchConfig) == sizeof(CUlaunchConfig));
static_assert(offsetof(LaunchConfig, sharedBytes) == offsetof(CUlaunchConfig, sharedMemBytes));
static_assert(offsetof(LaunchConfig, stream) == offsetof(CUlaunchConfig, hStream));
static_assert(offsetof(LaunchConfig, attributes) == offsetof(CUlaunchConfig, attrs));
static_assert(offsetof(LaunchConfig, attributeCount) == offsetof(CUlaunchConfig, numAttrs));

#if __has_include(<cudnn.h>)
#include <cudnn.h>
ABN_CUDNN_FUNCTIONS(ABN_COMPARE)
static_assert(std::is_same_v<decltype(cudnnGetErrorString), const char *(cudnnStatus_t)>);
#if CUDNN_MAJOR >= 9
static_assert(std::is_same_v<decltype(cudnnGetLastErrorString), void(char *, size_t)>);
#endif
ABN_EQUAL(CUDNN_DATA_FLOAT);
ABN_EQUAL(CUDNN_DATA_HALF);
ABN_EQUAL(CUDNN_DATA_BFLOAT16);
ABN_EQUAL(CUDNN_TENSOR_NCHW);
ABN_EQUAL(CUDNN_TENSOR_NHWC);
ABN_EQUAL(CUDNN_CROSS_CORRELATION);
ABN_EQUAL(CUDNN_DETERMINISTIC);
ABN_EQUAL(CUDNN_ACTIVATION_IDENTITY);
ABN_EQUAL(CUDNN_NOT_PROPAGATE_NAN);
ABN_EQUAL(CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM);
ABN_EQUAL(CUDNN_DEFAULT_MATH);
ABN_EQUAL(CUDNN_TENSOR_OP_MATH);
ABN_EQUAL(CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION);
ABN_EQUAL(CUDNN_FMA_MATH);
template <typename Theirs> constexpr bool isPerformance() {
  return sizeof(AlgorithmPerformance) == sizeof(Theirs) &&
         offsetof(AlgorithmPerformance, algorithm) == offsetof(Theirs, algo) &&
         offsetof(AlgorithmPerformance, status) == offsetof(Theirs, status) &&
         offsetof(AlgorithmPerformance, time) == offsetof(Theirs, time) &&
         offsetof(AlgorithmPerformance, memory) == offsetof(Theirs, memory) &&
         offsetof(AlgorithmPerformance, determinism) == offsetof(Theirs, determinism) &&
         offsetof(AlgorithmPerformance, mathType) == offsetof(Theirs, mathType);
}
static_assert(isPerformance<cudnnConvolutionFwdAlgoPerf_t>());
static_assert(isPerformance<cudnnConvolutionBwdDataAlgoPerf_t>());
static_assert(isPerformance<cudnnConvolutionBwdFilterAlgoPerf_t>());
#else
#warning "no cudnn.h beside the toolkit: its declarations are not compared"
#endif

#if __has_include(<cublas_v2.h>)
#include <cublas_v2.h>
static auto *const of_cublasCreate = &cublasCreate;
static auto *const of_cublasSetStream = &cublasSetStream;
static auto *const of_cublasSetWorkspace = &cublasSetWorkspace;
static auto *const of_cublasSetMathMode = &cublasSetMathMode;
// The header has an inline function of this name with another type for `compute`.
static cublasStatus_t (*const of_cublasGemmStridedBatchedEx)(
    cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int, const void *, const void *,
    cudaDataType, int, long long, const void *, cudaDataType, int, long long, const void *, void *,
    cudaDataType, int, long long, int, cublasComputeType_t,
    cublasGemmAlgo_t) = &cublasGemmStridedBatchedEx;
#define ABN_COMPARE_CUBLAS(name, symbol, parameters)                                               \
  static_assert(std::string_view(ABN_EXPANDED(name)) == symbol, symbol);                           \
  static_assert(areAlike<std::remove_pointer_t<decltype(of_##name)>, int parameters>, symbol);
ABN_CUBLAS_FUNCTIONS(ABN_COMPARE_CUBLAS)
static_assert(std::is_same_v<decltype(cublasGetStatusName), const char *(cublasStatus_t)>);
static_assert(std::is_same_v<decltype(cublasGetStatusString), const char *(cublasStatus_t)>);
ABN_EQUAL(CUDA_R_32F);
ABN_EQUAL(CUDA_R_16F);
ABN_EQUAL(CUDA_R_16BF);
ABN_EQUAL(CUBLAS_OP_N);
ABN_EQUAL(CUBLAS_OP_T);
ABN_EQUAL(CUBLAS_COMPUTE_32F);
ABN_EQUAL(CUBLAS_COMPUTE_32F_FAST_TF32);
ABN_EQUAL(CUBLAS_GEMM_DEFAULT);
ABN_EQUAL(CUBLAS_DEFAULT_MATH);
ABN_EQUAL(CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION);
#else
#warning "no cublas_v2.h beside the toolkit: its declarations are not compared"
#endif
