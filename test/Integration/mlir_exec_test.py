"""Checks mlir_exec with functions whose results are known."""
import numpy as np

import mlir_exec

MODULE = """
#id = affine_map<(i, j) -> (i, j)>
#t = affine_map<(i, j) -> (j, i)>
func.func @transpose(%x: tensor<?x3xf32>, %init: tensor<3x?xf32>) -> (tensor<3x?xf32>, tensor<i64>) {
  %t = linalg.transpose ins(%x : tensor<?x3xf32>) outs(%init : tensor<3x?xf32>) permutation = [1, 0]
  %c = arith.constant dense<7> : tensor<i64>
  return %t, %c : tensor<3x?xf32>, tensor<i64>
}
func.func @twice(%x: tensor<2x2xbf16>) -> tensor<2x2xbf16> {
  %y = arith.addf %x, %x : tensor<2x2xbf16>
  return %y : tensor<2x2xbf16>
}
func.func @constant() -> tensor<2xf16> {
  %c = arith.constant dense<[1.5, -2.0]> : tensor<2xf16>
  return %c : tensor<2xf16>
}
"""


def main():
    program = mlir_exec.compile_module(MODULE)
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    transposed, seven = program.call("transpose", [x, np.zeros((3, 4))])
    assert (transposed == x.T).all() and seven == 7 and seven.dtype == np.int64
    values = np.array([[1.0, -3.0], [0.1, 1e30]])
    (twice,) = program.call("twice", [values])
    assert (twice == 2 * mlir_exec.round_to(values, "bf16")).all()
    assert (program.call("twice", [mlir_exec.to_bf16(values)])[0] == twice).all()
    assert (program.call("constant", [])[0] == np.array([1.5, -2.0])).all()
    assert (mlir_exec.run(MODULE, ["--canonicalize"], [], function="constant")[0][1]) == -2
    for bad in ["func.func @f(", "func.func @f(%x: tensor<2x3x4xf32>, %y: tensor<2x3x4xf32>) "
                "-> tensor<2x3x4xf32> { %z = dnn.resize {mode = #dnn.resize_mode<nearest>, "
                "coordinates = #dnn.coordinates<asymmetric>, scales = array<f64: 2.0>} "
                "ins(%x : tensor<2x3x4xf32>) outs(%y : tensor<2x3x4xf32>) -> tensor<2x3x4xf32> "
                "return %z : tensor<2x3x4xf32> }"]:
        try:
            mlir_exec.compile_module(bad)
        except mlir_exec.ToolError:
            continue
        raise AssertionError("a module that upstream cannot compile was accepted")


main()
