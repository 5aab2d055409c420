#include "KernelImage.h"

// The assembler reads the file that the build made: no generated source of half a million numbers.
asm(R"(.section .rodata
.global abnCudaKernelImage
.hidden abnCudaKernelImage
abnCudaKernelImage:
.incbin ")" ABN_KERNEL_IMAGE R"("
.byte 0
.previous
)");

extern "C" const char abnCudaKernelImage[];

const char *abn::cuda::kernelImage() { return abnCudaKernelImage; }
