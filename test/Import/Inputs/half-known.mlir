// The first op is known, the second is not.
func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "aten.neg.default"(%x) <{args = ["%0"]}> : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "aten.frobnicate.default"(%0) <{args = ["%0"]}> : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
