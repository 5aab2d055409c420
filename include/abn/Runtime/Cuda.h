/* What libabn_runtime_cuda.so has beside the host ABI (abn/Runtime/Gpu.h) and the primitives
   (abn/Runtime/Dnn.h). docs/Runtime.md lists the environment variables. */
#ifndef ABN_RUNTIME_CUDA_H
#define ABN_RUNTIME_CUDA_H

#ifdef __cplusplus
extern "C" {
#endif

/* What was done since the process began, as JSON (docs/Runtime.md). Valid until the thread's next
   call of this function. Opens no library and touches no GPU. */
const char *abnCudaReport(void);

#ifdef __cplusplus
}
#endif

#endif /* ABN_RUNTIME_CUDA_H */
