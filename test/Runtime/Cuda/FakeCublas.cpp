// A libcublas.so.13 that multiplies by plain loops, and wants what the real one wants.
#include "Fake.h"
#include "FakeElements.h"
#include "Runtime/Cuda/Declarations.h"
#include <cstring>

using namespace abn::cuda;
using namespace abn::fake;

static constexpr int kInvalidValue = 7, kNotSupported = 15;

namespace {
struct Handle {
  void *workspace = nullptr;
  size_t workspaceBytes = 0;
  int math = CUBLAS_DEFAULT_MATH;
};
} // namespace

ABN_FAKE const char *cublasGetStatusName(int status) {
  return status == 3    ? "CUBLAS_STATUS_ALLOC_FAILED"
         : status == 13 ? "CUBLAS_STATUS_EXECUTION_FAILED"
                        : "CUBLAS_STATUS_INVALID_VALUE";
}
ABN_FAKE const char *cublasGetStatusString(int) { return "the fake's text"; }

ABN_FAKE int cublasCreate_v2(void **handle) {
  ABN_FAKE_FAILURE;
  *handle = new Handle;
  return 0;
}
ABN_FAKE int cublasSetStream_v2(void *handle, void *) {
  ABN_FAKE_FAILURE;
  // As the real one: the workspace is its own again.
  *static_cast<Handle *>(handle) = {nullptr, 0, static_cast<Handle *>(handle)->math};
  return 0;
}
ABN_FAKE int cublasSetWorkspace_v2(void *handle, void *workspace, size_t bytes) {
  ABN_FAKE_FAILURE;
  if (reinterpret_cast<uintptr_t>(workspace) % 256)
    return kInvalidValue;
  auto *h = static_cast<Handle *>(handle);
  h->workspace = workspace;
  h->workspaceBytes = bytes;
  return 0;
}
ABN_FAKE int cublasSetMathMode(void *handle, int mode) {
  static_cast<Handle *>(handle)->math = mode;
  return 0;
}

static bool elementOf(int type, Element &element) {
  element = type == CUDA_R_32F ? Element::F32 : type == CUDA_R_16F ? Element::F16 : Element::BF16;
  return type == CUDA_R_32F || type == CUDA_R_16F || type == CUDA_R_16BF;
}

ABN_FAKE int cublasGemmStridedBatchedEx(void *handle, int transA, int transB, int m, int n, int k,
                                        const void *alpha, const void *a, int typeA, int lda,
                                        long long strideA, const void *b, int typeB, int ldb,
                                        long long strideB, const void *beta, void *c, int typeC,
                                        int ldc, long long strideC, int batch, int compute, int) {
  ABN_FAKE_FAILURE;
  auto *h = static_cast<Handle *>(handle);
  Element ea, eb, ec;
  if (!elementOf(typeA, ea) || !elementOf(typeB, eb) || !elementOf(typeC, ec) || ea != eb)
    return kNotSupported;
  if (lda < (transA ? k : m) || ldb < (transB ? n : k) || ldc < m)
    return kInvalidValue;
  float scaleC, scale;
  std::memcpy(&scale, alpha, sizeof scale);
  std::memcpy(&scaleC, beta, sizeof scaleC);
  log("cublasGemmStridedBatchedEx m %d n %d k %d batch %d compute %d math %d workspace %zu", m, n,
      k, batch, compute, h->math, h->workspaceBytes);
  // All of the workspace is there to be written.
  if (h->workspaceBytes)
    std::memset(h->workspace, 0xee, h->workspaceBytes);
  for (long long i = 0; i < batch; ++i)
    for (int column = 0; column < n; ++column)
      for (int row = 0; row < m; ++row) {
        double sum = 0;
        for (int64_t inner = 0; inner < k; ++inner)
          sum +=
              load(ea, a, i * strideA + (transA ? inner + int64_t(row) * lda : row + inner * lda)) *
              load(eb, b,
                   i * strideB + (transB ? column + inner * ldb : inner + int64_t(column) * ldb));
        int64_t at = i * strideC + row + int64_t(column) * ldc;
        store(ec, c, at, scale * sum + (scaleC ? scaleC * load(ec, c, at) : 0.0));
      }
  return 0;
}
