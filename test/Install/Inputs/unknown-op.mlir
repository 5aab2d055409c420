// An op that no importer knows.
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = "aten.no_such_op.default"(%x) <{args = ["%0"]}> : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
