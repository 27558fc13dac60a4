"""G as nodes of an ONNX graph: it computes the cells that `TreeGenerator.push` computes, digit by digit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from onehalf.data.tables.choices import REST, Choice
from onehalf.data.tables.normal_scores import NormalScores
from onehalf.export.graph import Graph
from onehalf.export.networks import add_network
from onehalf.export.search import Steps
from onehalf.players.trees.chain import DIGITS_PER_COLUMN, Link
from onehalf.players.trees.discriminator import BoostedTrees
from onehalf.players.trees.generator import MOST_DRAWS, MOST_ODDS, TreeGenerator
from onehalf.players.trees.nodes import LEAF, Nodes
from onehalf.players.trees.noise import DIGITS, GAMMA
from onehalf.players.trees.scales import Scales

__all__ = ["add_trees", "list_cells"]


@add_network.register
def add_trees(net: TreeGenerator, graph: Graph, z: str, c: str | None) -> str:
    """Add the cells of G(z, c), of shape (n, columns), in float64; NaN is missing."""
    starts = _read_digits(graph, z)
    if not net.tilts:
        return _Draw.add(net, graph, starts, np.array(0), c).cells
    n = graph.add("Shape", z, start=0, end=1)
    shape = graph.add("Concat", n, np.array(net.out_shape), axis=0)
    cells = graph.add("Expand", np.array(0.0), shape)
    rows = graph.add("Range", np.array(0), graph.add("Squeeze", n), np.array(1))

    def add_pass(t: str, states: Sequence[str]) -> tuple[str, Sequence[str]]:
        """Draw the rows that are not kept yet."""
        before, pending = states
        here = None if c is None else graph.add("Gather", c, pending)
        draw = _Draw.add(net, graph, graph.add("Gather", starts, pending), t, here)
        places = graph.add("Unsqueeze", pending, np.array([1]))
        after = graph.add("ScatterND", before, places, draw.cells)
        left = graph.add("Compress", pending, _is_rejected(net, graph, draw))
        return graph.add("Greater", graph.add("Size", left), np.array(0)), (after, left)

    return graph.repeat(MOST_DRAWS, {cells: "float64", rows: "int64"}, add_pass)[0]


def list_cells(scales: Scales) -> tuple[Choice, NormalScores | None]:
    """The cells that are drawn of a column, in order; or REST, and the range and lattice of its numbers."""
    none = np.zeros(0)
    missing = [np.nan] * bool(scales.missing)
    if scales.repeats:
        cells = np.concatenate([np.sort(scales.values), missing])
        return Choice(cells, none, none, none), None
    ends, decimals = scales.values[[0, -1]], scales.decimals
    numbers = NormalScores(none, none, ends, repeat=False, step=scales.step, decimals=decimals)
    return Choice(np.array([REST, *missing]), none, none, none), numbers


@dataclass(frozen=True)
class _Draw:
    """Results of a graph: one row of the chain for each latent."""

    cells: str
    features: str
    """What trees see of the cells, in float32."""
    chance: str
    """A further uniform number, by which the row is kept."""

    @classmethod
    def add(
        cls, net: TreeGenerator, graph: Graph, starts: str, t: str | np.ndarray, c: str | None
    ) -> "_Draw":
        """Add draw t of these rows, as `Chain.sample`."""
        chain = net.chain
        u = _add_uniforms(graph, starts, t, chain.digits + 1)
        cells = {} if c is None else {j: graph.column(c, i) for i, j in enumerate(net.given)}
        features: dict[int, str] = {}
        for place, (column, link) in enumerate(chain.links.items()):
            scales = chain.scales[column]
            if column not in cells:
                first = DIGITS_PER_COLUMN * place
                own = [graph.column(u, first + i) for i in range(DIGITS_PER_COLUMN)]
                known = _add_seen(graph, link, features) if link.given else None
                code, scale = _add_code(graph, link, known, own)
                cells[column] = _add_cell(graph, scales, code, scale, own[3])
            features[column] = _add_feature(graph, scales, cells[column])
        columns = range(len(chain.scales))
        matrix, seen = (_stack(graph, [each[j] for j in columns]) for each in (cells, features))
        return cls(matrix, seen, graph.column(u, chain.digits))


def _is_rejected(net: TreeGenerator, graph: Graph, draw: _Draw) -> str:
    """Whether D's odds leave a row out, as in `TreeGenerator.push`."""
    logits = [
        graph.add("Min", graph.add("Max", each, np.array(-MOST_ODDS)), np.array(MOST_ODDS))
        for each in (_add_logits(graph, D, draw.features) for D in net.tilts)
    ]
    total = graph.add("Sub", graph.add("Sum", *logits), np.array(net.log_cap))
    share = graph.add("Exp", graph.add("Min", total, np.array(0.0)))
    return graph.add("GreaterOrEqual", draw.chance, share)


