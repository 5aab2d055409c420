// The host ABI of GPUs, on a machine that has none.
#include "abn/Runtime/Gpu.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

void *mgpuMemAlloc(uint64_t bytes, void *stream, bool isHostShared);

int main(void) {
  mgpuMemAlloc(16, NULL, false);
  const char *error = abnGpuLastError();
  printf("error: %s\n", error ? error : "none");
  return 0;
}
