// Kernels of every kind: statistics, merges, maps, a fused group, an alarm, functions of a device library, bf16.
func.func @large(%x: memref<8x16x56x56xf32>, %dz: memref<8x16x56x56xf32>, %y: memref<8x16x56x56xf32>,
                 %g: memref<16xf32>, %b: memref<16xf32>, %m: memref<16xf32>, %v: memref<16xf32>,
                 %dg: memref<16xf32>, %db: memref<16xf32>) {
  abn.inplace_forward #abn.elu<1.0, scale = 1.0, input_scale = 1.0> {epsilon = 1.0e-05 : f64, channel_dim = 1 : i64, abn.chain = "large"}
      gamma(%g : memref<16xf32>) beta(%b : memref<16xf32>)
      outs(%x, %m, %v : memref<8x16x56x56xf32>, memref<16xf32>, memref<16xf32>)
  abn.inplace_backward #abn.elu<1.0, scale = 1.0, input_scale = 1.0> {epsilon = 1.0e-05 : f64, channel_dim = 1 : i64, abn.chain = "large"}
      ins(%x : memref<8x16x56x56xf32>) stats(%v : memref<16xf32>)
      gamma(%g : memref<16xf32>) beta(%b : memref<16xf32>)
      outs(%dz, %dg, %db : memref<8x16x56x56xf32>, memref<16xf32>, memref<16xf32>)
  abn.activation #abn.gelu {channel_dim = 1 : i64} ins(%x : memref<8x16x56x56xf32>)
      outs(%y : memref<8x16x56x56xf32>)
  abn.activation #abn.mish {channel_dim = 1 : i64} ins(%dz : memref<8x16x56x56xf32>)
      outs(%y : memref<8x16x56x56xf32>)
  return
}
func.func @small(%x: memref<8x16x7x7xbf16>, %g: memref<16xbf16>, %b: memref<16xf32>, %m: memref<16xf32>,
                 %v: memref<16xf32>) {
  abn.inplace_forward #abn.leaky_relu<0.01> {epsilon = 1.0e-05 : f64, channel_dim = 1 : i64}
      gamma(%g : memref<16xbf16>) beta(%b : memref<16xf32>)
      outs(%x, %m, %v : memref<8x16x7x7xbf16>, memref<16xf32>, memref<16xf32>)
  return
}
