"""The table of cases: what each is made by and what must hold of it.

expect    found   so many batch norms become abn ops, with these activations
          never   nothing may be rewritten
          judge   anything goes that leaves every result equal (which always holds)
forward, backward   how many abn.batch_norm and abn.batch_norm_grad: a number or [least, most]
activations   one string per abn.activation: alternatives between bars, "none" where it may be absent
remark    words of a missed remark that must appear, or null
"""

import dataclasses
from typing import Any, Callable


@dataclasses.dataclass
class Case:
    expect: str
    forward: Any
    backward: Any
    activations: Any
    remark: Any
    why: str
    build: Callable | None = None
    text: Callable | None = None


CASES = {}


def case(name, activations=None, forward=1, backward=None, expect="found", remark=None, text=False):
    """Registers the function below it: its docstring is the reason for the expectation."""
    def register(function):
        if name in CASES:
            raise ValueError(f"two cases {name}")
        fwd = {"never": 0, "judge": None}.get(expect, forward)
        bwd = {"never": 0, "judge": None}.get(expect, fwd if backward is None else backward)
        if expect == "judge" and backward is not None:
            bwd = backward
        why = " ".join((function.__doc__ or "").split())
        CASES[name] = Case(expect, fwd, bwd, activations, remark, why,
                           None if text else function, function if text else None)
        return function
    return register


def given(name, why, activations=None, forward=1, backward=None, expect="found", remark=None):
    """A case whose file was made elsewhere."""
    def nothing():
        pass
    nothing.__doc__ = why
    case(name, activations, forward, backward, expect, remark)(nothing)
    CASES[name].build = None


def entry(case):
    fields = dataclasses.asdict(case)
    del fields["build"], fields["text"]
    return fields
