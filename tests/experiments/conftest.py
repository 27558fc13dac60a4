"""Experiments, computed once for all tests of a worker: at full size, or short where nets are trained."""

import contextlib
import functools
import sys

import pytest

SHORT = {
    "FigureOne": {"ALONE": 300, "STEPS": 6, "END": 150},
    "LearnedD": {"REPEATS": 2, "STEPS": 200},
    "Modes": {"BATCHES": 400, "GAMES": 2, "ROUNDS": 20, "SAMPLED": 200},
    "Original2014": {"EPOCHS": 2, "ASLEEP_UNTIL": 1, "AWAKE_FROM": 1},
    "StepsOfD": {"GAMES": 4, "ROUNDS": 60},
}
"""Sizes of the experiments that train nets, by the names of their modules' constants, in the quick tests."""

NEEDS_FULL_SIZE = (
    "(d) mean of |D - 1/2|",
    "width 32, 2000 steps",
    "Modes hit: ",
    "High quality: ",
    "Epochs 49 to 54",
)
"""How the claims begin that nets keep after a full training alone."""


class Computed:
    """An experiment with its claims and its figure, each computed when it is first asked for."""

    def __init__(self, experiment, sizes):
        self.experiment = experiment
        self.sizes = sizes

    @functools.cached_property
    def claims(self):
        with self.sized():
            return list(self.experiment.claims())

    @functools.cached_property
    def figure(self):
        with self.sized():
            return self.experiment.figure()

    def holds(self, claim):
        """Whether a claim holds, or holds at full size alone and this is none."""
        return claim.holds or (bool(self.sizes) and claim.claim.startswith(NEEDS_FULL_SIZE))

    @contextlib.contextmanager
    def sized(self):
        """The module's constants at the sizes of this experiment."""
        module = sys.modules[type(self.experiment).__module__]
        with pytest.MonkeyPatch.context() as patch:
            for name, size in self.sizes.items():
                patch.setattr(module, name, size)
            yield


@pytest.fixture(scope="session")
def compute():
    """`compute(FigureOne)` and `compute(FigureOne, short=True)`, the same object at each call."""

    @functools.cache
    def compute(kind, short=False):
        return Computed(kind(), SHORT[kind.__name__] if short else {})

    return compute
