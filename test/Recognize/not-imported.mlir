// RUN: abn-opt %s --split-input-file --abn-optimize=plan=false --verify-diagnostics

// The importer comes first: a front end's ops would count as unknown ones.

func.func @aten(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error@+1 {{`aten.relu.default` is not imported: abn-import-aten comes first}}
  %y = "aten.relu.default"(%x) <{args = ["%0"]}> : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

func.func @stablehlo(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error@+1 {{`stablehlo.tanh` is not imported: abn-import-stablehlo comes first}}
  %y = "stablehlo.tanh"(%x) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
