// Input of plugin.mlir and stub-dialects.test.
func.func @front_ends(%a: tensor<2xf32>) -> tensor<2xf32> {
  %0 = "aten.relu.default"(%a) <{args = ["%0"]}> : (tensor<2xf32>) -> tensor<2xf32>
  %1 = "stablehlo.abs"(%0) {layout = #stablehlo.conv<[b, f]x[i, o]->[b, f]>,
      precision = #stablehlo<precision DEFAULT>} : (tensor<2xf32>) -> tensor<2xf32>
  %2 = "stablehlo.create_token"() : () -> !stablehlo.token
  %3 = "chlo.erf"(%1) : (tensor<2xf32>) -> tensor<2xf32>
  %4 = "mhlo.copy"(%3) : (tensor<2xf32>) -> tensor<2xf32>
  return %4 : tensor<2xf32>
}
