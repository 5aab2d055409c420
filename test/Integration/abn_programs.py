"""MLIR text of functions that run one chain, in place and out of place."""

import dataclasses

from abn_reference import ACTIVATIONS, statistics_type


@dataclasses.dataclass
class Chain:
    """One function `name`: batch norm and activation, forward and backward."""
    name: str
    activation: str
    dtype: str
    shape: tuple
    channel: int = 1
    kind: str = "inplace"  # or out_of_place, frozen, frozen_out_of_place, recover
    dynamic: bool = False
    dynamic_outer: bool = False  # only the first size is
    gamma: bool = True
    beta: bool = True
    policy: str = ""       # the op's default if empty
    epsilon: float = 1e-5
    threshold: float = 1e-3
    tiling: str = ""       # abn.tiling: what of the kernels' tiling is fixed

    @property
    def full(self):
        sizes = ["?"] * len(self.shape) if self.dynamic else [str(s) for s in self.shape]
        if self.dynamic_outer:
            sizes[0] = "?"
        return f"tensor<{'x'.join(sizes)}x{self.dtype}>"

    def vector(self, dtype):
        return f"tensor<{'?' if self.dynamic else self.shape[self.channel]}x{dtype}>"

    @property
    def parameter_type(self):
        """gamma and prelu's slopes have the data's type, beta the statistics'."""
        return self.vector(self.dtype)

    @property
    def statistics(self):
        return self.vector(statistics_type(self.dtype))

    def attributes(self, in_place):
        text = f"epsilon = {self.epsilon:e} : f64, channel_dim = {self.channel} : i64"
        if in_place and self.policy:
            text += f", gamma_policy = #abn.gamma_policy<{self.policy}>"
            text += f", gamma_threshold = {self.threshold:e} : f64"
        if self.tiling:
            text += f", abn.tiling = {{{self.tiling}}}"
        if in_place:
            text += f', abn.chain = "{self.name}"'
        return "{" + text + "}"

    @property
    def affine(self):
        """The clauses for gamma and beta."""
        gamma = f"gamma(%g : {self.parameter_type}) " if self.gamma else ""
        return gamma + (f"beta(%b : {self.statistics}) " if self.beta else "")

    @property
    def params(self):
        return f"params(%a : {self.parameter_type}) " if self.activation == "prelu" else ""

    def text(self):
        return (f"func.func @{self.name}(%x: {self.full}, %dz: {self.full}, "
                f"%g: {self.parameter_type}, %b: {self.statistics}, %a: {self.parameter_type}, "
                f"%mean: {self.statistics}, %var: {self.statistics}) -> {self.results()} {{\n"
                f"{self.empties()}{getattr(self, self.kind)()}"
                f"  return %z, %m, %v, %dx, %dg, %db : {self.results()[1:-1]}\n}}\n")

    def results(self):
        f, s = self.full, self.statistics
        return f"({f}, {s}, {s}, {f}, {s}, {s})"

    def empties(self):
        """%ef and %es, destinations of full and per-channel size."""
        if not self.dynamic:
            return (f"  %ef = tensor.empty() : {self.full}\n"
                    f"  %es = tensor.empty() : {self.statistics}\n")
        lines = []
        for d in range(len(self.shape)):
            lines.append(f"  %c{d} = arith.constant {d} : index\n"
                         f"  %d{d} = tensor.dim %x, %c{d} : {self.full}\n")
        sizes = ", ".join(f"%d{d}" for d in range(len(self.shape)))
        return "".join(lines) + (f"  %ef = tensor.empty({sizes}) : {self.full}\n"
                                 f"  %es = tensor.empty(%d{self.channel}) : {self.statistics}\n")

    def three(self, first):
        f, s = self.full, self.statistics
        return f"outs({first}, %es, %es : {f}, {s}, {s}) -> {f}, {s}, {s}\n"

    def inplace(self):
        phi = ACTIVATIONS[self.activation][0]
        f, s = self.full, self.statistics
        return (f"  %z, %m, %v = abn.inplace_forward {phi} {self.attributes(True)} {self.affine}"
                f"{self.params}{self.three('%x')}"
                f"  %dx, %dg, %db = abn.inplace_backward {phi} {self.attributes(True)} "
                f"ins(%z : {f}) stats(%v : {s}) {self.affine}{self.params}{self.three('%dz')}")

    def recover(self):
        """x from z in dx's place."""
        phi = ACTIVATIONS[self.activation][0]
        f, s = self.full, self.statistics
        return (f"  %z, %m, %v = abn.inplace_forward {phi} {self.attributes(True)} {self.affine}"
                f"{self.params}{self.three('%x')}"
                f"  %dx = abn.recover {phi} {self.attributes(True)} ins(%z : {f}) "
                f"stats(%m, %v : {s}, {s}) {self.affine}{self.params}outs(%ef : {f}) -> {f}\n"
                f"  %dg = tensor.cast %m : {s} to {s}\n  %db = tensor.cast %v : {s} to {s}\n")

    def out_of_place(self, suffix="", stats="%m, %v"):
        phi = ACTIVATIONS[self.activation][0]
        f, s = self.full, self.statistics
        gamma = self.affine.split("beta")[0]
        if suffix:
            forward = (f"  %m = tensor.cast %mean : {s} to {s}\n  %v = tensor.cast %var : {s} to {s}\n"
                       f"  %y = abn.batch_norm_inference {self.attributes(False)} ins(%x : {f}) "
                       f"stats({stats} : {s}, {s}) {self.affine}outs(%ef : {f}) -> {f}\n")
        else:
            forward = (f"  %y, %m, %v = abn.batch_norm {self.attributes(False)} ins(%x : {f}) "
                       f"{self.affine}{self.three('%ef')}")
        return forward + (
            f"  %z = abn.activation {phi} {{channel_dim = {self.channel} : i64}} ins(%y : {f}) "
            f"{self.params}outs(%ef : {f}) -> {f}\n"
            f"  %dy = abn.activation_grad {phi} {{channel_dim = {self.channel} : i64}} "
            f"ins(%dz, %y : {f}, {f}) {self.params}outs(%ef : {f}) -> {f}\n"
            f"  %dx, %dg, %db = abn.batch_norm{suffix}_grad {self.attributes(False)} "
            f"ins(%dy, %x : {f}, {f}) stats({stats} : {s}, {s}) {gamma}{self.three('%ef')}")

    def frozen_out_of_place(self):
        return self.out_of_place("_inference", "%mean, %var")

    def frozen(self):
        phi = ACTIVATIONS[self.activation][0]
        f, s = self.full, self.statistics
        return (f"  %m = tensor.cast %mean : {s} to {s}\n  %v = tensor.cast %var : {s} to {s}\n"
                f"  %z = abn.inplace_inference {phi} {self.attributes(True)} "
                f"stats(%mean, %var : {s}, {s}) {self.affine}{self.params}outs(%x : {f}) -> {f}\n"
                f"  %dx, %dg, %db = abn.inplace_inference_backward {phi} {self.attributes(True)} "
                f"ins(%z : {f}) stats(%var : {s}) {self.affine}{self.params}{self.three('%dz')}")

    def buffers_text(self):
        """The same on memrefs: in place over x and dz, the other results in arguments of their own,
        z, dx, mean, variance, dgamma, dbeta and two of full size for what is between."""
        f, s, p = self.full, self.statistics, self.parameter_type
        text = (f"func.func @{self.name}(%x: {f}, %dz: {f}, %g: {p}, %b: {s}, %a: {p}, %mean: {s}, "
                f"%var: {s}, %z: {f}, %dx: {f}, %m: {s}, %v: {s}, %dg: {s}, %db: {s}, %y: {f}, "
                f"%dy: {f}) {{\n{getattr(self, self.kind + '_buffers')()}  return\n}}\n")
        return text.replace("tensor<", "memref<")

    def inplace_buffers(self):
        phi = ACTIVATIONS[self.activation][0]
        f, s = self.full, self.statistics
        return (f"  abn.inplace_forward {phi} {self.attributes(True)} {self.affine}{self.params}"
                f"outs(%x, %m, %v : {f}, {s}, {s})\n"
                f"  abn.inplace_backward {phi} {self.attributes(True)} ins(%x : {f}) "
                f"stats(%v : {s}) {self.affine}{self.params}"
                f"outs(%dz, %dg, %db : {f}, {s}, {s})\n")

    def recover_buffers(self):
        phi = ACTIVATIONS[self.activation][0]
        f, s = self.full, self.statistics
        return (f"  abn.inplace_forward {phi} {self.attributes(True)} {self.affine}{self.params}"
                f"outs(%x, %m, %v : {f}, {s}, {s})\n"
                f"  abn.recover {phi} {self.attributes(True)} ins(%x : {f}) "
                f"stats(%m, %v : {s}, {s}) {self.affine}{self.params}outs(%dz : {f})\n")

    def frozen_buffers(self):
        phi = ACTIVATIONS[self.activation][0]
        f, s = self.full, self.statistics
        return (f"  abn.inplace_inference {phi} {self.attributes(True)} stats(%mean, %var : {s}, {s}) "
                f"{self.affine}{self.params}outs(%x : {f})\n"
                f"  abn.inplace_inference_backward {phi} {self.attributes(True)} ins(%x : {f}) "
                f"stats(%var : {s}) {self.affine}{self.params}"
                f"outs(%dz, %dg, %db : {f}, {s}, {s})\n")

    def out_of_place_buffers(self, suffix="", stats="%m, %v"):
        phi = ACTIVATIONS[self.activation][0]
        f, s = self.full, self.statistics
        channel = f"{{channel_dim = {self.channel} : i64}}"
        if suffix:
            forward = (f"  abn.batch_norm_inference {self.attributes(False)} ins(%x : {f}) "
                       f"stats({stats} : {s}, {s}) {self.affine}outs(%y : {f})\n")
        else:
            forward = (f"  abn.batch_norm {self.attributes(False)} ins(%x : {f}) {self.affine}"
                       f"outs(%y, %m, %v : {f}, {s}, {s})\n")
        return forward + (
            f"  abn.activation {phi} {channel} ins(%y : {f}) {self.params}outs(%z : {f})\n"
            f"  abn.activation_grad {phi} {channel} ins(%dz, %y : {f}, {f}) {self.params}"
            f"outs(%dy : {f})\n"
            f"  abn.batch_norm{suffix}_grad {self.attributes(False)} ins(%dy, %x : {f}, {f}) "
            f"stats({stats} : {s}, {s}) {self.affine.split('beta')[0]}"
            f"outs(%dx, %dg, %db : {f}, {s}, {s})\n")

    def frozen_out_of_place_buffers(self):
        return self.out_of_place_buffers("_inference", "%mean, %var")

    @property
    def is_in_place(self):
        return self.kind in ("inplace", "frozen", "recover")
