"""What attackers learn of single rows from the samples."""

from dataclasses import dataclass

from onehalf.evaluation.result.bounds import Proportion

__all__ = ["Attack", "PrivacyAttacks"]


@dataclass(frozen=True, kw_only=True)
class Attack:
    """How often an attack succeeds on training rows, on held-out rows, and without looking."""

    n_train: int
    """Training rows that were attacked, one attempt each."""
    n_held_out: int
    """Held-out rows that were attacked in the same way: the baseline."""
    train: Proportion
    """Attempts on training rows that succeeded."""
    held_out: Proportion
    """Attempts on held-out rows that succeeded: what the samples reveal of anybody."""
    random_guess: float
    """Success rate on the training rows of an attacker who picks samples at random."""
    excess: tuple[float, float]
    """Interval of the success rate on training rows less that on held-out rows (-1 to 1)."""


@dataclass(frozen=True, kw_only=True)
class PrivacyAttacks:
    """Three attacks on training rows beside the same on held-out rows; all intervals hold at once."""

    n_samples: int
    """Samples that the attacker has."""
    n_others: int
    """Training rows, not attacked, that a rule must not match to single somebody out."""
    singling_out: Attack
    """A rule made from the samples matches the row and none of the others."""
    linkability: Attack | None
    """Two halves of the row's columns lead to the same sample; null with one column."""
    inference: Attack | None
    """The nearest sample by the other columns gives away a secret one; null with one column."""
    sentences: tuple[str, ...] = ()
    """All of it in words."""

    @property
    def by_name(self) -> dict[str, Attack]:
        """The attacks that were made."""
        attacks = {
            "singling out": self.singling_out,
            "linkability": self.linkability,
            "inference": self.inference,
        }
        return {name: attack for name, attack in attacks.items() if attack is not None}

    @property
    def shown(self) -> bool:
        """Whether an attack is certified to succeed more often on training rows than on held-out rows."""
        return any(attack.excess[0] > 0 for attack in self.by_name.values())
