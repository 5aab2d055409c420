"""The doctest's own checks fail where they should."""

import sys
import unittest

import mlir_example
import run_example
from extract import Example


def problem(text):
    return run_example.run_mlir(Example("page.md", 1, "mlir", text), None)


class FragmentTest(unittest.TestCase):

    def test_types_come_from_operand_lists(self):
        self.assertIsNone(problem("%c = arith.addf %a, %b : tensor<2x?xf32>\n"))
        self.assertIsNone(problem(
            "%d = linalg.add ins(%a, %b : tensor<2xf32>,\n    tensor<2xf32>)\n"
            "    outs(%c : tensor<2xf32>) -> tensor<2xf32>\n"))

    def test_types_come_from_comments(self):
        self.assertIsNone(problem("// %n, %m : index\n%x = tensor.empty(%n, %m) : tensor<?x?xf32>\n"))

    def test_a_value_without_a_type_is_a_failure(self):
        self.assertIn("no type for %n", problem("%x = tensor.empty(%n) : tensor<?xf32>\n"))

    def test_return_gives_the_result_types(self):
        self.assertIsNone(problem("%b = math.exp %a : f32\nreturn %b : f32\n"))

    def test_aliases_go_before_the_function(self):
        self.assertIsNone(problem("!t = tensor<2xf32>\n%b = math.exp %a : !t\n"))

    def test_attributes_alone(self):
        self.assertIsNone(problem("#abn.leaky_relu<0.01>\n#abn.identity\n"))
        self.assertIsNotNone(problem("#abn.no_such_activation\n"))

    def test_an_ellipsis_is_a_failure(self):
        self.assertIn("`...`", problem("%b = math.exp %a : f32\n...\n"))

    def test_ir_that_does_not_verify_is_a_failure(self):
        self.assertIn("error:", problem("%b = arith.addf %a, %a : i32\n"))
        self.assertIn("error:", problem("func.func @f() -> i32 {\n  return\n}\n"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
