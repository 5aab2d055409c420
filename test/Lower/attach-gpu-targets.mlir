// RUN: abn-opt %s --abn-attach-gpu-targets="chips=sm_80,sm_90a format=isa" | FileCheck %s
// RUN: abn-opt %s --abn-attach-gpu-targets="chips=sm_80,sm_90a format=isa" | abn-opt --abn-attach-gpu-targets="chips=sm_75 format=isa" | FileCheck %s --check-prefix=AGAIN
// RUN: not abn-opt %s --abn-attach-gpu-targets="chips=sm_81 format=isa" 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: not abn-opt %s --abn-attach-gpu-targets="format=isa" 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not abn-opt %s --abn-attach-gpu-targets="chips=sm_80" 2>&1 | FileCheck %s --check-prefix=TOOLKIT
// RUN: not abn-opt %s --abn-attach-gpu-targets="chips=sm_80 toolkit=%S" 2>&1 | FileCheck %s --check-prefix=EMPTY
// RUN: not abn-opt %s --abn-attach-gpu-targets="chips=sm_80 format=elf" 2>&1 | FileCheck %s --check-prefix=FORMAT
// RUN: not abn-opt %s --abn-attach-gpu-targets="chips=gfx90a target=rocdl format=isa" 2>&1 | FileCheck %s --check-prefix=TARGET
// RUN: abn-opt %s --abn-attach-gpu-targets="target=spirv" | FileCheck %s --check-prefix=SPIRV
// RUN: not abn-opt %s --abn-attach-gpu-targets="target=rocm chips=sm_80 toolkit=%S" 2>&1 | FileCheck %s --check-prefix=OTHER
// RUN: not abn-opt %s --abn-attach-gpu-targets="target=cuda chips=gfx90a format=isa" 2>&1 | FileCheck %s --check-prefix=AMD
// RUN: not abn-opt %s --abn-attach-gpu-targets="target=rocm chips=gfx90a,gfx1100 toolkit=%S" 2>&1 | FileCheck %s --check-prefix=WIDTHS
// RUN: not abn-opt %s --abn-attach-gpu-targets="target=rocm chips=gfx90a format=isa" 2>&1 | FileCheck %s --check-prefix=ROCM
// RUN: not abn-opt %s --abn-attach-gpu-targets="target=rocm chips=gfx90a toolkit=%S" 2>&1 | FileCheck %s --check-prefix=NOROCM
// RUN: not abn-opt %s --abn-attach-gpu-targets="target=rocm toolkit=%S" 2>&1 | FileCheck %s --check-prefix=NOCHIP
// RUN: not abn-opt %s --abn-attach-gpu-targets="target=spirv format=fatbin" 2>&1 | FileCheck %s --check-prefix=MACHINE
// RUN: not abn-opt %s --abn-attach-gpu-targets="target=spirv toolkit=%S" 2>&1 | FileCheck %s --check-prefix=NOTOOLS
// RUN: not abn-opt %s --abn-attach-gpu-targets="chips=sm_80 format=isa instrument=true" 2>&1 | FileCheck %s --check-prefix=INSTRUMENT

// CHIP: attach-gpu-targets.mlir:{{.*}}: error: unknown chip `sm_81`; known are sm_75, sm_80, {{.*}}sm_121a
// NONE: attach-gpu-targets.mlir:{{.*}}: error: expected at least one chip, such as `sm_80`
// TOOLKIT: attach-gpu-targets.mlir:{{.*}}: error: format `fatbin` needs a CUDA toolkit
// EMPTY: attach-gpu-targets.mlir:{{.*}}: error: `{{.*}}Lower` is not a CUDA toolkit: it has no `nvvm/libdevice/libdevice.10.bc`
// FORMAT: attach-gpu-targets.mlir:{{.*}}: error: unknown format `elf`; expected `fatbin`, `isa` or `offload` for target `cuda`
// TARGET: attach-gpu-targets.mlir:{{.*}}: error: unknown target `rocdl`; expected `cuda`, `rocm` or `spirv`
// OTHER: attach-gpu-targets.mlir:{{.*}}: error: chip `sm_80` is not one of target `rocm` but of `cuda`
// AMD: attach-gpu-targets.mlir:{{.*}}: error: chip `gfx90a` is not one of target `cuda` but of `rocm`
// WIDTHS: attach-gpu-targets.mlir:{{.*}}: error: chips `gfx90a` and `gfx1100` need kernels of their own: subgroups have 64 and 32 threads
// ROCM: attach-gpu-targets.mlir:{{.*}}: error: target `rocm` needs ROCm's device libraries: {{.*}} Debian's package rocm-device-libs
// NOROCM: attach-gpu-targets.mlir:{{.*}}: error: `{{.*}}Lower` is not a ROCm toolkit: it has no `amdgcn/bitcode/ocml.bc`
// NOCHIP: attach-gpu-targets.mlir:{{.*}}: error: expected at least one chip, such as `gfx90a`
// MACHINE: attach-gpu-targets.mlir:{{.*}}: error: unknown format `fatbin`; expected `isa` or `offload` for target `spirv`
// NOTOOLS: attach-gpu-targets.mlir:{{.*}}: error: target `spirv` uses no toolkit, got `{{.*}}`
// INSTRUMENT: attach-gpu-targets.mlir:{{.*}}: error: instrumented kernels can only be executed by the emulator: expected format `offload`, got `isa`

// Later targets replace earlier ones.
// CHECK: gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_80", features = "+ptx70">, #nvvm.target<O = 3, chip = "sm_90a", features = "+ptx80">]
// SPIRV: gpu.module @kernels [#spirv.target_env<#spirv.vce<v1.0, [Kernel], []>, api=OpenCL, #spirv.resource_limits<>>]
// AGAIN: gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_75", features = "+ptx63">]
module attributes {gpu.container_module} {
  gpu.module @kernels {
  }
}
