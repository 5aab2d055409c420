// abnDnnMatmul: cuBLAS. Its matrices are stored by columns: what is row-major here is its transpose
// there, and the product of transposes in the other order is the transpose of the product.
#include "Libraries.h"
#include "Primitives.h"
#include <algorithm>

using namespace abn::cuda;
using namespace abn::runtime;

static int dataType(int64_t element) {
  return element == ABN_DNN_F32 ? CUDA_R_32F : element == ABN_DNN_F16 ? CUDA_R_16F : CUDA_R_16BF;
}

/// What NVIDIA recommends for its newest chips, and for the others. Less than that is not taken of
/// what a step lends: some of cuBLAS' kernels then fail, or are not chosen.
static constexpr int64_t kWorkspaceBytes = 32 << 20, kLeastWorkspaceBytes = 4 << 20;

static void *prepareHandle(const Workspace &lent, void *stream) {
  void *handle = cublasHandle(stream);
  // cublasSetStream has put back the library's own, whose use depends on what else runs: equal
  // calls are to be computed alike.
  bool isEnough = lent.bytes >= kLeastWorkspaceBytes;
  int64_t bytes = isEnough ? lent.bytes : std::min(kWorkspaceBytes, workspaceLimit());
  Workspace used = isEnough ? lent : Workspace{nullptr, 0};
  checkCublas(cublas().cublasSetWorkspace(handle, takeWorkspace(used, bytes, stream), bytes),
              "cublasSetWorkspace of " + std::to_string(bytes) + " bytes");
  return handle;
}

static void multiply(const AbnDnnMatmul &d, const void *lhs, const void *rhs, void *result,
                     const Workspace &lent, void *stream) {
  void *handle = prepareHandle(lent, stream);
  float one = 1, beta = d.accumulate ? 1 : 0;
  bool isTf32 = d.element == ABN_DNN_F32 && allowsTf32();
  // A batch of one has no strides.
  auto strideOf = [&](int64_t stride) { return d.batch > 1 ? stride : 0; };
  checkCublas(cublas().cublasGemmStridedBatchedEx(
                  handle, d.transposeRhs ? CUBLAS_OP_T : CUBLAS_OP_N,
                  d.transposeLhs ? CUBLAS_OP_T : CUBLAS_OP_N, static_cast<int>(d.n),
                  static_cast<int>(d.m), static_cast<int>(d.k), &one, rhs, dataType(d.element),
                  static_cast<int>(d.leadingRhs), strideOf(d.strideRhs), lhs, dataType(d.element),
                  static_cast<int>(d.leadingLhs), strideOf(d.strideLhs), &beta, result,
                  dataType(d.resultElement), static_cast<int>(d.leadingResult),
                  strideOf(d.strideResult), static_cast<int>(d.batch),
                  isTf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
              "cublasGemmStridedBatchedEx");
  countCall("abnDnnMatmul", isTf32 ? "cublas tf32" : "cublas");
}

void abnDnnMatmul(const int64_t *descriptor, const void *lhs, const void *rhs, void *result,
                  void *workspace, int64_t workspaceBytes, void *stream) {
  runPrimitive(
      "abnDnnMatmul", [&] { return describeMatmul(descriptor); },
      [&] {
        const AbnDnnMatmul &d = readMatmul(descriptor);
        requireOperands(lhs, result);
        requireOperands(rhs, result);
        multiply(d, lhs, rhs, result, {workspace, workspaceBytes}, stream);
      });
}
