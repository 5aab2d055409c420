// The PTX of Kernels/Kernels.cpp.
#ifndef ABN_LIB_RUNTIME_CUDA_KERNELIMAGE_H
#define ABN_LIB_RUNTIME_CUDA_KERNELIMAGE_H

namespace abn::cuda {

/// Text that ends with a zero.
const char *kernelImage();

} // namespace abn::cuda

#endif // ABN_LIB_RUNTIME_CUDA_KERNELIMAGE_H
