/* The host ABI on OpenCL 2.1, as far as the tests of abn-to-gpu{target=spirv} need it: kernels from SPIR-V, one
   queue that each call waits for, device memory that is shared virtual memory. OpenCL's types and functions
   are declared here: their headers are not needed for anything else. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int32_t cl_int;
typedef void *cl_object;

cl_int clGetPlatformIDs(uint32_t, cl_object *, uint32_t *);
cl_int clGetDeviceIDs(cl_object, uint64_t, uint32_t, cl_object *, uint32_t *);
cl_object clCreateContext(const void *, uint32_t, const cl_object *, void *, void *, cl_int *);
cl_object clCreateCommandQueueWithProperties(cl_object, cl_object, const void *, cl_int *);
cl_object clCreateProgramWithIL(cl_object, const void *, size_t, cl_int *);
cl_int clBuildProgram(cl_object, uint32_t, const cl_object *, const char *, void *, void *);
cl_int clGetProgramBuildInfo(cl_object, cl_object, uint32_t, size_t, void *, size_t *);
cl_int clGetDeviceInfo(cl_object, uint32_t, size_t, void *, size_t *);
cl_object clCreateKernel(cl_object, const char *, cl_int *);
cl_int clSetKernelArg(cl_object, uint32_t, size_t, const void *);
cl_int clSetKernelArgSVMPointer(cl_object, uint32_t, const void *);
cl_int clEnqueueNDRangeKernel(cl_object, cl_object, uint32_t, const size_t *, const size_t *, const size_t *, uint32_t,
                              const cl_object *, cl_object *);
cl_int clFinish(cl_object);
void *clSVMAlloc(cl_object, uint64_t, size_t, uint32_t);
void clSVMFree(cl_object, void *);

enum { kBuildLog = 0x1183, kDeviceName = 0x102B };

static cl_object device, context, queue;
static char firstError[4096];

static int check(cl_int status, const char *what) {
  if (status && !firstError[0])
    snprintf(firstError, sizeof firstError, "%s: OpenCL error %d", what, status);
  return status == 0;
}

/* The device's name, or null if there is none. */
const char *openClDevice(void) {
  static char name[256];
  cl_object platform;
  uint32_t count = 0;
  cl_int status = 0;
  if (name[0])
    return name;
  if (clGetPlatformIDs(1, &platform, &count) || !count ||
      clGetDeviceIDs(platform, 0xFFFFFFFF, 1, &device, &count) || !count)
    return NULL;
  context = clCreateContext(NULL, 1, &device, NULL, NULL, &status);
  check(status, "clCreateContext");
  queue = clCreateCommandQueueWithProperties(context, device, NULL, &status);
  check(status, "clCreateCommandQueueWithProperties");
  clGetDeviceInfo(device, kDeviceName, sizeof name, name, NULL);
  return name;
}

/* The first error so far, or "". */
const char *openClError(void) { return firstError; }

/* A module is compiled when its first kernel is asked for: it is loaded from a global constructor, where the
   driver, which starts threads, cannot compile. */
typedef struct Module {
  const void *data;
  size_t bytes;
  cl_object program;
} Module;

static void compile(Module *module) {
  cl_int status = 0;
  openClDevice();
  module->program = clCreateProgramWithIL(context, module->data, module->bytes, &status);
  if (!check(status, "clCreateProgramWithIL"))
    return;
  if ((status = clBuildProgram(module->program, 1, &device, "", NULL, NULL)) && !firstError[0]) {
    int used = snprintf(firstError, sizeof firstError, "clBuildProgram: OpenCL error %d: ", status);
    clGetProgramBuildInfo(module->program, device, kBuildLog, sizeof firstError - used, firstError + used, NULL);
  }
}

void *mgpuModuleLoad(const void *data, size_t bytes) {
  Module *module = calloc(1, sizeof *module);
  module->data = data;
  module->bytes = bytes;
  return module;
}

void *mgpuModuleLoadJIT(const void *data, int level, size_t bytes) {
  (void)level;
  return mgpuModuleLoad(data, bytes);
}

/* The process ends: the driver may have been unloaded. */
void mgpuModuleUnload(void *module) { free(module); }

void *mgpuModuleGetFunction(void *handle, const char *name) {
  Module *module = handle;
  cl_int status = 0;
  if (!module->program)
    compile(module);
  void *kernel = clCreateKernel(module->program, name, &status);
  check(status, name);
  return kernel;
}

void mgpuLaunchKernel(void *kernel, intptr_t gx, intptr_t gy, intptr_t gz, intptr_t bx, intptr_t by, intptr_t bz,
                      int32_t dynamicBytes, void *stream, void **arguments, void **extra, size_t count) {
  size_t local[3] = {(size_t)bx, (size_t)by, (size_t)bz};
  size_t global[3] = {(size_t)(gx * bx), (size_t)(gy * by), (size_t)(gz * bz)};
  (void)dynamicBytes, (void)stream, (void)extra;
  for (size_t i = 0; i < count; ++i) {
    /* Descriptors are pointers and integers of 8 bytes each; OpenCL refuses the one as the other. */
    if (clSetKernelArg(kernel, (uint32_t)i, 8, arguments[i]))
      check(clSetKernelArgSVMPointer(kernel, (uint32_t)i, *(void **)arguments[i]), "clSetKernelArgSVMPointer");
  }
  check(clEnqueueNDRangeKernel(queue, kernel, 3, NULL, global, local, 0, NULL, NULL), "clEnqueueNDRangeKernel");
  check(clFinish(queue), "clFinish");
}

void *mgpuMemAlloc(uint64_t bytes, void *stream, uint8_t isShared) {
  (void)stream, (void)isShared;
  openClDevice();
  return clSVMAlloc(context, 1 | 1 << 10, bytes ? bytes : 1, 128);
}

void mgpuMemFree(void *pointer, void *stream) {
  (void)stream;
  clSVMFree(context, pointer);
}

void mgpuMemcpy(void *to, const void *from, size_t bytes, void *stream) {
  (void)stream;
  memcpy(to, from, bytes);
}

void *mgpuStreamCreate(void) { return queue; }
void mgpuStreamDestroy(void *stream) { (void)stream; }
void mgpuStreamSynchronize(void *stream) { (void)stream; }
