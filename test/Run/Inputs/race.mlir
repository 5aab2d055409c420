// Each of 64 threads writes its number to one place.
module attributes {gpu.container_module} {
  gpu.module @kernels {
    gpu.func @last_wins(%x: memref<1xi32>) kernel {
      %c0 = arith.constant 0 : index
      %i = gpu.thread_id x
      %value = arith.index_cast %i : index to i32
      memref.store %value, %x[%c0] : memref<1xi32>
      gpu.return
    }
  }
  func.func @main(%x: memref<1xi32> {abn.name = "x"}) -> (memref<1xi32> {abn.name = "x"}) {
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    gpu.launch_func @kernels::@last_wins blocks in (%c1, %c1, %c1) threads in (%c64, %c1, %c1)
        args(%x : memref<1xi32>)
    return %x : memref<1xi32>
  }
}
