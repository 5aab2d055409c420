"""Writes the training step of a bottleneck ResNet of any depth, in the form that abn-export writes.

One stage of 256 channels at 56 x 56, batch 8: a graph of depth k has 18 k blocks, so that k = 1 has
about as many batch norms as ResNet-50 (54 for 53) and k = 20 twenty times as many.
"""

BATCH, WIDE, NARROW, SIZE = 8, 256, 64, 56


class Graph:
    """The text of one function: arguments, ops and results as they are added."""

    def __init__(self):
        self.arguments, self.ops, self.results, self.count = [], [], [], 0

    def argument(self, name, role, *shape, element="f32"):
        type_ = tensor(*shape, element=element)
        self.arguments.append((name, role, type_))
        return f"%arg{len(self.arguments) - 1}", type_

    def op(self, name, operands, args, *types):
        """Adds one op; returns its result, or a list of (value, type) if there are several."""
        value = f"%{self.count}"
        self.count += 1
        multiple = f":{len(types)}" if len(types) > 1 else ""
        result = f"({', '.join(types)})" if len(types) > 1 else types[0]
        self.ops.append(f'    {value}{multiple} = "aten.{name}"({", ".join(v for v, _ in operands)}) '
                        f'<{{args = [{args}]}}> : ({", ".join(t for _, t in operands)}) -> {result}')
        if len(types) > 1:
            return [(f"{value}#{i}", type_) for i, type_ in enumerate(types)]
        return value, types[0]

    def result(self, value, role, name):
        self.results.append((value, role, name))

    def text(self):
        attributes = lambda role, name: f'{{abn.role = "{role}", abn.name = "{name}"}}'
        ins = ", ".join(type_ for _, _, type_ in self.arguments)
        outs = ", ".join(value[1] for value, _, _ in self.results)
        arg_attrs = ", ".join(attributes(role, name) for name, role, _ in self.arguments)
        res_attrs = ", ".join(attributes(role, name) for _, role, name in self.results)
        block = ", ".join(f"%arg{i}: {a[2]}" for i, a in enumerate(self.arguments))
        returned = ", ".join(value[0] for value, _, _ in self.results)
        return "\n".join([
            '"builtin.module"() ({',
            f'  "func.func"() <{{sym_name = "main", function_type = ({ins}) -> ({outs}), '
            f"arg_attrs = [{arg_attrs}], res_attrs = [{res_attrs}]}}> ({{", f"  ^bb0({block}):", *self.ops,
            f'    "func.return"({returned}) : ({outs}) -> ()', "  }) : () -> ()", "}) : () -> ()", ""
        ])


def tensor(*shape, element="f32"):
    return f"tensor<{''.join(f'{size}x' for size in shape)}{element}>"


def ints(*values):
    return "[" + ", ".join(f"{value} : i64" for value in values) + "]"


FLAGS = "true, 0.1 : f64, 1.00000000000000008e-05 : f64"


class Unit:
    """Convolution and batch norm, with leaky_relu unless they end a residual branch."""

    def __init__(self, graph, name, channels_in, channels, kernel, activate):
        self.graph, self.name, self.activate = graph, name, activate
        self.window = f"{ints(1, 1)}, {ints(kernel // 2, kernel // 2)}, {ints(1, 1)}, false, {ints(0, 0)}, 1 : i64"
        self.weight = graph.argument(f"{name}.conv.weight", "param", channels, channels_in, kernel, kernel)
        self.gamma = graph.argument(f"{name}.bn.weight", "param", channels)
        self.beta = graph.argument(f"{name}.bn.bias", "param", channels)
        self.running = [graph.argument(f"{name}.bn.running_{s}", "buffer", channels) for s in ("mean", "var")]
        self.type, self.vector = tensor(BATCH, channels, SIZE, SIZE), tensor(channels)

    def forward(self, value):
        self.input = value
        self.x = self.graph.op("convolution.default", [value, self.weight], f'"%0", "%1", unit, {self.window}',
                               self.type)
        self.norm = self.graph.op("_native_batch_norm_legit_functional.default",
                                  [self.x, self.gamma, self.beta, *self.running],
                                  f'"%0", "%1", "%2", "%3", "%4", {FLAGS}', self.type, *[self.vector] * 4)
        for kind, updated in zip(("mean", "var"), self.norm[3:]):
            self.graph.result(updated, "buffer", f"{self.name}.bn.running_{kind}")
        return leaky(self.graph, self.norm[0]) if self.activate else self.norm[0]

    def backward(self, grad):
        if self.activate:
            grad = leaky_backward(self.graph, grad, self.norm[0])
        n = self.norm
        dx, dgamma, dbeta = self.graph.op(
            "native_batch_norm_backward.default", [grad, self.x, self.gamma, n[3], n[4], n[1], n[2]],
            '"%0", "%1", "%2", "%3", "%4", "%5", "%6", true, 1.00000000000000008e-05 : f64, [true, true, true]',
            self.type, self.vector, self.vector)
        dinput, dweight, _ = self.graph.op("convolution_backward.default", [dx, self.input, self.weight],
                                           f'"%0", "%1", "%2", {ints(0)}, {self.window}, [true, true, false]',
                                           self.input[1], self.weight[1], "none")
        for name, value in (("conv.weight", dweight), ("bn.weight", dgamma), ("bn.bias", dbeta)):
            self.graph.result(value, "grad", f"{self.name}.{name}")
        return dinput


def leaky(graph, value):
    return graph.op("leaky_relu.default", [value], '"%0", 0.01 : f64', value[1])


def leaky_backward(graph, grad, value):
    return graph.op("leaky_relu_backward.default", [grad, value], '"%0", "%1", 0.01 : f64, false', value[1])


def add(graph, left, right):
    return graph.op("add.Tensor", [left, right], '"%0", "%1"', left[1])


def deep_resnet(depth):
    """The text of a graph of 18 * depth bottleneck blocks."""
    graph = Graph()
    names = [f"block{index}" for index in range(18 * depth)]
    blocks = [(Unit(graph, f"{name}.0", WIDE, NARROW, 1, True), Unit(graph, f"{name}.1", NARROW, NARROW, 3, True),
               Unit(graph, f"{name}.2", NARROW, WIDE, 1, False)) for name in names]
    value = graph.argument("x", "input", BATCH, WIDE, SIZE, SIZE)
    sums = []
    for block in blocks:
        branch = value
        for unit in block:
            branch = unit.forward(branch)
        sums.append(add(graph, branch, value))
        value = leaky(graph, sums[-1])
    loss = graph.op("mean.default", [value], '"%0"', tensor())
    graph.result(loss, "loss", "loss")
    one = graph.op("ones_like.default", [loss], '"%0"', tensor())
    grad = graph.op("expand.default", [one], f'"%0", {ints(BATCH, WIDE, SIZE, SIZE)}', value[1])
    grad = graph.op("div.Scalar", [grad], f'"%0", {BATCH * WIDE * SIZE * SIZE} : i64', value[1])
    for block, total in zip(reversed(blocks), reversed(sums)):
        grad = leaky_backward(graph, grad, total)
        branch = grad
        for unit in reversed(block):
            branch = unit.backward(branch)
        grad = add(graph, grad, branch)
    return graph.text()
