"""The section of a page about attacks on single rows."""

from onehalf.evaluation.result import Attack, Measurement, Proportion
from onehalf.evaluation.wording import confidence
from onehalf.sections.base import Bullets, Section, Table

__all__ = ["attack_sections"]

NOTE = (
    "What somebody who has the samples learns about single people. Singling out: a rule made from "
    "the samples matches this row and none of {n_others:,} other training rows. Linkability: two "
    "halves of a row's columns lead to the same sample. Inference: the sample that is nearest by "
    "all other columns gives a secret one away. How to read it: success on held-out rows is what "
    "the samples reveal about anybody, whether trained on or not; a difference above 0 comes from "
    "having been trained on. In the last column the attacker picks samples at random. All ranges "
    "hold at once with {confidence} confidence."
)

HEADER = (
    "attack succeeds on",
    "training rows",
    "held-out rows",
    "difference",
    "training rows, at random",
)


def attack_sections(measurement: Measurement) -> list[Section]:
    """Compare attacks on training rows with the same on held-out rows, if they were made."""
    attacks = measurement.attacks
    if attacks is None:
        return []
    rows = [_describe(name, attack) for name, attack in attacks.by_name.items()]
    note = NOTE.format(n_others=attacks.n_others, confidence=confidence(measurement.alpha))
    blocks = [Bullets(attacks.sentences[:1]), Table(HEADER, rows)]
    return [Section("Privacy attacks", blocks, note)]


def _describe(name: str, attack: Attack) -> list[str]:
    """The success rates of an attack, and their difference."""
    low, high = attack.excess
    return [
        name,
        _share(attack.train, attack.n_train),
        _share(attack.held_out, attack.n_held_out),
        f"{100 * low:.1f} to {100 * high:.1f} points",
        f"{attack.random_guess:.1%}",
    ]


def _share(rate: Proportion, n: int) -> str:
    low, high = rate.interval
    return f"{rate.share:.1%} of {n:,} ({low:.1%} to {high:.1%})"
