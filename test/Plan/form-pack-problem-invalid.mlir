// RUN: abn-opt %s --allow-unregistered-dialect --verify-diagnostics --abn-form-pack-problem

// A buffer that is not contiguous has no place in the arena.
func.func @layout() {
  // expected-error @+1 {{expected an allocation with identity layout, got 'memref<8x4xf32, strided<[1, 8]>>'}}
  %a = memref.alloc() : memref<8x4xf32, strided<[1, 8]>>
  "test.use"(%a) : (memref<8x4xf32, strided<[1, 8]>>) -> ()
  return
}
