// RUN: abn-opt %s --abn-attach-gpu-targets="chips=sm_80,sm_90a format=isa" | FileCheck %s
// RUN: abn-opt %s --abn-attach-gpu-targets="chips=sm_80,sm_90a format=isa" | abn-opt --abn-attach-gpu-targets="chips=sm_75 format=isa" | FileCheck %s --check-prefix=AGAIN
// RUN: not abn-opt %s --abn-attach-gpu-targets="chips=sm_81 format=isa" 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: not abn-opt %s --abn-attach-gpu-targets="format=isa" 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not abn-opt %s --abn-attach-gpu-targets="chips=sm_80" 2>&1 | FileCheck %s --check-prefix=TOOLKIT
// RUN: not abn-opt %s --abn-attach-gpu-targets="chips=sm_80 toolkit=%S" 2>&1 | FileCheck %s --check-prefix=EMPTY
// RUN: not abn-opt %s --abn-attach-gpu-targets="chips=sm_80 format=elf" 2>&1 | FileCheck %s --check-prefix=FORMAT
// RUN: not abn-opt %s --abn-attach-gpu-targets="chips=gfx90a target=rocdl format=isa" 2>&1 | FileCheck %s --check-prefix=TARGET
// RUN: not abn-opt %s --abn-attach-gpu-targets="chips=sm_80 format=isa instrument=true" 2>&1 | FileCheck %s --check-prefix=INSTRUMENT

// CHIP: attach-gpu-targets.mlir:{{.*}}: error: unknown chip `sm_81`; known are sm_75, sm_80, {{.*}}sm_121a
// NONE: attach-gpu-targets.mlir:{{.*}}: error: expected at least one chip, such as `sm_80`
// TOOLKIT: attach-gpu-targets.mlir:{{.*}}: error: format `fatbin` needs a CUDA toolkit
// EMPTY: attach-gpu-targets.mlir:{{.*}}: error: `{{.*}}Lower` is not a CUDA toolkit: it has no `nvvm/libdevice/libdevice.10.bc`
// FORMAT: attach-gpu-targets.mlir:{{.*}}: error: unknown format `elf`; expected `fatbin`, `isa` or `offload`
// TARGET: attach-gpu-targets.mlir:{{.*}}: error: unknown target `rocdl`; expected `nvvm`
// INSTRUMENT: attach-gpu-targets.mlir:{{.*}}: error: instrumented kernels can only be executed by the emulator: expected format `offload`, got `isa`

// Later targets replace earlier ones.
// CHECK: gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_80", features = "+ptx70">, #nvvm.target<O = 3, chip = "sm_90a", features = "+ptx80">]
// AGAIN: gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_75", features = "+ptx63">]
module attributes {gpu.container_module} {
  gpu.module @kernels {
  }
}
