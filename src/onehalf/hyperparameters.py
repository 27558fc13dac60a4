"""Every hyper-parameter of a fit, declared once: type, default, range, meaning.

`GAN`'s signature and docstring, the options of `onehalf fit`, the checks and docs/explanation/recipe.md derive from
these declarations.
"""

import dataclasses
import inspect
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onehalf._declaration import About, parameter
from onehalf._registry import choose

__all__ = [
    "CONSTRAINTS",
    "NETS",
    "PLAYERS",
    "PRESETS",
    "SCHEDULES",
    "FitOptions",
    "Hyperparameters",
    "about",
    "describe",
    "document",
    "settings_of_networks",
    "to_markdown",
]

NETS = ("mlp", "convolutional")
"""Kinds of networks for both players."""

PLAYERS = ("neural", "trees")
"""What the two players are made of: networks, or trees."""

OF_ALL_PLAYERS = ("players", "seeds", "rounds", "minutes", "evaluate", "random_state")
"""Hyper-parameters that trees take too; the others are those of networks."""

MOST_SEED = 2**62
"""The largest seed: several games add their numbers to it, and JAX takes 63 bits."""

MOST_SEEDS = 1000
"""The most games that are trained at once."""

MOST_UNITS = 2**16
"""The largest width of a network: what a few of these take is beyond any memory."""


CONSTRAINTS = ("auto", "unbroken", "none")
"""Which rules the samples of a table keep."""

SCHEDULES = ("alternating", "simultaneous")
"""How the players' steps follow each other in a round."""

MOST_ROUNDS = 2**31 - 1
"""Rounds of a fit, at most: they are counted in 32 bits."""