def _read_digits(graph: Graph, z: str) -> str:
    """As `Digits.read`; whole numbers of 64 bits are int64, whose products and sums are those of uint64."""
    parts = graph.add("Mul", graph.cast(z, "float64"), np.array(2.0**DIGITS))
    shifts = np.array([0, DIGITS, 2 * DIGITS], np.uint64)
    shifted = graph.add("BitShift", graph.cast(parts, "uint64"), shifts, direction="LEFT")
    first, *others = (graph.column(shifted, place) for place in range(len(shifts)))
    for other in others:
        first = graph.add("BitwiseOr", first, other)
    return _mix_bits(graph, graph.cast(first, "int64"))


def _add_uniforms(graph: Graph, starts: str, t: str | np.ndarray, count: int) -> str:
    """Add the uniform numbers of draw t, (n, count), as `Digits.uniform`."""
    counters = _wrap(int(GAMMA) * np.arange(1, count + 1, dtype=object))
    before = graph.add("Mul", t, _wrap(np.array(int(GAMMA) * count, object)))
    column = graph.add("Unsqueeze", starts, np.array([1]))
    bits = _mix_bits(graph, graph.add("Add", graph.add("Add", column, before), counters))
    return graph.add(
        "Mul", graph.cast(_shift_right(graph, bits, 11), "float64"), np.array(2.0**-53)
    )


def _mix_bits(graph: Graph, bits: str) -> str:
    """As `onehalf.data.splits.mix_bits`."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        bits = graph.add("BitwiseXor", bits, _shift_right(graph, bits, shift))
        bits = graph.add("Mul", bits, _wrap(np.array(factor, object)))
    return graph.add("BitwiseXor", bits, _shift_right(graph, bits, 31))


def _shift_right(graph: Graph, bits: str, by: int) -> str:
    """Shift 64 bits, of which the highest is no sign."""
    bits = graph.add(
        "BitShift", graph.cast(bits, "uint64"), np.array(by, np.uint64), direction="RIGHT"
    )
    return graph.cast(bits, "int64")


def _wrap(whole: np.ndarray) -> Int[np.ndarray, "..."]:
    """Whole numbers modulo 2^64, as int64."""
    return np.asarray(whole % 2**64, np.uint64).view(np.int64)


def _add_seen(graph: Graph, link: Link, features: Mapping[int, str]) -> str:
    """What a link's trees see, as `Link.features`."""
    seen = []
    for column in link.given:
        feature = features[column]
        if column in link.word_order:
            place = graph.add("Add", graph.cast(feature, "int64"), np.array(1))
            order = link.word_order[column].astype(np.float32)
            feature = graph.add("Gather", order, place)
        seen.append(feature)
    return _stack(graph, seen)


