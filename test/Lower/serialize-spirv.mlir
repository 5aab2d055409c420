// RUN: abn-opt %s --split-input-file --verify-diagnostics --abn-serialize-spirv | FileCheck %s
// RUN: abn-opt %s --split-input-file --verify-diagnostics --abn-serialize-spirv=bitcode=true | FileCheck %s --check-prefix=BITCODE

// CHECK: gpu.binary @kernels [#gpu.object<#spirv.target_env<{{.*}}>, bin = "\03\02#\07\00\00\01\00
// BITCODE: gpu.binary @kernels [#gpu.object<#spirv.target_env<{{.*}}>, offload = "BC\C0\DE
gpu.module @kernels [#spirv.target_env<#spirv.vce<v1.0, [Kernel], []>, api=OpenCL, #spirv.resource_limits<>>] {
  llvm.func spir_kernelcc @nothing() attributes {gpu.kernel} {
    llvm.return
  }
}

// -----

// expected-error @below {{expected one target, of SPIR-V: run abn-attach-gpu-targets}}
gpu.module @kernels {
}
