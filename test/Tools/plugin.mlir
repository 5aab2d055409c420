// A stock mlir-opt loads dialects, interface models and passes from the plugin. Passes of a plugin
// are named in --pass-pipeline: the driver fixes its flags before it loads plugins.
// RUN: mlir-opt --load-dialect-plugin=%build/lib/AbnPlugin.so %s | FileCheck %s --check-prefix=DIALECT
// RUN: mlir-opt --load-dialect-plugin=%build/lib/AbnPlugin.so \
// RUN:   --load-pass-plugin=%build/lib/AbnPlugin.so %s \
// RUN:   --pass-pipeline='builtin.module(convert-abn-to-linalg,convert-dnn-to-linalg)' \
// RUN:   | FileCheck %s --check-prefix=PASS
// RUN: not mlir-opt --load-dialect-plugin=%build/lib/AbnPlugin.so %S/Inputs/front-end.mlir 2>&1 \
// RUN:   | FileCheck %s --check-prefix=STUB
// RUN: mlir-opt --allow-unregistered-dialect --load-dialect-plugin=%build/lib/AbnPlugin.so \
// RUN:   --load-pass-plugin=%build/lib/AbnPlugin.so %networks/jax_cnn3_maxpool.mlir \
// RUN:   --pass-pipeline='builtin.module(abn-import-stablehlo)' | FileCheck %s --check-prefix=IMPORT

// IMPORT-COUNT-2: dnn.max_pool_grad
// IMPORT-NOT: func.func
// IMPORT-NOT: stablehlo

// DIALECT-LABEL: func @leaky
// DIALECT: abn.activation {{.*}}leaky_relu<0.01>
// PASS-LABEL: func @leaky
// PASS-NOT: abn.
// PASS: linalg.
func.func @leaky(%y: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %z0 = tensor.empty() : tensor<2x4xf32>
  %z = abn.activation #abn.leaky_relu<0.01> {channel_dim = 1 : i64}
      ins(%y : tensor<2x4xf32>) outs(%z0 : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %z : tensor<2x4xf32>
}

// The stub dialects of the front ends stay in the project's own tools, so that the plugin loads
// beside the real ones.
// STUB: front-end.mlir:3:{{[0-9]+}}: error: operation being parsed with an unregistered dialect