def _add_code(graph: Graph, link: Link, seen: str | None, u: Sequence[str]) -> tuple[str, str]:
    """Add a code, and the scale at which it counts, as `Link.draw`."""
    forest, backoff = link.forest, link.backoff
    component = Steps([np.cumsum(backoff.weights)[:-1]]).search(graph, u[0])
    tree = graph.cast(graph.add("Mul", u[1], np.array(float(forest.trees))), "int64")
    leaf = graph.add("Gather", forest.roots.astype(np.int32), tree)
    if seen is not None:
        at = graph.add("Unsqueeze", leaf, np.array([1]))
        leaf = graph.column(_add_leaves(graph, forest.nodes, at, seen), 0)
    sizes, which = np.unique(backoff.sizes, return_inverse=True)
    ancestors = [forest.ancestors(size) for size in sizes.tolist()]
    offset = graph.add("Gather", which * len(forest.nodes), component)
    node = graph.add("Add", offset, graph.cast(leaf, "int64"))
    node = graph.add("Gather", np.concatenate(ancestors).astype(np.int32), node)
    start, size = (graph.add("Gather", each, node) for each in (forest.start, forest.sizes))
    row = _add_place(graph, start, size, u[2])
    code = graph.add("Gather", forest.codes, graph.cast(row, "int64"))
    return graph.cast(code, "int64"), graph.add("Gather", backoff.scales, component)


def _add_leaves(graph: Graph, nodes: Nodes, at: str, features: str) -> str:
    """Descend from these nodes, (n, trees), as `Nodes.descend`; a leaf is its own child."""
    depth = _depth(nodes)
    if not depth:
        return at
    every = np.arange(len(nodes), dtype=np.int32)
    is_leaf = nodes.left == LEAF
    left, right = (np.where(is_leaf, every, side) for side in (nodes.left, nodes.right))
    left, right, feature, threshold = map(
        graph.constant,
        (left, right, np.where(is_leaf, 0, nodes.feature), _round_down(nodes.threshold)),
    )
    for _ in range(depth):
        entry = graph.add("GatherElements", features, graph.add("Gather", feature, at), axis=1)
        is_left = graph.add("LessOrEqual", entry, graph.add("Gather", threshold, at))
        children = (graph.add("Gather", side, at) for side in (left, right))
        at = graph.add("Where", is_left, *children)
    return at


