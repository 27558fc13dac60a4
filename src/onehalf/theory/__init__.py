"""The derivation, executed: divergences, the best D, p_g by cells, and two small games."""

from onehalf.theory.divergences import entropy, jsd, kl, tv
from onehalf.theory.games import DiracGame, exponentiated_gradient, ideal_loop
from onehalf.theory.ground_truth import GroundTruth, estimate_ground_truth
from onehalf.theory.optimal import C, D_star, V, d_star
from onehalf.theory.pushforward import push

__all__ = [
    "C",
    "D_star",
    "DiracGame",
    "GroundTruth",
    "V",
    "d_star",
    "entropy",
    "estimate_ground_truth",
    "exponentiated_gradient",
    "ideal_loop",
    "jsd",
    "kl",
    "push",
    "tv",
]
