from . import (
    callbacks,
    data,
    distributions,
    evaluation,
    experiments,
    losses,
    nets,
    penalties,
    theory,
    training,
)
from ._errors import Refusal
from .distributions.base import Latent, Pushforward
from .distributions.empirical import Empirical
from .evaluation.certificate.monitor import SequentialMonitor, monitor
from .evaluation.result import Measurement, QuickTable, Ranking
from .gan import GAN
from .measuring import measure, quick_table, rank
from .training import Game, Info, State, init, iterate, step, train

__all__ = [
    "GAN",
    "Empirical",
    "Game",
    "Info",
    "Latent",
    "Measurement",
    "Pushforward",
    "QuickTable",
    "Ranking",
    "Refusal",
    "SequentialMonitor",
    "State",
    "callbacks",
    "data",
    "distributions",
    "evaluation",
    "experiments",
    "init",
    "iterate",
    "losses",
    "measure",
    "monitor",
    "nets",
    "penalties",
    "quick_table",
    "rank",
    "step",
    "theory",
    "train",
    "training",
]
