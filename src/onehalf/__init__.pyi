from . import data, losses, measuring, nets, penalties, theory, training
from ._base import Refusal
from .data.arrays import Empirical
from .data.base import Latent, Pushforward
from .gan import GAN
from .training import Game, Info, State, init, step, train

__all__ = [
    "GAN",
    "Empirical",
    "Game",
    "Info",
    "Latent",
    "Pushforward",
    "Refusal",
    "State",
    "data",
    "init",
    "losses",
    "measuring",
    "nets",
    "penalties",
    "step",
    "theory",
    "train",
    "training",
]
