// RUN: abn-opt %s --split-input-file --abn-join-fatbins --verify-diagnostics | FileCheck %s

// Machine code for both chips, PTX for the newer one.
// CHECK: gpu.binary @two [#gpu.object<#nvvm.target<chip = "sm_80">, "P\EDU\BA\01\00\10\00l\00\00\00\00\00\00\00\02\00\01\01 \00\00\00\04\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00P\00\00\00elf8\02\00\01\01 \00\00\00\04\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00Z\00\00\00elf9\01\00\01\01 \00\00\00\04\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00Z\00\00\00ptx9">]
gpu.binary @two [
  #gpu.object<#nvvm.target<chip = "sm_80">, "P\EDU\BA\01\00\10\00H\00\00\00\00\00\00\00\02\00\01\01 \00\00\00\04\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00P\00\00\00elf8\01\00\01\01 \00\00\00\04\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00P\00\00\00ptx8">,
  #gpu.object<#nvvm.target<chip = "sm_90">, "P\EDU\BA\01\00\10\00H\00\00\00\00\00\00\00\02\00\01\01 \00\00\00\04\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00Z\00\00\00elf9\01\00\01\01 \00\00\00\04\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00Z\00\00\00ptx9">
]

// -----

// One is left as it is, and so are other formats.
// CHECK: gpu.binary @one [#gpu.object<#nvvm.target<chip = "sm_80">, "anything">]
gpu.binary @one [#gpu.object<#nvvm.target<chip = "sm_80">, "anything">]
// CHECK: gpu.binary @text [#gpu.object<{{.*}}, assembly = "a">, #gpu.object<{{.*}}, assembly = "b">]
gpu.binary @text [
  #gpu.object<#nvvm.target<chip = "sm_80">, assembly = "a">,
  #gpu.object<#nvvm.target<chip = "sm_90">, assembly = "b">
]

// -----

// expected-error @+1 {{expected a fatbin as CUDA's `fatbinary` writes it}}
gpu.binary @short [
  #gpu.object<#nvvm.target<chip = "sm_80">, "P">,
  #gpu.object<#nvvm.target<chip = "sm_90">, "P">
]

// -----

// An entry that ends behind the file.
// expected-error @+1 {{expected a fatbin as CUDA's `fatbinary` writes it}}
gpu.binary @cut [
  #gpu.object<#nvvm.target<chip = "sm_80">, "P\EDU\BA\01\00\10\00H\00\00\00\00\00\00\00\02\00\01\01 \00\00\00\04\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00P\00\00\00elf8\01\00\01\01 \00\00\00\04\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00P\00\00\00ptx8">,
  #gpu.object<#nvvm.target<chip = "sm_90">, "P\EDU\BA\01\00\10\00H\00\00\00\00\00\00\00\02\00\01\01 \00\00\00\C8\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00Z\00\00\00elf9\01\00\01\01 \00\00\00\04\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00Z\00\00\00ptx9">
]

// -----

// PTX for sm_90a runs on no newer chip: that for sm_80 is kept.
// CHECK: gpu.binary @specific [#gpu.object<#nvvm.target<chip = "sm_80">, "P\EDU\BA\01\00\10\00l\00\00\00\00\00\00\00\02\00\01\01 \00\00\00\04\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00P\00\00\00elf8\01\00\01\01 \00\00\00\04\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00P\00\00\00ptx8\02\00\01\01 \00\00\00\04\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00Z\00\00\00elf9">]
gpu.binary @specific [
  #gpu.object<#nvvm.target<chip = "sm_80">, "P\EDU\BA\01\00\10\00H\00\00\00\00\00\00\00\02\00\01\01 \00\00\00\04\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00P\00\00\00elf8\01\00\01\01 \00\00\00\04\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00P\00\00\00ptx8">,
  #gpu.object<#nvvm.target<chip = "sm_90a">, "P\EDU\BA\01\00\10\00H\00\00\00\00\00\00\00\02\00\01\01 \00\00\00\04\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00Z\00\00\00elf9\01\00\01\01 \00\00\00\04\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00Z\00\00\00ptx9">
]
