// One argument and result for each element type that arrays have: y = 2 * x[i, j] + h + b where the flag is set, and
// the others doubled.
#row = affine_map<(i, j) -> (i, j)>
#column = affine_map<(i, j) -> (j)>
#one = affine_map<(i) -> (i)>
func.func @main(%x: tensor<2x3xf32> {abn.name = "x", abn.role = "input"},
                %h: tensor<3xf16> {abn.name = "h", abn.role = "param"},
                %b: tensor<3xbf16> {abn.name = "b", abn.role = "param"},
                %n: tensor<3xi64> {abn.name = "n", abn.role = "input"},
                %k: tensor<3xi32> {abn.name = "k", abn.role = "buffer"},
                %flag: tensor<3xi1> {abn.name = "flag", abn.role = "input"})
    -> (tensor<2x3xf32> {abn.name = "y", abn.role = "output"},
        tensor<3xf16> {abn.name = "h", abn.role = "grad"},
        tensor<3xbf16> {abn.name = "b", abn.role = "grad"},
        tensor<3xi64> {abn.name = "n", abn.role = "output"},
        tensor<3xi32> {abn.name = "k", abn.role = "buffer"}) {
  %e0 = tensor.empty() : tensor<2x3xf32>
  %y = linalg.generic {indexing_maps = [#row, #column, #column, #column, #row],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x, %h, %b, %flag : tensor<2x3xf32>, tensor<3xf16>, tensor<3xbf16>, tensor<3xi1>)
      outs(%e0 : tensor<2x3xf32>) {
  ^bb0(%xi: f32, %hi: f16, %bi: bf16, %fi: i1, %out: f32):
    %h32 = arith.extf %hi : f16 to f32
    %b32 = arith.extf %bi : bf16 to f32
    %two = arith.addf %xi, %xi : f32
    %s = arith.addf %two, %h32 : f32
    %t = arith.addf %s, %b32 : f32
    %r = arith.select %fi, %t, %two : f32
    linalg.yield %r : f32
  } -> tensor<2x3xf32>
  %e1 = tensor.empty() : tensor<3xf16>
  %h2 = linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]}
      ins(%h : tensor<3xf16>) outs(%e1 : tensor<3xf16>) {
  ^bb0(%v: f16, %out: f16):
    %r = arith.addf %v, %v : f16
    linalg.yield %r : f16
  } -> tensor<3xf16>
  %e2 = tensor.empty() : tensor<3xbf16>
  %b2 = linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]}
      ins(%b : tensor<3xbf16>) outs(%e2 : tensor<3xbf16>) {
  ^bb0(%v: bf16, %out: bf16):
    %r = arith.addf %v, %v : bf16
    linalg.yield %r : bf16
  } -> tensor<3xbf16>
  %e3 = tensor.empty() : tensor<3xi64>
  %n2 = linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]}
      ins(%n : tensor<3xi64>) outs(%e3 : tensor<3xi64>) {
  ^bb0(%v: i64, %out: i64):
    %r = arith.addi %v, %v : i64
    linalg.yield %r : i64
  } -> tensor<3xi64>
  %e4 = tensor.empty() : tensor<3xi32>
  %k2 = linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]}
      ins(%k : tensor<3xi32>) outs(%e4 : tensor<3xi32>) {
  ^bb0(%v: i32, %out: i32):
    %r = arith.addi %v, %v : i32
    linalg.yield %r : i32
  } -> tensor<3xi32>
  return %y, %h2, %b2, %n2, %k2 : tensor<2x3xf32>, tensor<3xf16>, tensor<3xbf16>, tensor<3xi64>, tensor<3xi32>
}
