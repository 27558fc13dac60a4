"""Networks as nodes of a graph; they compute what the networks compute, up to the rounding of floats."""

import functools
from typing import Any

import numpy as np

from onehalf._errors import refuse
from onehalf.export.graph import Graph, Operand
from onehalf.export.search import Steps
from onehalf.nets.bounded import Bounded
from onehalf.nets.convolutional import SLOPE, Convolution, ConvolutionalG, Residual, margins
from onehalf.nets.mlp import MLP
from onehalf.nets.tabular import KNOTS, Copula, Tabular

__all__ = ["add_network"]

ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("Relu", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.2}),
    "elu": ("Elu", {}),
    "gelu": ("Gelu", {"approximate": "tanh"}),
    "tanh": ("Tanh", {}),
    "sigmoid": ("Sigmoid", {}),
    "maxout": ("Identity", {}),
    "linear": ("Identity", {}),
}
"""The operator of each activation with its attributes; `silu` is x times a sigmoid."""


@functools.singledispatch
def add_network(net: Any, graph: Graph, z: str, c: str | None) -> str:
    """Add G(z, c), and return the name of its result, of shape (n, *out_shape).

    To export a new net, register a function for its class.

    Args:
        net: G.
        graph: The graph.
        z: The noise, (n, entries).
        c: The conditions, (n, condition_size); None where there are none.

    Raises:
        Refusal: The net has no such function.
    """
    refuse("export", expected="a generator of the package's networks", got=type(net).__name__)


@add_network.register
def _add_mlp(net: MLP, graph: Graph, z: str, c: str | None) -> str:
    parts = [z]
    if len(net.waves):
        phases = graph.add("MatMul", z, np.asarray(net.waves).T)
        parts += [_scale(graph, graph.add(wave, phases), 2**0.5) for wave in ("Sin", "Cos")]
    h = graph.join(parts if c is None else [*parts, c])
    *hidden, last = zip(net.weights, net.biases, strict=True)
    for weight, bias in hidden:
        h = _add_linear(graph, h, weight, bias)
        if net.pieces > 1:
            h = graph.add("Reshape", h, np.array([0, -1, net.pieces]))
            h = graph.add("ReduceMax", h, np.array([2]), keepdims=0)
        h = _activate(graph, net.activation, h)
    h = _activate(graph, net.out_activation, _add_linear(graph, h, *last))
    return _shape(graph, h, net.out_shape)


@add_network.register
def _add_bounded(net: Bounded, graph: Graph, z: str, c: str | None) -> str:
    h = graph.add("Add", add_network(net.net, graph, z, c), np.asarray(net.start))
    share = graph.add("Sigmoid", h)
    return graph.add("Add", graph.add("Mul", share, np.asarray(net.width)), np.asarray(net.low))


@add_network.register
def _add_convolutional(net: ConvolutionalG, graph: Graph, z: str, c: str | None) -> str:
    """Channels come first inside, as ONNX has them."""
    h = graph.join([z] if c is None else [z, c])
    h = _shape(graph, _add_linear(graph, h, net.weight, net.bias), net.small)
    h = graph.add("Transpose", h, perm=[0, 3, 1, 2])
    for block, up in zip(net.blocks, net.ups, strict=True):
        h = graph.add("LeakyRelu", _add_residual(graph, block, h), alpha=SLOPE)
        h = _add_convolution(graph, up.convolution, h)
        h = graph.add("DepthToSpace", h, blocksize=2, mode="DCR")
        h = _cut(graph, h, (1, 1), (-1, -1))
    (above, below), (left, right) = margins(net.out_shape)
    if above or below or left or right:
        far = np.iinfo(np.int64).max
        h = _cut(graph, h, (above, left), (-below or far, -right or far))
    return _shape(graph, graph.add("Transpose", h, perm=[0, 2, 3, 1]), net.out_shape)


@add_network.register
def _add_copula(net: Copula, graph: Graph, z: str, c: str | None) -> str:
    joined = graph.join([z] if c is None else [z, c])
    linear = _add_linear(graph, joined, net.A, net.b)
    return graph.add("Add", linear, add_network(net.net, graph, z, c))


