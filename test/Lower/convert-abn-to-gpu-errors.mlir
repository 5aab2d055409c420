// RUN: abn-opt %s --split-input-file --verify-diagnostics --convert-abn-to-gpu
// RUN: not abn-opt %s --convert-abn-to-gpu=chip=sm_12 2>&1 | FileCheck %s
// CHECK: error: unknown chip `sm_12`; known are sm_75, sm_80,

func.func @tensors(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error @below {{expected memrefs: bufferize before convert-abn-to-gpu}}
  %z = abn.activation #abn.relu ins(%x : tensor<4x8xf32>) outs(%x : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %z : tensor<4x8xf32>
}

// -----

func.func @double(%x: memref<4x8xf64>) {
  // expected-error @below {{expected f16, bf16 or f32 for a gpu, got 'memref<4x8xf64>'}}
  abn.activation #abn.relu ins(%x : memref<4x8xf64>) outs(%x : memref<4x8xf64>)
  return
}

// -----

func.func @strided(%x: memref<4x8xf32, strided<[16, 1]>>) {
  // expected-error @below {{expected contiguous operands}}
  abn.activation #abn.relu ins(%x : memref<4x8xf32, strided<[16, 1]>>)
      outs(%x : memref<4x8xf32, strided<[16, 1]>>)
  return
}

// -----

func.func @dynamic_plane(%x: memref<4x8x?xf32>) {
  // expected-error @below {{expected static sizes from the channel dimension on}}
  abn.activation #abn.relu ins(%x : memref<4x8x?xf32>) outs(%x : memref<4x8x?xf32>)
  return
}

// -----

func.func @unknown_entry(%x: memref<4x8xf32>) {
  // expected-error @below {{expected `threads`, `unroll`, `splits` or `fused` in `abn.tiling`, got `warps`}}
  abn.activation #abn.relu {abn.tiling = {warps = 4 : i64}} ins(%x : memref<4x8xf32>)
      outs(%x : memref<4x8xf32>)
  return
}

// -----

func.func @odd_threads(%x: memref<4x8xf32>) {
  // expected-error @below {{expected `threads` a multiple of 32 up to 1024}}
  abn.activation #abn.relu {abn.tiling = {threads = 100 : i64}} ins(%x : memref<4x8xf32>)
      outs(%x : memref<4x8xf32>)
  return
}

// -----

func.func @fused_number(%x: memref<4x8xf32>) {
  // expected-error @below {{expected a boolean for `fused` in `abn.tiling`, got 3 : i64}}
  abn.activation #abn.relu {abn.tiling = {fused = 3 : i64}} ins(%x : memref<4x8xf32>)
      outs(%x : memref<4x8xf32>)
  return
}

// -----

// Not 32 threads, which is what is left of it in 32 bits.
func.func @huge_threads(%x: memref<4x8xf32>) {
  // expected-error @below {{expected `threads` a multiple of 32 up to 1024, `unroll` up to 16 and `splits` up to 65536 in `abn.tiling`, all positive, got 4294967328 : i64 for `threads`}}
  abn.activation #abn.relu {abn.tiling = {threads = 4294967328 : i64}} ins(%x : memref<4x8xf32>)
      outs(%x : memref<4x8xf32>)
  return
}