PRESETS = ("mnist-2014", "mnist-2014-algorithm1")
"""Recipes with a name."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Hyperparameters:
    """What a fit can be asked for; None leaves a number to the data."""

    recipe: str | None = parameter(
        None,
        "A preset: 'mnist-2014' is the experiment of 2014 on pixels between 0 and 1, 'mnist-2014-algorithm1' is "
        "Algorithm 1 as printed in the paper. It fixes everything but rounds, minutes, seeds, evaluate and "
        "random_state, and keeps the last G.",
        choices=PRESETS,
        option="--recipe",
        metavar="NAME",
    )
    players: Any = parameter(
        None,
        "What G and D are made of: 'neural' networks, or 'trees', for tables only. Of the other settings, trees take "
        "rounds, minutes, seeds, evaluate and random_state.",
        "trees for tables of at most 200 columns, unless a setting that trees do not take is given; else neural",
        choices=PLAYERS,
        option="--players",
        metavar="NAME",
        kind=str,
    )
    loss: str = parameter(
        "NonSaturating",
        "The loss of both networks: a class of `onehalf.losses`.",
        choices="losses",
        option="--loss",
        metavar="NAME",
    )
    net: Any = parameter(
        None,
        "Architecture of both networks.",
        "mlp; convolutional for images of at least 16 x 16 pixels",
        choices=NETS,
        option="--net",
        metavar="NAME",
        kind=str,
    )
    k: int = parameter(
        1, "Steps of D per round.", at_least=1, whole=True, option="--k", metavar="K"
    )
    m: Any = parameter(
        None,
        "Examples in a minibatch.",
        "256; 128 for arrays of more than 16 entries; 64 for convolutional networks",
        at_least=1,
        whole=True,
        option="--batch",
        metavar="m",
        kind=int,
    )
    schedule: str = parameter(
        "alternating",
        "'alternating' (Algorithm 1) or 'simultaneous' (the 2014 code).",
        choices=SCHEDULES,
    )
    width: Any = parameter(
        None,
        "Units in each hidden layer of both networks. For convolutional networks: channels at half the image's size, "
        "doubled each time the size is halved, up to 8 times as many.",
        "128; 256 for tables and rows of more than 16 entries; 16 for convolutional networks",
        at_least=1,
        at_most=MOST_UNITS,
        whole=True,
        kind=int,
    )
    depth: int = parameter(
        2,
        "Hidden layers of both networks; for convolutional networks it depends on the image size.",
        at_least=1,
        whole=True,
    )
    features: Any = parameter(
        None,
        "Number of waves added to D's input (`onehalf.nets.mlp.waves`).",
        "32 for rows of 16 entries or fewer, else 0",
        at_least=0,
        kind=int,
    )
    normal: Any = parameter(
        None,
        "Number of normal entries N(0, 1) of the latent z.",
        "8; 32 for rows of more than 16 entries; 64 for convolutional networks; for tables the number of numeric "
        "columns, from 32 to 128",
        at_least=0,
        kind=int,
    )
    choices: Any = parameter(
        None,
        "Values of the discrete part of the latent, one-hot; 0 for none.",
        "128 for rows of 16 entries or fewer, else 0",
        at_least=0,
        kind=int,
    )
    rate_D: Any = parameter(
        None,
        "Adam's learning rate for D. Both rates decay exponentially to 1 % over the run, and start proportionally "
        "lower in runs of more than 12,000 rounds.",
        "0.002; 0.004 for convolutional networks",
        at_least=0,
        kind=float,
    )
    rate_G: Any = parameter(
        None, "Adam's learning rate for G.", "as rate_D", kind=float, at_least=0
    )
    beta1: float = parameter(0.0, "Adam's decay rate of the mean gradient.")
    beta2: float = parameter(0.99, "Adam's decay rate of the mean squared gradient.")
    noise: Any = parameter(
        None,
        "Initial standard deviation of the noise on the input of D, relative to that of the data.",
        "1; 0.3 for tables; 0 for convolutional networks",
        at_least=0,
        kind=float,
    )
    noise_share: float = parameter(
        0.6, "Share of the run after which there is no more noise.", at_least=0
    )
    r1: Any = parameter(
        None,
        "Weight gamma of the R1 penalty.",
        "1; 0 for rows of 16 entries or fewer; 0.1 for tables",
        at_least=0,
        kind=float,
    )
    r2: float = parameter(0.0, "Weight gamma of the R2 penalty.", at_least=0)
    gradient_penalty: Any = parameter(
        None,
        "Weight of the gradient penalty.",
        "10 for the Wasserstein loss, else 0",
        at_least=0,
        kind=float,
    )
    every: Any = parameter(
        None,
        "Rounds between penalties.",
        "4; 16 for convolutional networks",
        at_least=1,
        whole=True,
        kind=int,
    )
    average: float = parameter(
        0.999, "Decay rate of G's running average, per round.", at_least=0, at_most=1
    )
    half: bool = parameter(
        default=False,
        meaning="Compute convolutions in bfloat16, for accelerators.",
        option="--half",
    )
    seeds: int = parameter(
        1,
        "Number of games, trained at once, that differ only by their seed; the best on validation rows is kept.",
        at_least=1,
        at_most=MOST_SEEDS,
        whole=True,
        option="--seeds",
        metavar="P",
    )
    rounds: Any = parameter(
        None,
        "Number of training rounds.",
        "12,000; 8,000 for rows of more than 16 entries; 6,000 for tables",
        at_least=1,
        at_most=MOST_ROUNDS,
        whole=True,
        option="--rounds",
        metavar="N",
        kind=int,
    )
    minutes: float | None = parameter(
        None,
        "Time in minutes, instead of rounds: of all of it, evaluations, certificate and report included.",
        above=0,
        option="--minutes",
        metavar="M",
    )
    evaluate: bool = parameter(
        default=True,
        meaning="Whether to evaluate G on held-out rows. If not, the last G is kept, its distance from the data is not "
        "known, and there is no certificate.",
        option="--evaluation/--no-evaluation",
    )
    refine: bool = parameter(
        default=True,
        meaning="For networks on arrays and tables with 300 validation rows or more (about 2,000 rows in all): whether "
        "draws of the trained G are kept or drawn again by the odds of a D that learns on validation rows, if that "
        "helps on rows that it has not seen.",
        option="--refine/--no-refine",
    )
    random_state: Any = parameter(
        None,
        "An int makes the fit reproducible; with several seeds, game i uses random_state + i.",
        at_least=0,
        at_most=MOST_SEED,
        whole=True,
        option="--seed",
        kind=int,
        metavar="S",
    )

    def check(self) -> dict[str, Any]:
        """The hyper-parameters by name, those that are set checked, names in their full form.

        Raises:
            Refusal: One is out of its range; this needs no data.
        """
        asked = {name: getattr(self, name) for name in about()}
        return {
            name: value if value is None else about()[name].check(name, value)
            for name, value in asked.items()
        }


def settings_of_networks(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the hyper-parameters that only networks have, where they are asked for other than by default."""
    usual = Hyperparameters()
    return {
        name: value
        for name, value in asked.items()
        if name not in OF_ALL_PLAYERS and value not in (None, getattr(usual, name))
    }


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class FitOptions(Hyperparameters):
    """What a fit can be asked for beside its hyper-parameters."""

    label: str | Sequence[str] | None = parameter(
        None,
        "What samples can be conditioned on. For tables: one or several columns of categories, or of few different "
        "numbers. For arrays: the name of y, which is then learned with them: `fit(X, y)` and "
        '`sample(where="class=3")` with `label="class"`. G and D are given the labels (Mirza & Osindero 2014).',
    )
    schema: Any = parameter(
        None, "For tables: the types of columns that are not to be inferred (a `Schema`)."
    )
    constraints: str | Sequence[str] | None = parameter(
        None,
        "For tables: a list of rules that samples keep beside those of the schema, such as 'total = price * months'; "
        "or a word: 'auto' adds all rules that are found in the data (`onehalf data` lists them), 'unbroken' leaves "
        "out rules of the schema that rows break, and 'none' leaves out all.",
        "those of the schema, and sums and products that all of 100 rows or more keep",
    )
    keep_personal: str | Sequence[str] | None = parameter(
        None,
        "For tables: columns that look like personal data and are to be learned all the same, so that samples "
        "repeat their values. The others are replaced by made-up values.",
    )
    callbacks: Sequence[Any] | None = parameter(
        None,
        "A list of functions f(numbers, step) and of loggers (anything with `.log(numbers, step=...)`), called every "
        "100 rounds, and once after the test. `numbers` has V, D_x, D_Gz and what else is known by then; `step` is "
        "the rounds so far. They can't change what is trained. If one raises, `fit` stops with its error.",
    )
    warm_start: bool = parameter(
        default=False,
        meaning="Whether `fit` continues the last `fit` if that was interrupted, or if `rounds` is "
        "more than before.",
    )

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels by name."""
        return _as_tuple(self.label)

    @property
    def chosen_constraints(self) -> str | tuple[str, ...] | None:
        """Which rules samples keep: one of `CONSTRAINTS`, or rules; None leaves it to the data.

        Raises:
            Refusal: It is another word.
        """
        if self.constraints is None:
            return None
        if len(self.constraints) == 0 or self.constraints == "[]":
            return "none"
        is_word = isinstance(self.constraints, str) and self.constraints.isalpha()
        if is_word:
            return choose("constraints", str(self.constraints), CONSTRAINTS)
        return _as_tuple(self.constraints)

    @property
    def kept_columns(self) -> tuple[str, ...]:
        """The columns of personal data that are to be learned, by name."""
        return _as_tuple(self.keep_personal)


def _as_tuple(names: str | Sequence[str] | None) -> tuple[str, ...]:
    """One name, several or none, as a tuple."""
    return (names,) if isinstance(names, str) else tuple(names or ())


def about() -> dict[str, About]:
    """What is declared of each hyper-parameter, by name."""
    return {
        field.name: field.metadata["about"] for field in dataclasses.fields(Hyperparameters)
    }


def document(docstring: str | None) -> str:
    """Return a docstring, not indented (as Python 3.13 keeps it), with a list of the hyper-parameters in it."""
    return inspect.cleandoc(docstring or "").replace("{hyperparameters}", describe())


def describe() -> str:
    """The hyper-parameters as a part of a docstring."""
    paragraphs = []
    for field in dataclasses.fields(FitOptions):
        declared: About = field.metadata["about"]
        text = f"{field.name} : {declared.meaning}"
        if declared.default:
            text += f" Default: {declared.default}."
        paragraphs.append(textwrap.fill(text, 88, subsequent_indent="    "))
    return "\n".join(paragraphs)


def to_markdown() -> str:
    """The hyper-parameters as the table of docs/reference/hyperparameters.md."""
    lines = ["| name | default | range | meaning |", "| --- | --- | --- | --- |"]
    for field in dataclasses.fields(FitOptions):
        declared: About = field.metadata["about"]
        default = declared.default or (
            "not set" if field.default is None else f"`{field.default}`"
        )
        option = f", `{declared.option}`" if declared.option else ""
        allowed = ", ".join(declared.words) if declared.words else declared.range
        lines.append(f"| `{field.name}`{option} | {default} | {allowed} | {declared.meaning} |")
    return "\n".join(lines) + "\n"
