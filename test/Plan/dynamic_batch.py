"""A training step whose batch is known only when it runs, made of one whose batch is static.

    python3 dynamic_batch.py STEP.mlir 4 %arg20 > DYNAMIC.mlir

STEP.mlir is linalg, abn and dnn on tensors in which the first dimension of size 4, or the second of a
matrix, is a batch. Every size is asked of the tensor at hand, wherever that has one, so that they hang on
each other.
"""

import re
import sys

TENSOR = re.compile(r"tensor<([^<>]*)>")


def make_dynamic(text, batch, source):
    """The step with `?` for `batch`, the first dimension of the argument `source`."""
    def with_unknown(match):
        sizes = match[1].split("x")
        for at in ([0, 1] if len(sizes) == 3 else [0]):
            sizes[at] = "?" if sizes[at] == str(batch) else sizes[at]
        return f"tensor<{'x'.join(sizes)}>"

    lines, count, last = [], 0, None
    for line in text.split("\n"):
        line = TENSOR.sub(with_unknown, line)
        needs = line.count("?") if "tensor.empty()" in line else 0
        if "output_shape" in line:
            sizes = re.search(r"output_shape \[([^\]]*)\]", line)[1].split(", ")
            needs = int(sizes[0] == str(batch))
        if needs:
            count += 1
            lines.append(f"    %batch{count} = tensor.dim {last[0]}, %first : {last[1]}")
            line = line.replace("tensor.empty()", f"tensor.empty({', '.join([f'%batch{count}'] * needs)})")
            line = re.sub(r"output_shape \[[^\]]*\]", "output_shape [" + ", ".join(
                [f"%batch{count}", *sizes[1:]]) + "]", line) if "output_shape" in line else line
        lines.append(line)
        if "func.func @main(" in line:
            last = source, re.search(re.escape(source) + r": (tensor<[^<>]*>)", line)[1]
            lines.append("    %first = arith.constant 0 : index")
        elif made := re.search(r"^    (%\w+) = (?:dnn|tensor)\..*-> (tensor<\?[^<>]*>)$", line):
            last = made[1], made[2]
        elif made := re.search(r"^    (%\w+) = tensor.empty.* : (tensor<\?[^<>]*>)$", line):
            last = made[1], made[2]
    return "\n".join(lines)


if __name__ == "__main__":
    print(make_dynamic(open(sys.argv[1]).read(), int(sys.argv[2]), sys.argv[3]))
