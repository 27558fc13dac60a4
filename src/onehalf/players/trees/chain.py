"""Rosenblatt's map: each column drawn given those before it, by a forest and a back-off."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
from jaxtyping import Float, Int

from onehalf._parallel import run_tasks
from onehalf.data.tables.encoding import Cells
from onehalf.players.trees.backoff import LEAST_RATIO, SIZES, BackOff, choose_floor
from onehalf.players.trees.forest import Forest
from onehalf.players.trees.noise import Digits
from onehalf.players.trees.scales import ColumnFacts, Scales
from onehalf.players.trees.screening import choose_parents

__all__ = ["Chain"]

DIGITS_PER_COLUMN = 4
"""Uniform numbers that one column takes: component, tree, row of the slice, place in the bin."""

TREES = ((3_000, 40), (12_000, 20))
"""Training rows, and the trees of each forest with fewer rows than these."""

FEWEST_TREES = 10
"""Trees of a forest of more rows."""

USUAL_COLUMNS = 20
"""With more columns than this forests have fewer trees in proportion, as each tree sees more of them."""

LEAST_TREES = 4
"""The least number that they have."""

SMOOTHING = 10
"""Rows at the mean that are added to each word, where words are put in order for splits."""

Values = Float[np.ndarray, " _"]
Places = Int[np.ndarray, " _"]
Features = Float[np.ndarray, "_ _"]


@dataclass(frozen=True, eq=False)
class Link:
    """The law of one column given those before it."""

    given: tuple[int, ...]
    """The columns before it; of more than `MOST_PARENTS` those that are most associated with it."""
    word_order: Mapping[int, Values]
    """For each of them that has words: the place of each word in the order that splits see, missing first."""
    forest: Forest
    backoff: BackOff

    @property
    def least_rows(self) -> int:
        """The least rows that a value is drawn from."""
        roots = self.forest.sizes[self.forest.roots]
        return int(min(self.backoff.sizes.min(), roots.min()))

    @cached_property
    def _ancestors(self) -> tuple[Places, Int[np.ndarray, "sizes nodes"]]:
        """The size of each component, as a place among sizes; for each of these the ancestor of each node."""
        sizes, which = np.unique(self.backoff.sizes, return_inverse=True)
        ancestors = [self.forest.ancestors(size) for size in sizes.tolist()]
        return which, np.stack(ancestors).astype(np.int32)

    def features(self, features: Features) -> Features:
        """The columns before it as its trees see them."""
        return _order_features(features, self.given, self.word_order)

    def draw(self, seen: Features, digits: Digits, first: int) -> tuple[Places, Places]:
        """Draw a code from an ancestor, and the scale at which it counts; takes three digits from `first` on."""
        forest, backoff = self.forest, self.backoff
        u = digits.uniform(first)
        component = np.searchsorted(np.cumsum(backoff.weights)[:-1], u, side="right")
        tree = (digits.uniform(first + 1) * forest.trees).astype(int)
        which, ancestors = self._ancestors
        nodes = ancestors[which[component], forest.descend(tree, seen)]
        row = forest.start[nodes] + digits.uniform(first + 2) * forest.sizes[nodes]
        return forest.codes[row.astype(int)], backoff.scales[component]

    def ratio(self, seen: Features, codes: Places, scales: Scales) -> Values:
        """The likelihood of codes, relative to the column's own law."""
        leaves = (
            self.forest.descend(np.full(len(codes), tree), seen)
            for tree in range(self.forest.trees)
        )
        queries = ((each, codes) for each in leaves)
        total = np.zeros(len(codes))
        for _, _, component, ratios in self.backoff.ratios(self.forest, queries, scales):
            total += self.backoff.weights[component] * ratios
        return total / self.forest.trees


