"""Samples of several checkpoints, measured on the same rows of data."""

from collections.abc import Mapping

import jax.random as jr
from scipy import stats

from onehalf.evaluation.certificate.certificate import Certificate
from onehalf.evaluation.data_findings import compare_data
from onehalf.evaluation.ranking import bet_on_sample, choose_rows
from onehalf.evaluation.ranking_text import align
from onehalf.evaluation.result import Baseline, Step, Steps, list_versions
from onehalf.evaluation.samples import Samples
from onehalf.evaluation.wording import at_least, confidence, digits

__all__ = ["measure_checkpoints"]


def measure_checkpoints(samples: Mapping[int, Samples], *, alpha: float, seed: int) -> Steps:
    """Certify each checkpoint at alpha/T, T of them, so that all bounds hold at once (union bound).

    The bands are estimate ± z se, z the normal quantile of 1 - alpha/(2T): they are approximate, and about what critics
    see, which is at most the JSD.

    Args:
        samples: the same data with the samples of each checkpoint, by step.
        alpha: the level of all bounds together, and of all bands together.
        seed: settles all that is drawn.
    """
    level = alpha / len(samples)
    key, key_data = jr.split(jr.key(seed))
    order = choose_rows(list(samples.values()), seed)
    z = float(stats.norm.isf(level / 2))
    seen = {
        step: bet_on_sample(key, each, order, seed, level)
        for step, each in sorted(samples.items())
    }
    steps = [
        _describe_step(step, len(samples[step].other), found, z) for step, found in seen.items()
    ]
    n_rows = min(len(found.gains) for found in seen.values())
    first = next(iter(samples.values()))
    baseline = compare_data(key_data, seed, first.real, None, alpha, first.encoder)
    return Steps(
        alpha=alpha,
        n_rows=n_rows,
        steps=tuple(steps),
        baseline=baseline,
        sentences=(*_tabulate(steps, baseline), _explain(alpha, n_rows)),
        versions=list_versions(),
    )


def _describe_step(step: int, n_other: int, found: Certificate, z: float) -> Step:
    estimate, se = found.jsd_estimate, found.jsd_se
    return Step(
        step=step,
        n_other=n_other,
        jsd_lower=found.jsd_lower,
        jsd_estimate=estimate,
        jsd_se=se,
        band=(estimate - z * se, estimate + z * se),
    )


def _tabulate(steps: list[Step], baseline: Baseline | None) -> list[str]:
    """A row for each checkpoint, and one for data against data."""
    rows = {f"step {each.step:,}": each for each in steps}
    lower = {name: at_least(each.jsd_lower) for name, each in rows.items()}
    estimate = {name: digits(each.jsd_estimate, each.jsd_se) for name, each in rows.items()}
    band = {
        name: f"{digits(each.band[0])} to {digits(each.band[1])}" for name, each in rows.items()
    }
    if baseline:
        lower["data v data"] = at_least(baseline.jsd_lower)
        estimate["data v data"] = digits(baseline.jsd_estimate, baseline.jsd_se)
    return align({"JSD at least (nats)": lower, "estimate": estimate, "band": band})


def _explain(alpha: float, n_rows: int) -> str:
    return (
        f"{n_rows:,} rows of data for each step. All lower bounds hold at once with {confidence(alpha)} "
        "confidence; so do the bands, approximately, for what critics see."
    )
