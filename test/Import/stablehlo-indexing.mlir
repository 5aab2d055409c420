// RUN: abn-opt %s --abn-import-stablehlo | FileCheck %s

// An embedding: starts are clamped into the table.
// CHECK-LABEL: func @gather
// CHECK-SAME: %[[T:[a-z0-9]+]]: tensor<6x3xf32>
// CHECK: linalg.generic {{.*}} ins(%{{.+}} : tensor<8xi32>) outs(%{{.+}} : tensor<8x3xf32>)
// CHECK: arith.maxsi
// CHECK: arith.minsi
// CHECK: tensor.extract %[[T]]
func.func @gather(%table: tensor<6x3xf32>, %i: tensor<8x1xi32>) -> tensor<8x3xf32> {
  %0 = "stablehlo.gather"(%table, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 3>}> : (tensor<6x3xf32>, tensor<8x1xi32>) -> tensor<8x3xf32>
  return %0 : tensor<8x3xf32>
}

// Its gradient sums what every row's indices name; the row's columns run along.
// CHECK-LABEL: func @scatter
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "reduction"]} ins(%{{.+}}, %{{.+}} : tensor<8x3xf32>, tensor<8xi32>) outs(%{{.+}} : tensor<6x3xf32>)
// CHECK: arith.cmpi eq
// CHECK: arith.select
// CHECK: arith.addf
func.func @scatter(%zero: tensor<6x3xf32>, %i: tensor<8x1xi32>, %dy: tensor<8x3xf32>) -> tensor<6x3xf32> {
  %0 = "stablehlo.scatter"(%zero, %i, %dy) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>, indices_are_sorted = false, unique_indices = false}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s) : (tensor<f32>) -> ()
  }) : (tensor<6x3xf32>, tensor<8x1xi32>, tensor<8x3xf32>) -> tensor<6x3xf32>
  return %0 : tensor<6x3xf32>
}
