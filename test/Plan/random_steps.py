"""Random training steps as MLIR: elementwise ops, reductions, matmuls, views, slices, updates in place, values
that one op reads twice or through two views, donated arguments, results that are read on or returned twice, parts
that are returned, as they are or updated.
"""

import random

SIZE = 16
FULL = f"tensor<{SIZE}x{SIZE}xf32>"
SPLIT = f"tensor<4x4x{SIZE}xf32>"
HALF = f"tensor<{SIZE // 2}x{SIZE}xf32>"
ROWS = f"tensor<{SIZE}xf32>"
IDENTITY, TRANSPOSED = "affine_map<(i, j) -> (i, j)>", "affine_map<(i, j) -> (j, i)>"
ROW, SCALAR = "affine_map<(i, j) -> (i)>", "affine_map<(i, j) -> ()>"
PARALLEL, REDUCE = '"parallel", "parallel"', '"parallel", "reduction"'
ADD_TO = "%r = arith.addf %b0, %o : f32\n      linalg.yield %r : f32"


class RandomStep:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines, self.values, self.count = [], ["%x", "%w", "%p"], 0

    def name(self):
        self.count += 1
        return f"%v{self.count}"

    def add(self, text):
        name = self.name()
        self.lines.append(f"    {name} = {text}")
        return name

    def empty(self, kind=FULL):
        return self.add(f"tensor.empty() : {kind}")

    def zero(self, kind):
        return self.add(f"linalg.fill ins(%c : f32) outs({self.empty(kind)} : {kind}) -> {kind}")

    def generic(self, inputs, maps, out, body, out_map=IDENTITY, iterators=PARALLEL, kinds=None, kind=FULL):
        kinds = kinds or [FULL] * len(inputs)
        arguments = ", ".join([f"%b{i}: f32" for i in range(len(inputs))] + ["%o: f32"])
        return self.add(f"linalg.generic {{indexing_maps = [{', '.join([*maps, out_map])}], "
                        f"iterator_types = [{iterators}]}} ins({', '.join(inputs)} : {', '.join(kinds)}) "
                        f"outs({out} : {kind}) {{\n    ^bb0({arguments}):\n      {body}\n    }} -> {kind}")

    def binary(self, a, b):
        op = self.random.choice(["addf", "mulf", "subf"])
        out = self.random.choice([self.empty(), self.empty(), a])
        return self.generic([a, b], [IDENTITY, IDENTITY], out,
                            f"%r = arith.{op} %b0, %b1 : f32\n      linalg.yield %r : f32")

    def unary(self, a, b):
        return self.generic([a], [IDENTITY], self.empty(), "%r = math.tanh %b0 : f32\n      linalg.yield %r : f32")

    def transposed(self, a, b):
        return self.generic([a, self.random.choice([a, b])], [IDENTITY, TRANSPOSED], self.empty(),
                            "%r = arith.subf %b0, %b1 : f32\n      linalg.yield %r : f32")

    def indexed(self, a, b):
        return self.generic([a], [self.random.choice([IDENTITY, TRANSPOSED])], self.empty(),
                            "%i = linalg.index 0 : index\n      %n = arith.index_cast %i : index to i32\n"
                            "      %f = arith.sitofp %n : i32 to f32\n      %r = arith.addf %b0, %f : f32\n"
                            "      linalg.yield %r : f32")

    def updated(self, a, b):
        return self.generic([a], [IDENTITY], b, ADD_TO)

    def matmul(self, a, b):
        product = self.add(f"linalg.matmul ins({a}, {b} : {FULL}, {FULL}) outs({self.zero(FULL)} : {FULL}) -> {FULL}")
        return self.unary(product, b)

    def viewed(self, a, b):
        """An update of a, and its old contents through a view that comes later."""
        new = self.updated(b, a) if self.random.random() < 0.5 else self.unary(a, b)
        view = self.add(f"tensor.expand_shape {a} [[0, 1], [2]] output_shape [4, 4, {SIZE}] : {FULL} into {SPLIT}")
        back = self.add(f"tensor.collapse_shape {view} [[0, 1], [2]] : {SPLIT} into {FULL}")
        return self.binary(back, new)

    def inserted(self, a, b):
        start, to = self.random.choice([0, 4, 8]), self.random.choice([0, 8])
        piece = self.add(f"tensor.extract_slice {a}[{start}, 0] [{SIZE // 2}, {SIZE}] [1, 1] : {FULL} to {HALF}")
        return self.add(f"tensor.insert_slice {piece} into {b}[{to}, 0] [{SIZE // 2}, {SIZE}] [1, 1] : "
                        f"{HALF} into {FULL}")

    def part(self, a):
        """A result: some rows of a value, or what they become in place."""
        start = self.random.choice([0, 4, 8])
        piece = self.add(f"tensor.extract_slice {a}[{start}, 0] [{SIZE // 2}, {SIZE}] [1, 1] : {FULL} to {HALF}")
        if self.random.random() < 0.5:
            return piece
        return self.generic([piece], [IDENTITY], piece, ADD_TO, kinds=[HALF], kind=HALF)

    def reduced(self, a, b):
        sums = self.generic([a], [IDENTITY], self.zero(ROWS), ADD_TO, ROW, REDUCE, kind=ROWS)
        return self.generic([b, sums], [IDENTITY, ROW], self.empty(),
                            "%r = arith.subf %b0, %b1 : f32\n      linalg.yield %r : f32", kinds=[FULL, ROWS])

    def selected(self, a, b):
        """One of two arguments, as the step finds out when it runs: neither may be written over."""
        first, second = self.random.sample(["%x", "%w", "%p"], 2)
        zero = self.add("arith.constant 0 : index")
        element = self.add(f"tensor.extract %x[{zero}, {zero}] : {FULL}")
        condition = self.add(f"arith.cmpf {self.random.choice(['olt', 'oge'])}, {element}, %c : f32")
        if self.random.random() < 0.5:
            return self.add(f"arith.select {condition}, {first}, {second} : {FULL}")
        return self.add(f"scf.if {condition} -> {FULL} {{\n      scf.yield {first} : {FULL}\n    }} else {{\n"
                        f"      scf.yield {second} : {FULL}\n    }}")

    def op(self):
        make = self.random.choice([self.binary, self.binary, self.unary, self.transposed, self.indexed, self.updated,
                                   self.matmul, self.viewed, self.inserted, self.reduced, self.selected])
        self.values.append(make(self.random.choice(self.values[-6:]), self.random.choice(self.values)))

    def text(self):
        for _ in range(self.random.randint(3, 8)):
            self.op()
        loss = self.generic([self.values[-1]], [IDENTITY], self.zero("tensor<f32>"), ADD_TO, SCALAR,
                            '"reduction", "reduction"', kind="tensor<f32>")
        for _ in range(self.random.randint(4, 10)):
            self.op()
        results = [self.values[-1]] + [self.random.choice(self.values) for _ in range(self.random.randint(1, 4))]
        kinds = [FULL] * len(results)
        for _ in range(self.random.choice([0, 1, 2])):
            results.append(self.part(self.random.choice(self.values)))
            kinds.append(HALF)
        kinds = ", ".join(kinds)
        donated = " {abn.donated}" if self.random.random() < 0.6 else ""
        return "\n".join([
            f"func.func @main(%x: {FULL}, %w: {FULL}, %p: {FULL}{donated})",
            f'    -> (tensor<f32> {{abn.role = "loss"}}, {kinds}) {{', "    %c = arith.constant 0.0 : f32",
            *self.lines, f"    return {loss}, {', '.join(results)} : tensor<f32>, {kinds}", "}", ""
        ])