def _round_down(numbers: Float[np.ndarray, " _"]) -> Float[np.ndarray, " _"]:
    """The greatest float32 that is no greater: the same float32 are at most this.

    >>> float(_round_down(np.array([0.1]))[0]) < 0.1 < float(np.float32(0.1))
    True
    """
    rounded = numbers.astype(np.float32)
    return np.where(rounded > numbers, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def _depth(nodes: Nodes) -> int:
    """Splits on the longest way from a root to a leaf."""
    depth = 0
    at = np.flatnonzero(nodes.parents() == LEAF)
    while True:
        at = at[nodes.left[at] != LEAF]
        if not len(at):
            return depth
        at = np.concatenate([nodes.left[at], nodes.right[at]])
        depth += 1


def _add_cell(graph: Graph, scales: Scales, code: str, scale: str, u: str) -> str:
    """Draw a cell from the bin of each code at its scale, as `Scales.draw`."""
    nothing = np.array(np.nan)
    if not len(scales.values):
        return graph.add("Expand", nothing, graph.add("Shape", code))
    ends = [
        np.stack(edges)[:, bins] for edges, bins in zip(scales.edges, scales.bins, strict=True)
    ]
    # the first place of each scale is that of a missing cell
    starts, stops = np.pad(np.stack(ends, axis=1), [(0, 0), (0, 0), (1, 0)])
    index = graph.add("Mul", scale, np.array(starts.shape[1]))
    index = graph.add("Add", graph.add("Add", index, code), np.array(1))
    start, size = (
        graph.add("Gather", each.ravel(), index) for each in (starts, stops - starts)
    )
    place = _add_place(graph, start, size, u)
    cell = graph.add("Gather", scales.sorted_rows, graph.cast(place, "int64"))
    if not scales.repeats:
        is_value = [each[bins] for each, bins in zip(scales.is_value, scales.bins, strict=True)]
        flags = np.pad(np.stack(is_value), [(0, 0), (1, 0)]).ravel()
        between = _add_between(graph, scales, place)
        cell = graph.add("Where", graph.add("Gather", flags, index), cell, between)
    if not scales.missing:
        return cell
    return graph.add("Where", graph.add("Less", code, np.array(0)), nothing, cell)


def _add_place(graph: Graph, start: str, size: str, u: str) -> str:
    """Add a place among that many from a start on, as a number with a fraction."""
    share = graph.add("Mul", u, graph.cast(size, "float64"))
    return graph.add("Add", graph.cast(start, "float64"), share)


def _add_between(graph: Graph, scales: Scales, place: str) -> str:
    """Add the number at a place among the sorted rows, as `Scales.between`."""
    rows = scales.sorted_rows
    place = _clip(graph, graph.add("Sub", place, np.array(0.5)), 0.0, len(rows) - 1.0)
    below = graph.add("Min", graph.cast(place, "int64"), np.array(max(len(rows) - 2, 0)))
    above = graph.add("Min", graph.add("Add", below, np.array(1)), np.array(len(rows) - 1))
    low, high = (graph.add("Gather", rows, each) for each in (below, above))
    share = graph.add("Sub", place, graph.cast(below, "float64"))
    numbers = graph.add("Add", low, graph.add("Mul", share, graph.add("Sub", high, low)))
    if scales.step:
        base, step = np.array(scales.values[0]), np.array(scales.step)
        whole = graph.add("Round", graph.add("Div", graph.add("Sub", numbers, base), step))
        numbers = graph.add("Add", base, graph.add("Mul", whole, step))
        numbers = _round(graph, numbers, np.array(10.0**scales.decimals))
        is_short = scales.digits < scales.decimals
        if is_short.any():
            short = _round(graph, numbers, graph.add("Gather", 10.0**scales.digits, below))
            numbers = graph.add("Where", graph.add("Gather", is_short, below), short, numbers)
    return _clip(graph, numbers, scales.values[0], scales.values[-1])


def _add_feature(graph: Graph, scales: Scales, cell: str) -> str:
    """Add what trees see of a cell, as `Scales.features`."""
    missing = graph.add("IsNaN", cell)
    if scales.is_word:
        words = np.arange(-1, scales.values.max(initial=-1) + 1)
        codes = scales.features(np.where(words < 0, np.nan, words))
        word = graph.add("Where", missing, np.array(-1.0), cell)
        place = graph.add("Add", graph.cast(word, "int64"), np.array(1))
        return graph.add("Gather", codes, place)
    values = np.concatenate([[np.nan], scales.values])
    place = Steps([scales.values]).search(graph, cell)
    is_value = graph.add("Equal", graph.add("Gather", values, place), cell)
    after = np.cumsum([0, *scales.counts]).astype(np.float32)
    ranks = (graph.add("Gather", each, place) for each in (scales.features(values), after))
    rank = graph.add("Where", is_value, *ranks)
    return graph.add("Where", missing, scales.features(values[:1]), rank)


def _add_logits(graph: Graph, D: BoostedTrees, features: str) -> str:
    """Add d(x), as `BoostedTrees.logits`."""
    n = graph.add("Shape", features, start=0, end=1)
    shape = graph.add("Concat", n, np.array([len(D.roots)]), axis=0)
    at = graph.add("Expand", D.roots.astype(np.int32)[None], shape)
    leaves = _add_leaves(graph, D.nodes, at, features)
    values = graph.add("Gather", D.leaf_values, leaves)
    total = graph.add("ReduceSum", values, np.array([1]), keepdims=0)
    return graph.add("Add", total, np.array(D.first))


def _round(graph: Graph, numbers: str, power: str | np.ndarray) -> str:
    """Round to decimals, as `numpy.round` does: by a power of ten."""
    return graph.add("Div", graph.add("Round", graph.add("Mul", numbers, power)), power)


def _clip(graph: Graph, numbers: str, least: float, most: float) -> str:
    return graph.add("Min", graph.add("Max", numbers, np.array(least)), np.array(most))


def _stack(graph: Graph, columns: Sequence[str]) -> str:
    """Put vectors side by side."""
    return graph.join([graph.add("Unsqueeze", each, np.array([1])) for each in columns])
