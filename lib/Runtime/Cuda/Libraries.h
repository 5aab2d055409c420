// The driver, cuDNN and cuBLAS as tables of functions, opened on first use: a program that is
// linked with this library starts on a machine that has none of them.
#ifndef ABN_LIB_RUNTIME_CUDA_LIBRARIES_H
#define ABN_LIB_RUNTIME_CUDA_LIBRARIES_H

#include "Declarations.h"
#include <string>

namespace abn::cuda {

#define ABN_DECLARE_FUNCTION(name, symbol, parameters) int(*name) parameters = nullptr;
struct Driver {
  ABN_DRIVER_FUNCTIONS(ABN_DECLARE_FUNCTION)
  ABN_DRIVER_OPTIONAL_FUNCTIONS(ABN_DECLARE_FUNCTION)
};
struct Cudnn {
  ABN_CUDNN_FUNCTIONS(ABN_DECLARE_FUNCTION)
  const char *(*cudnnGetErrorString)(int) = nullptr;
  /// Since cuDNN 9; may be null.
  void (*cudnnGetLastErrorString)(char *, size_t) = nullptr;
};
struct Cublas {
  ABN_CUBLAS_FUNCTIONS(ABN_DECLARE_FUNCTION)
  const char *(*cublasGetStatusName)(int) = nullptr;
  const char *(*cublasGetStatusString)(int) = nullptr;
};
#undef ABN_DECLARE_FUNCTION

/// Each throws runtime::Error if its library, or a function in it, is not there; the same each
/// time. The driver is initialised.
const Driver &driver();
const Cudnn &cudnn();
const Cublas &cublas();

/// Throws runtime::Error unless `code` is success: call, code, name, text, and what can be done
/// about it. `call` is a function's name, with what it was asked for if that helps.
void checkDriver(int code, const std::string &call);
void checkCudnn(int status, const std::string &call);
void checkCublas(int status, const std::string &call);

/// "error 2 (CUDA_ERROR_OUT_OF_MEMORY: out of memory)".
std::string describeDriverError(int code);

/// Whether cuDNN says that it has no such algorithm, rather than that something went wrong.
bool isUnsupported(int cudnnStatus);

} // namespace abn::cuda

#endif // ABN_LIB_RUNTIME_CUDA_LIBRARIES_H
