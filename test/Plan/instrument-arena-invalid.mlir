// RUN: abn-opt %s --split-input-file --verify-diagnostics --abn-instrument-arena

func.func @several_blocks(%arena: memref<32xi8> {abn.arena}) {
// expected-error @-1 {{expected a function of one block}}
  cf.br ^bb1
^bb1:
  return
}

// -----

func.func @computed_offset(%at: index, %x: memref<8xf32>, %arena: memref<64xi8> {abn.arena}) {
  // expected-error @+1 {{expected a constant offset and a static shape in the arena}}
  %s = memref.view %arena[%at][] {abn.slot = 0 : i64} : memref<64xi8> to memref<8xf32>
  memref.copy %x, %s : memref<8xf32> to memref<8xf32>
  return
}