@dataclass(frozen=True, eq=False)
class Chain:
    """A table's law, column by column: x_j = F_j^-1(u_j | x_1, ..., x_{j-1}) for uniform u (Rosenblatt 1952).

    F_j is the mixture of `BackOff` over a forest of honest trees. Columns come in the order of their distinct values,
    few before many, so that the early ones are learned best; those that are given come first.
    """

    scales: tuple[Scales, ...]
    """The values of each column, in the table's order."""
    links: Mapping[int, Link] = field(default_factory=dict)
    """The law of each column, in the order in which they are drawn."""

    @classmethod
    def fit(
        cls,
        cells: Cells,
        facts: Sequence[ColumnFacts],
        *,
        given: Sequence[int] = (),
        floor: int = SIZES[0],
        price: float = 0.0,
        seed: int,
    ) -> "Chain":
        """Fit the law of these training rows.

        Args:
            cells: The cells of the rows.
            facts: What is known of each column.
            given: Columns that samples may be asked for by.
            floor: The least rows that a value is drawn from.
            price: With a price each column has its own floor instead; see `choose_floor`.
            seed: Settles the halves of the rows.
        """
        pairs = zip(cells.T, facts, strict=True)
        scales = tuple(Scales.fit(column, each) for column, each in pairs)
        columns = range(len(scales))
        order = sorted(columns, key=lambda j: (j not in given, len(scales[j].values)))
        data = _Columns(cells, scales)
        parents = choose_parents(data.codes, scales, order, given)
        tasks = [
            partial(_fit_link, data, seen, column, floor, price, seed)
            for column, seen in zip(order, parents, strict=True)
        ]
        links = run_tasks(tasks, threads=-1)
        return cls(scales, dict(zip(order, links, strict=True)))

    @property
    def floors(self) -> tuple[int, ...]:
        """The least rows that a value is drawn from, of each column in the table's order.

        The column that is drawn first is drawn from all rows, and left out unless it is the only one.
        """
        first = next(iter(self.links))
        counted = sorted(self.links.keys() - {first}) or [first]
        return tuple(self.links[column].least_rows for column in counted)

    @property
    def digits(self) -> int:
        """How many uniform numbers a row takes."""
        return DIGITS_PER_COLUMN * len(self.links)

    def sample(self, digits: Digits, first: int, fixed: Mapping[int, Values]) -> Cells:
        """Compute the rows of these digits; see `draw`."""
        return self.draw(digits, first, fixed)[0]

    def draw(
        self, digits: Digits, first: int, fixed: Mapping[int, Values]
    ) -> tuple[Cells, Features]:
        """Compute the rows of these digits, and each cell as trees see it.

        Args:
            digits: Those of each row.
            first: The index of the first one that is used.
            fixed: Columns that are given, with the cell of each row.
        """
        n = len(digits.starts)
        cells = np.empty((n, len(self.scales)))
        # columns are written and read one by one
        features = np.empty((n, len(self.scales)), np.float32, order="F")
        for column, link in self.links.items():
            scales = self.scales[column]
            if column in fixed:
                cells[:, column] = fixed[column]
            else:
                seen = link.features(features)
                codes, at_scale = link.draw(seen, digits, first)
                cells[:, column] = scales.draw(codes, at_scale, digits.uniform(first + 3))
            features[:, column] = scales.features(cells[:, column])
            first += DIGITS_PER_COLUMN
        return cells, features

    def features(self, cells: Cells) -> Features:
        """Each cell as trees see it."""
        columns = [each.features(x) for each, x in zip(self.scales, cells.T, strict=True)]
        return np.column_stack(columns)

    def log_ratio(self, cells: Cells) -> Values:
        """Log p(x) / prod_j p_j(x_j) of each row, in nats: the density relative to independent columns.

        p_j is the own law of a column. Of a table whose numbers repeat this is exact, and log p(x) is this plus the
        logarithms of the shares of its cells.
        """
        features = self.features(cells)
        total = np.zeros(len(cells))
        for column, link in self.links.items():
            scales = self.scales[column]
            codes = scales.encode(cells[:, column])
            ratio = link.ratio(link.features(features), codes, scales)
            total += np.log(np.maximum(ratio, LEAST_RATIO))
        return total

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All of it, by name; `from_arrays` is the way back."""
        arrays = {"order": np.array(list(self.links), np.int32)}
        for column, scales in enumerate(self.scales):
            arrays |= _prefix(f"{column}.scales", scales.to_arrays())
        for column, link in self.links.items():
            arrays |= _prefix(f"{column}.forest", link.forest.to_arrays())
            arrays |= _prefix(f"{column}.backoff", link.backoff.to_arrays())
            words = {str(word): ranks for word, ranks in link.word_order.items()}
            arrays |= _prefix(f"{column}.words", words)
        for place, (column, link) in enumerate(self.links.items()):
            if len(link.given) < place:
                arrays[f"{column}.given"] = np.array(link.given, np.int32)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Chain":
        """What `to_arrays` gave."""
        order = [int(column) for column in arrays["order"]]
        parts = _split(arrays)
        links = {}
        for place, column in enumerate(order):
            own = parts[str(column)]
            seen = own.get("given", np.array(order[:place], np.int32))
            links[column] = Link(
                tuple(seen.tolist()),
                {int(word): ranks for word, ranks in _under("words", own)},
                Forest.from_arrays(dict(_under("forest", own))),
                BackOff.from_arrays(dict(_under("backoff", own))),
            )
        scales = [
            Scales.from_arrays(dict(_under("scales", parts[str(column)])))
            for column in range(len(order))
        ]
        return cls(tuple(scales), links)


@dataclass(frozen=True, eq=False)
class _Columns:
    """Training rows, as codes and as trees see them."""

    cells: Cells
    scales: tuple[Scales, ...]

    @cached_property
    def codes(self) -> Int[np.ndarray, "rows columns"]:
        """The code of each cell."""
        pairs = zip(self.scales, self.cells.T, strict=True)
        return np.column_stack([scales.encode(column) for scales, column in pairs])

    @cached_property
    def features(self) -> Features:
        """Each cell as trees see it."""
        pairs = zip(self.scales, self.cells.T, strict=True)
        return np.column_stack([scales.features(column) for scales, column in pairs])


def _fit_link(
    data: _Columns,
    given: tuple[int, ...],
    column: int,
    floor: int,
    price: float,
    seed: int,
) -> Link:
    """Fit the law of a column given those before it."""
    rng = np.random.default_rng([seed, column])
    codes, scales = data.codes[:, column], data.scales[column]
    response = _response(codes, scales)
    word_order = {
        other: _order_words(data.codes[:, other], data.scales[other], response)
        for other in given
        if data.scales[other].is_word and len(data.scales[other].values) > 2
    }
    seen = _order_features(data.features, given, word_order)
    trees = choose_trees(*data.cells.shape)
    grow = partial(Forest.grow, seen, codes, scales, trees=trees, rng=rng)
    forest, rows = grow(least=floor)
    if price and given:
        floor = choose_floor(forest, rows, scales, price, rng)
        if floor > SIZES[0]:
            forest, rows = grow(least=floor)
    return Link(given, word_order, forest, BackOff.fit(forest, rows, scales, floor, rng))


def choose_trees(rows: int, columns: int) -> int:
    """How many trees the forest of each column has.

    >>> choose_trees(1000, 10), choose_trees(10_000, 10), choose_trees(1000, 100)
    (40, 20, 8)
    """
    trees = next((count for below, count in TREES if rows < below), FEWEST_TREES)
    return max(LEAST_TREES, trees * USUAL_COLUMNS // max(columns, USUAL_COLUMNS))


def _order_features(
    features: Features, given: tuple[int, ...], word_order: Mapping[int, Values]
) -> Features:
    """These columns, words at their places in the order."""
    seen = features[:, list(given)]
    for place, column in enumerate(given):
        if column in word_order:
            seen[:, place] = word_order[column][seen[:, place].astype(int) + 1]
    return seen


def _response(codes: Places, scales: Scales) -> Values:
    """One number a row that words of other columns are put in order by: the rank, or whether it is the first word."""
    if scales.is_word:
        return (codes == 0).astype(np.float64)
    return codes / max(len(scales.values), 1)


def _order_words(codes: Places, scales: Scales, response: Values) -> Values:
    """The place of each word, missing first, in the order of the mean response of its rows."""
    words = codes + 1
    size = len(scales.values) + 1
    rows = np.bincount(words, minlength=size)
    total = np.bincount(words, response, minlength=size)
    mean = (total + SMOOTHING * response.mean()) / (rows + SMOOTHING)
    return np.argsort(np.argsort(mean, kind="stable")).astype(np.float64)


def _prefix(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays under a longer name."""
    return {f"{prefix}.{name}": value for name, value in arrays.items()}


def _under(prefix: str, arrays: Mapping[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    """The arrays under that name, by the rest of it."""
    for name, value in arrays.items():
        if name.startswith(f"{prefix}."):
            yield name.removeprefix(f"{prefix}."), value


def _split(arrays: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """The arrays by the first part of their names, and by the rest."""
    parts: dict[str, dict[str, np.ndarray]] = {}
    for name, value in arrays.items():
        first, _, rest = name.partition(".")
        parts.setdefault(first, {})[rest] = value
    return parts
