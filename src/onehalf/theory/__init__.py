"""The derivation, executed: divergences, and the best discriminator against them. Known values, in nats."""

from onehalf.theory.divergences import entropy, jsd, kl, tv
from onehalf.theory.optimal import C, D_star, V, d_star

__all__ = ["C", "D_star", "V", "d_star", "entropy", "jsd", "kl", "tv"]
