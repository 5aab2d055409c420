"""A traced step: the graph, and what each of its arguments and results is."""

import dataclasses

import torch


@dataclasses.dataclass(frozen=True)
class Role:
    """What an argument or a result is; `abn.role` and `abn.name` of the text.

    Arguments: param, buffer, input, label, state (of the optimizer).
    Results:   buffer (a new running statistic), loss, output, grad, updated_param, state.
    """

    kind: str
    name: str


@dataclasses.dataclass(frozen=True)
class Place:
    """Where an operation comes from: a module's name and, where known, a source line."""

    name: str
    file: str | None = None
    line: int | None = None


@dataclasses.dataclass
class Step:
    """`arguments` and `results` list (graph node, Role) in the function's order; `places` maps nodes to Places."""

    name: str
    graph_module: torch.fx.GraphModule
    arguments: list
    results: list
    places: dict

    @property
    def graph(self):
        return self.graph_module.graph
