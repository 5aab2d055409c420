// RUN: abn-opt %s --split-input-file --convert-abn-to-gpu=chip=sm_80 --canonicalize --cse | FileCheck %s
// RUN: abn-opt %s --split-input-file --convert-abn-to-gpu=chip=sm_80 -o %t
// RUN: abn-opt %t --split-input-file --convert-abn-to-gpu=chip=sm_80 | diff %t -

!large = memref<16x64x112x112xf32>
!vec = memref<64xf32>

// Large planes: one pass for the statistics in parts, one small kernel that merges them, one pass
// over the data in place.
// CHECK-LABEL: func @forward
// CHECK-DAG: %[[FLAT:.+]] = memref.collapse_shape {{.*}} into memref<12845056xf32>
// CHECK: gpu.launch_func @abn_kernels::@inplace_forward_16x64x112x112xf32_statistics blocks in (%c896, {{.*}} args(%[[FLAT]] : memref<12845056xf32>
// CHECK: gpu.launch_func @abn_kernels::@inplace_forward_16x64x112x112xf32_merge
// CHECK-NOT: gpu.launch_func
// CHECK: gpu.launch_func @abn_kernels::@inplace_forward_16x64x112x112xf32_map {{.*}}, %[[FLAT]] : {{.*}}memref<12845056xf32>)
// CHECK-NOT: gpu.launch_func
// CHECK-NOT: abn.
// CHECK: return
func.func @forward(%m: !vec, %v: !vec) {
  %x = memref.alloc() {alignment = 256} : !large
  abn.inplace_forward #abn.tanh {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      outs(%x, %m, %v : !large, !vec, !vec)
  return
}

// The data is read by 128 bits, each vector once; a thread's samples are taken relative to its first, then
// threads merge by shuffles and subgroups through workgroup memory.
// CHECK-LABEL: gpu.func @inplace_forward_16x64x112x112xf32_statistics(
// CHECK: scf.if
// CHECK: vector.load {{.*}} {alignment = 16 : i64} : memref<12845056xf32>, vector<4xf32>
// CHECK: gpu.barrier
// CHECK: scf.for unsigned
// CHECK: vector.load {{.*}} {alignment = 16 : i64} : memref<12845056xf32>, vector<4xf32>
// CHECK-NOT: vector.load
// CHECK: gpu.shuffle xor
// CHECK: gpu.barrier
// CHECK-NOT: atomic
// CHECK: gpu.return

// Two vectors are loaded before the first is stored.
// CHECK-LABEL: gpu.func @inplace_forward_16x64x112x112xf32_map(
// CHECK: scf.for
// CHECK: vector.load
// CHECK-NOT: vector.store
// CHECK: vector.load
// CHECK: vector.store {{.*}} {alignment = 16 : i64}
// CHECK: gpu.return

// -----

!small = memref<8x512x7x7xf32>
!vec = memref<512xf32>

// Planes of 49 elements: eight channels are whole sectors, a block keeps them in workgroup memory
// and reads x once.
// CHECK-LABEL: func @small_planes
// CHECK: gpu.launch_func @abn_kernels::@inplace_forward_8x512x7x7xf32_fused blocks in (%c64,
// CHECK-NOT: gpu.launch_func
// CHECK: return
// CHECK-LABEL: gpu.func @inplace_forward_8x512x7x7xf32_fused(
// CHECK-SAME: memref<3136xf32, #gpu.address_space<workgroup>>
// CHECK: scf.if
// CHECK: vector.load {{.*}} : memref<200704xf32>, vector<4xf32>
// CHECK: scf.for
// CHECK: vector.load {{.*}} : memref<200704xf32>, vector<4xf32>
// CHECK-NOT: vector.load {{.*}} : memref<200704xf32>
// CHECK: gpu.return
func.func @small_planes(%m: !vec, %v: !vec) {
  %x = memref.alloc() {alignment = 256} : !small
  abn.inplace_forward #abn.leaky_relu<0.01> {epsilon = 1.0e-5 : f64, channel_dim = 1 : i64}
      outs(%x, %m, %v : !small, !vec, !vec)
  return
}

// -----

!nhwc = memref<32x28x28x256xf16>
!vec = memref<256xf32>

