"""Privacy attacks: the three criteria of the Article 29 Working Party, each beside its baseline."""

from onehalf.evaluation.checks.attacks.attacks import attack

__all__ = ["attack"]
