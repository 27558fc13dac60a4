from . import data, experiments, losses, measuring, nets, penalties, theory, training
from ._base import Refusal
from .data.arrays import Empirical
from .data.base import Latent, Pushforward
from .gan import GAN
from .measuring.certificate import Watch, watch
from .measuring.measurement import Measurement, measure
from .training import Game, Info, State, init, step, train

__all__ = [
    "GAN",
    "Empirical",
    "Game",
    "Info",
    "Latent",
    "Measurement",
    "Pushforward",
    "Refusal",
    "State",
    "Watch",
    "data",
    "experiments",
    "init",
    "losses",
    "measure",
    "measuring",
    "nets",
    "penalties",
    "step",
    "theory",
    "train",
    "training",
    "watch",
]
