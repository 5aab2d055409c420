/* Errors of the host ABI of GPUs: the mgpu* functions that gpu-to-llvm calls (mgpuModuleLoad,
   mgpuLaunchKernel, mgpuMemAlloc, ...) return nothing that a program looks at, and some run before
   main. Every library that implements them (libabn_runtime_cuda.so, libabn_runtime_emulator.so)
   implements these two functions.

   A call that fails records why; it does not end the process. From then on launches, copies and
   fills do nothing until abnGpuResetError. */
#ifndef ABN_RUNTIME_GPU_H
#define ABN_RUNTIME_GPU_H

#ifdef __cplusplus
extern "C" {
#endif

/* The first error of the process since the last reset, or null: which call failed, with what (the
   driver's code and its name) and what can be done. GPUs work asynchronously: an error of a kernel
   is found by a later call, mgpuStreamSynchronize at the latest. Valid until the thread's next call
   of this function. */
const char *abnGpuLastError(void);

/* Forgets errors. What a GPU has lost (its context, after a kernel's illegal access) stays lost. */
void abnGpuResetError(void);

#ifdef __cplusplus
}
#endif

#endif /* ABN_RUNTIME_GPU_H */
