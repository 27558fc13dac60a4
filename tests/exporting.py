"""Models that are not trained, for the tests of exports, and what goes into their files."""

import dataclasses
import zlib
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import onnxruntime
import pandas as pd

from onehalf.data.dataset import from_objects
from onehalf.distributions.base import Pushforward
from onehalf.domains import infer_domain
from onehalf.hyperparameters import FitOptions
from onehalf.model import GenerativeModel
from onehalf.nets.tabular import KNOTS
from onehalf.players.trees.chain import Chain
from onehalf.players.trees.discriminator import BoostedTrees
from onehalf.players.trees.generator import TreeGenerator

ROWS = 300

KEY = jr.key(1)

RNG = np.random.default_rng(0)

PEOPLE = pd.DataFrame(
    {
        "sex": RNG.choice(["F", "M", None], ROWS, p=[0.5, 0.4, 0.1]),
        "size": RNG.choice([14, 15, 17], ROWS),
        "income": np.where(RNG.random(ROWS) < 0.2, np.nan, RNG.lognormal(10, 1, ROWS).round(2)),
        "z": np.where(RNG.random(ROWS) < 0.5, 0.0, RNG.normal(size=ROWS)),
        "age": RNG.integers(0, 90, ROWS),
        "level": RNG.integers(0, 20, ROWS) * 5,
        "score": np.where(RNG.random(ROWS) < 0.1, np.nan, RNG.integers(0, 1000, ROWS)),
        "born": pd.date_range("2020-01-01", periods=ROWS).strftime("%d.%m.%Y"),
        "seen": pd.date_range("2020-01-01", periods=ROWS).where(RNG.random(ROWS) > 0.1),
        "member": RNG.random(ROWS) < 0.3,
        "unit": "kg",
        "city": [f"Stadt {i % 130}" for i in range(ROWS)],
        "grade": pd.Categorical(RNG.choice(["good", "bad"], ROWS)),
    }
)
"""All kinds of columns that are learned."""


def make_parameters(like: Any) -> jax.Array:
    """Random numbers; knots of scores are in order."""
    numbers = RNG.normal(size=like.shape).astype("float32") / 2
    return jnp.asarray(np.sort(numbers) if like.shape[-1:] == KNOTS.shape else numbers)


def make_model(X: Any, y: Any = None, **asked: Any) -> GenerativeModel:
    """A model that was not trained: its parameters are random numbers, in order where they must be."""
    options = FitOptions(**{"width": 8, "m": 16} | asked)
    dataset = from_objects(X, y)
    domain = infer_domain(dataset, options.labels, None, (), options.chosen_constraints)
    rows = domain.encode(dataset)
    preprocessor = domain.fit_preprocessor(rows)
    recipe = domain.resolve(options.check(), preprocessor, len(rows))
    G = jax.tree.map(make_parameters, domain.blank_generator(recipe, preprocessor))
    return GenerativeModel(
        Pushforward(G, domain.latent(recipe, preprocessor)), domain, preprocessor
    )


def make_tree_model(
    table: pd.DataFrame, *, corrections: Sequence[float], **asked: Any
) -> GenerativeModel:
    """A model of trees, corrected by D that tell rows from independent columns, are too sure of it, and disagree."""
    options = FitOptions(**{"players": "trees"} | asked)
    dataset = from_objects(table)
    domain = infer_domain(dataset, options.labels, None, (), options.chosen_constraints)
    domain = domain.for_players("trees")
    rows = domain.encode(dataset)
    preprocessor = domain.fit_preprocessor(rows)
    recipe = domain.resolve(options.check(), preprocessor, len(rows))
    players: Any = domain.make_players(recipe, preprocessor, preprocessor.distribution(rows))
    chain = Chain.fit(players.cells, players.facts, given=players.given, floor=10, seed=0)
    features = chain.features(players.cells)
    G = TreeGenerator(chain, players.given)
    for seed, factor in enumerate(corrections):
        mixed = np.random.default_rng(seed).permuted(features, axis=0)
        D = BoostedTrees.fit(features, mixed, seed)
        G = G.tilt(dataclasses.replace(D, leaf_values=factor * D.leaf_values, first=0.3), mixed)
    return GenerativeModel(Pushforward(G, players.p_z), domain, preprocessor)


def make_models() -> dict[str, GenerativeModel]:
    images = RNG.integers(0, 255, (60, 10, 9, 3)).astype("uint8")
    points = np.column_stack([RNG.normal(size=ROWS), RNG.integers(0, 9, ROWS)])
    return {
        "points": make_model(points),
        "words": make_model(
            RNG.normal(size=(ROWS, 20)).astype("float32"),
            RNG.choice(["a", "é"], ROWS),
            label="kind",
        ),
        "images": make_model(images, net="convolutional", width=2, normal=4),
        "people": make_model(PEOPLE, label=["sex", "size"], constraints="none"),
        "trees": make_tree_model(
            PEOPLE, corrections=(4, -2), label=["sex", "size"], constraints="none"
        ),
    }


def make_feed(description: Any, batch: Any, rows: Any, entries: Any) -> dict[str, np.ndarray]:
    """What goes in for a batch of latents, of which come these entries and these rows."""
    feed = {"z": np.asarray(batch.x)}
    columns = {column.name: column for column in description.columns}
    for label in description.labels:
        feed[label.input] = plain(rows, columns[label.name])
    if any(
        each.name == "u" for each in description.inputs
    ):  # as `TablePreprocessor` draws rare words
        seed = zlib.crc32(np.asarray(entries, np.float64).tobytes())
        feed["u"] = np.random.default_rng(seed).random((ROWS, 1))
    return feed


@eqx.filter_jit
def draw_latents(p_g: Any, key: Any) -> Any:
    """The latents of `draw_batch`."""
    return p_g.p_z.batch(key, ROWS)


def plain(rows: Any, column: Any) -> np.ndarray:
    """A column of decoded rows as a file gives it."""
    if column.kind == "array":
        return rows.x if isinstance(rows, tuple) else rows
    values = rows[column.name] if isinstance(rows, pd.DataFrame) else pd.Series(rows.y)
    if column.type == "string":
        return values.astype(object).where(values.notna(), column.missing).to_numpy(str)
    return values.to_numpy(column.type)


def run(path: Any, **feed: np.ndarray) -> dict[str, np.ndarray]:
    """What the runtime gives, by name of the output."""
    session = onnxruntime.InferenceSession(path)
    outputs = [output.name for output in session.get_outputs()]
    return dict(zip(outputs, session.run(outputs, feed), strict=True))
