// RUN: abn-opt %s --abn-import-stablehlo | FileCheck %s

// TensorFlow's batch norms stay whole. epsilon is as wide as it was written.
// CHECK-LABEL: func @training
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<2x4x4x3xf32>, %[[G:[a-z0-9]+]]: tensor<3xf32>, %[[B:[a-z0-9]+]]: tensor<3xf32>, %[[DY:[a-z0-9]+]]
// CHECK: %[[N:.+]]:3 = abn.batch_norm {abn.chain = "bn0", channel_dim = 3 : i64, epsilon = 9.9999997473787516E-6 : f64} ins(%[[X]] : {{.*}}) gamma(%[[G]] : {{.*}}) beta(%[[B]] :
// CHECK: abn.batch_norm_grad {{.*}} ins(%[[DY]], %[[X]] : {{.*}}) stats(%[[N]]#1, %[[N]]#2 : {{.*}}) gamma(%[[G]] :
func.func @training(%x: tensor<2x4x4x3xf32>, %g: tensor<3xf32>, %b: tensor<3xf32>, %dy: tensor<2x4x4x3xf32>) -> (tensor<2x4x4x3xf32>, tensor<2x4x4x3xf32>, tensor<3xf32>, tensor<3xf32>) {
  %y, %m, %v = "stablehlo.batch_norm_training"(%x, %g, %b) <{epsilon = 1.0e-5 : f32, feature_index = 3 : i64}> : (tensor<2x4x4x3xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<2x4x4x3xf32>, tensor<3xf32>, tensor<3xf32>)
  %dx, %dg, %db = "stablehlo.batch_norm_grad"(%x, %g, %m, %v, %dy) <{epsilon = 1.0e-5 : f32, feature_index = 3 : i64}> : (tensor<2x4x4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<2x4x4x3xf32>) -> (tensor<2x4x4x3xf32>, tensor<3xf32>, tensor<3xf32>)
  return %y, %dx, %dg, %db : tensor<2x4x4x3xf32>, tensor<2x4x4x3xf32>, tensor<3xf32>, tensor<3xf32>
}

// CHECK-LABEL: func @inference
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<2x3x4xbf16>, %[[V:[a-z0-9]+]]: tensor<3xbf16>
// CHECK: abn.batch_norm_inference {abn.chain = "block1/bn", channel_dim = 1 : i64, {{.*}} ins(%[[X]] : tensor<2x3x4xbf16>) stats({{.*}} : tensor<3xf32>, tensor<3xf32>)
func.func @inference(%x: tensor<2x3x4xbf16>, %v: tensor<3xbf16>) -> tensor<2x3x4xbf16> {
  %y = "stablehlo.batch_norm_inference"(%x, %v, %v, %v, %v) <{epsilon = 1.0e-3 : f32, feature_index = 1 : i64}> : (tensor<2x3x4xbf16>, tensor<3xbf16>, tensor<3xbf16>, tensor<3xbf16>, tensor<3xbf16>) -> tensor<2x3x4xbf16> loc("block1/bn")
  return %y : tensor<2x3x4xbf16>
}
