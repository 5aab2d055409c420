// RUN: abn-opt %s --split-input-file --verify-diagnostics --pass-pipeline="builtin.module(gpu.module(abn-store-bf16-as-i16))" | FileCheck %s

// Scalars, vectors, constants (1.0 has the bits 0x3F80 = 16256) and addresses.
// CHECK-LABEL: llvm.func @copy
// CHECK-NOT: bf16
// CHECK: %[[ONE:.+]] = llvm.mlir.constant(16256 : i16) : i16
// CHECK: %[[V:.+]] = llvm.load %{{.+}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<8xi16>
// CHECK: llvm.insertelement %[[ONE]], %[[V]][%{{.+}} : i32] : vector<8xi16>
// CHECK: llvm.getelementptr %{{.+}}[%{{.+}}] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, i16
gpu.module @kernels {
  llvm.func @copy(%from: !llvm.ptr<1>, %to: !llvm.ptr<1>, %i: i64) {
    %c2 = llvm.mlir.constant(2 : i32) : i32
    %one = llvm.mlir.constant(1.0 : bf16) : bf16
    %v = llvm.load %from {alignment = 16 : i64} : !llvm.ptr<1> -> vector<8xbf16>
    %w = llvm.insertelement %one, %v[%c2 : i32] : vector<8xbf16>
    %at = llvm.getelementptr %to[%i] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, bf16
    llvm.store %w, %at {alignment = 16 : i64} : vector<8xbf16>, !llvm.ptr<1>
    llvm.return
  }
}

// -----

gpu.module @kernels {
  llvm.func @add(%from: !llvm.ptr<1>) {
    %x = llvm.load %from : !llvm.ptr<1> -> bf16
    // expected-error @below {{'llvm.fadd' op computes with bf16, which the target does not have}}
    %y = llvm.fadd %x, %x : bf16
    llvm.store %y, %from : bf16, !llvm.ptr<1>
    llvm.return
  }
}