// Channels last in f16: eight channels per access, and `check` stops the program in a kernel.
// CHECK-LABEL: func @channels_last
// CHECK: gpu.launch_func @abn_kernels::@inplace_backward_32x28x28x256xf16_sum
// CHECK: gpu.launch_func @abn_kernels::@inplace_backward_32x28x28x256xf16_merge
// CHECK: gpu.launch_func @abn_kernels::@inplace_backward_32x28x28x256xf16_check
// CHECK: gpu.launch_func @abn_kernels::@inplace_backward_32x28x28x256xf16_map
// CHECK: return
// CHECK-LABEL: gpu.func @inplace_backward_32x28x28x256xf16_sum(
// CHECK-COUNT-2: vector.load {{.*}} {alignment = 16 : i64} : memref<6422528xf16>, vector<8xf16>
// CHECK-LABEL: gpu.func @inplace_backward_32x28x28x256xf16_check(
// CHECK: cf.assert {{.*}}, "abn: chain deep
func.func @channels_last(%v: !vec, %g: !vec, %dg: !vec, %db: !vec) {
  %z = memref.alloc() {alignment = 256} : !nhwc
  %dz = memref.alloc() {alignment = 256} : !nhwc
  abn.inplace_backward #abn.leaky_relu<0.01>
      {epsilon = 1.0e-5 : f64, channel_dim = 3 : i64, abn.chain = "deep"}
      ins(%z : !nhwc) stats(%v : !vec) gamma(%g : !vec) outs(%dz, %dg, %db : !nhwc, !vec, !vec)
  return
}

// -----

!full = memref<?x8x4x4xf32>
!vec = memref<8xf32>

// Equal ops share their kernels. A batch that is known at run time is an argument of the kernel; an
// address that may be anything is looked at.
// CHECK-LABEL: func @twice
// CHECK: scf.if
// CHECK: %[[N:.+]] = memref.dim %{{.*}}, %c0
// CHECK: gpu.launch_func @abn_kernels::@activation_nx8x4x4xf32_map
// CHECK-SAME: %[[N]] : index
// CHECK: else
// CHECK: gpu.launch_func @abn_kernels::@activation_nx8x4x4xf32_unaligned_map
// CHECK: scf.if
// CHECK: gpu.launch_func @abn_kernels::@activation_nx8x4x4xf32_map
// CHECK: gpu.module @abn_kernels
// CHECK-COUNT-2: gpu.func
// CHECK-NOT: gpu.func
func.func @twice(%x: !full, %y: !full) {
  abn.activation #abn.relu {channel_dim = 1 : i64} ins(%x : !full) outs(%x : !full)
  abn.activation #abn.relu {channel_dim = 1 : i64} ins(%y : !full) outs(%y : !full)
  return
}

// -----

!full = memref<4x8x64xf32>

// What the user fixes: four groups of two channels, whose runs of 64 elements are short, in three parts.
// CHECK-LABEL: func @fixed
// CHECK: gpu.launch_func {{.*}} blocks in (%c12, {{.*}} threads in (%c64,
func.func @fixed() {
  %x = memref.alloc() {alignment = 16} : !full
  abn.activation #abn.relu {channel_dim = 1 : i64, abn.tiling = {threads = 64 : i64, splits = 3 : i64}}
      ins(%x : !full) outs(%x : !full)
  return
}

// -----

!full = memref<8x64x56x56xf32>
!vec = memref<64xf32>

// The buffers of a private function are what its callers hand over: aligned ones need no second kernel.
// CHECK-LABEL: func private @version
// CHECK-NOT: scf.if
// CHECK: gpu.launch_func @abn_kernels::@activation_8x64x56x56xf32_map
// CHECK-LABEL: func @entry
func.func private @version(%arena: memref<6422784xi8>) {
  %c256 = arith.constant 256 : index
  %x = memref.view %arena[%c256][] : memref<6422784xi8> to !full
  abn.activation #abn.relu {channel_dim = 1 : i64} ins(%x : !full) outs(%x : !full)
  return
}

func.func @entry() {
  %arena = memref.alloc() {alignment = 256 : i64} : memref<6423040xi8>
  %c0 = arith.constant 0 : index
  %part = memref.view %arena[%c0][] : memref<6423040xi8> to memref<6422784xi8>
  call @version(%part) : (memref<6422784xi8>) -> ()
  return
}