@add_network.register
def _add_tabular(net: Tabular, graph: Graph, z: str, c: str | None) -> str:
    """Scores through their maps, then choices as vectors with a single 1."""
    layout = net.layout
    noise = net.in_shape[0] - layout.logits
    out = add_network(net.net, graph, graph.part(z, 0, noise), c)
    choices = _add_choices(net, graph, out, graph.part(z, noise, noise + layout.logits))
    if not layout.scores:
        return choices
    scores = _add_scores(net, graph, graph.part(out, 0, layout.scores))
    if not layout.logits:
        return scores
    gates = np.array(layout.gates) - layout.scores
    gate = graph.add("Gather", choices, np.maximum(gates, 0), axis=1)
    gate = graph.add("Where", gates[None] >= 0, gate, np.ones(1, np.float32))
    return graph.join([graph.add("Mul", scores, gate), choices])


def _add_choices(net: Tabular, graph: Graph, out: str, gumbels: str) -> str:
    """The greatest of each choice's logits as 1; those of one size are found at once."""
    layout = net.layout
    if not layout.logits:
        return ""
    logits = graph.add("Add", graph.part(out, layout.scores, layout.entries), gumbels)
    logits = graph.add("Add", logits, np.asarray(net.bias))
    parts = []
    for start, blocks, size in layout.groups:
        first = start - layout.scores
        block = graph.part(logits, first, first + blocks * size)
        block = graph.add("Reshape", block, np.array([0, blocks, size]))
        place = graph.add("ArgMax", block, axis=2, keepdims=0)
        chosen = graph.add("Gather", np.eye(size, dtype=np.float32), place)
        parts.append(graph.add("Reshape", chosen, np.array([0, blocks * size])))
    return graph.join(parts)


def _add_scores(net: Tabular, graph: Graph, scores: str) -> str:
    """The increasing map of each score; beyond its last knots it is moved as far as at these."""
    knots = np.asarray(net.knots)
    inside = graph.add("Max", graph.add("Min", scores, knots[:, -1]), knots[:, 0])
    steps = Steps(list(knots))
    mapped = steps.interpolate(graph, inside, [KNOTS] * len(knots))
    return graph.add("Add", mapped, graph.add("Sub", scores, inside))


def _add_residual(graph: Graph, block: Residual, x: str) -> str:
    h = _add_convolution(graph, block.first, graph.add("LeakyRelu", x, alpha=SLOPE))
    h = _add_convolution(graph, block.second, graph.add("LeakyRelu", h, alpha=SLOPE))
    return graph.add("Add", x, h)


def _add_convolution(graph: Graph, net: Convolution, x: str) -> str:
    """In half precision, operands and result are rounded to bfloat16, and sums are exact to float32."""
    weight = graph.constant(np.asarray(net.weight).transpose(3, 2, 0, 1))
    pads = [net.border] * 4
    if net.half:
        rounded = [_round_half(graph, each) for each in (x, weight)]
        h = _round_half(graph, graph.add("Conv", *rounded, pads=pads))
        return graph.add("Add", h, np.asarray(net.bias)[:, None, None])
    return graph.add("Conv", x, weight, np.asarray(net.bias), pads=pads)


def _round_half(graph: Graph, x: str) -> str:
    return graph.cast(graph.cast(x, "bfloat16"), "float32")


def _add_linear(graph: Graph, x: str, weight: Any, bias: Any) -> str:
    return graph.add("Add", graph.add("MatMul", x, np.asarray(weight)), np.asarray(bias))


def _activate(graph: Graph, name: str, x: str) -> str:
    if name == "silu":
        return graph.add("Mul", x, graph.add("Sigmoid", x))
    operator, attributes = ACTIVATIONS[name]
    return x if operator == "Identity" else graph.add(operator, x, **attributes)


def _scale(graph: Graph, x: str, factor: float) -> str:
    return graph.add("Mul", x, np.float32(factor))


def _shape(graph: Graph, x: str, shape: tuple[int, ...]) -> str:
    """Rows of this shape, where they are not yet."""
    return graph.add("Reshape", x, np.array([-1, *shape]))


def _cut(graph: Graph, x: Operand, start: tuple[int, int], stop: tuple[int, int]) -> str:
    """A part of the last two axes."""
    return graph.add("Slice", x, np.array(start), np.array(stop), np.array([2, 3]))
