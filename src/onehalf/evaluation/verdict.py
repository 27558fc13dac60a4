"""The verdict: whether two samples differ, by one test at level alpha, and what could have been missed."""

import math

from onehalf.evaluation.result import Measurement, Verdict, VerdictTest
from onehalf.evaluation.wording.formats import at_least, confidence, money, p_value

__all__ = ["COARSE", "decide"]

COARSE = 0.16
"""Where the loss of this share of the rows can go unnoticed, there are too few rows to tell."""

FINEST = 0.001
"""At lower levels the e-value decides: of few rows, the permutation test deals labels too few times to reach them."""


def decide(found: Measurement) -> Verdict:
    """Decide between three outcomes, so that 'they differ' is wrong with probability alpha at most.

    Both samples differ if, and only if, one test refutes at level alpha that they have one distribution: the
    permutation test, p <= alpha; for alpha < 0.001 the e-value, log e >= log(1/alpha). Which of the two it is depends
    on alpha alone, which is fixed before the rows are seen. So if p_data = p_g, P('they differ') <= alpha at any n, by
    exchangeability of the labels, or by Markov's inequality with E[e] <= 1.

    Nothing else changes the outcome. Bounds, regions and columns hold at level alpha each; 'at least one of J such
    statements' would be wrong up to J alpha of the time.

    The outcome and `jsd_lower` hold together at 1 - alpha, although each alone has level alpha, for the bound is only
    stated once the test has refuted (a fixed sequence of tests; Maurer, Hothorn & Lehmacher 1995). If p_data = p_g, a
    false statement needs a refutation: probability alpha at most. If they differ, 'they differ' is true, and the bound
    alone can be false: again alpha at most.

    Without a refutation the trials with planted differences say whether rows were enough: they were if a missing group
    of `COARSE` of the rows, or a smaller one, is noticed in 9 of 10 trials.
    """
    test: VerdictTest = "permutation test" if found.alpha >= FINEST else "e-value"
    if _is_refuted(found, test):
        return Verdict(
            outcome="they differ",
            sentence=_describe_difference(found, test),
            test=test,
            jsd_lower=found.jsd_lower,
            can_be_missed=None,
        )
    limit = found.detectable
    if limit is None or limit.mass > COARSE:
        missed = f"{100 * COARSE:g} % of the rows missing can go unnoticed"
        return Verdict(
            outcome="too few rows to tell",
            sentence=f"Too few rows to tell ({_evidence(found, test)}): {missed}.",
            test=test,
            jsd_lower=0.0,
            can_be_missed=COARSE,
        )
    seen = (
        f"the loss of {100 * limit.mass:g} % of the rows is noticed in {limit.noticed} of "
        f"{limit.trials} trials"
    )
    return Verdict(
        outcome="no difference found",
        sentence=f"No difference found ({_evidence(found, test)}); {seen}.",
        test=test,
        jsd_lower=0.0,
        can_be_missed=None,
    )


def _is_refuted(found: Measurement, test: VerdictTest) -> bool:
    """Whether the test refutes, at level alpha, that both have one distribution."""
    if test == "permutation test":
        return found.p_value <= found.alpha
    return found.log_e >= math.log(1 / found.alpha)


def _describe_difference(found: Measurement, test: VerdictTest) -> str:
    """Say that they differ, and by how much at least."""
    evidence = _evidence(found, test)
    if found.jsd_lower > 0:
        level = f"{confidence(found.alpha)} confidence"
        return (
            f"They differ by at least {at_least(found.jsd_lower)} nats ({level}; {evidence})."
        )
    return f"They differ ({evidence}); by how much is not certified (at least 0 nats)."


def _evidence(found: Measurement, test: VerdictTest) -> str:
    """The number that decides."""
    return p_value(found.p_value) if test == "permutation test" else f"e = {money(found.log_e)}"
