"""Measurements that are made if they are asked for: precision and recall, Fréchet distance, Parzen windows, cells."""

from collections.abc import Sequence

import numpy as np

from onehalf._errors import refuse
from onehalf.evaluation.checks.coverage import compare_prdc, count_cells
from onehalf.evaluation.checks.frechet import compare_frechet
from onehalf.evaluation.checks.parzen import log_likelihood
from onehalf.evaluation.features.base import FeatureEncoder
from onehalf.evaluation.pairing import PairedSamples
from onehalf.evaluation.result import FID, PRDC, Cells, Parzen
from onehalf.evaluation.rows import EvaluationRows

__all__ = ["OPTIONAL", "check_fid", "check_optional", "measure_optional"]

OPTIONAL = ("prdc", "fid", "parzen", "cells")
"""Measurements that are made if they are asked for."""


def check_optional(optional: str | Sequence[str]) -> tuple[str, ...]:
    """The names of optional measurements; refuses others."""
    names = (optional,) if isinstance(optional, str) else tuple(optional)
    for name in names:
        if name not in OPTIONAL:
            refuse("optional", expected=f"some of {', '.join(OPTIONAL)}", got=repr(name))
    return names


def check_fid(encoder: FeatureEncoder, real: EvaluationRows) -> None:
    """Refuse a Fréchet distance of pixels or cells."""
    if encoder.frechet_map(real) is None:
        hint = "In Python, give measure() the features of a classifier: features=f."
        refuse("fid", expected="an array, or features of the rows", got="neither", hint=hint)


def measure_optional(
    name: str, seed: int, paired: PairedSamples, alpha: float
) -> PRDC | FID | Parzen | Cells:
    """An optional measurement, beside the same for data against data."""
    halves = paired.halves(paired.real, paired.other)
    if name == "parzen":
        return _measure_parzen(paired.encoder, halves)
    if name == "fid":
        return _measure_fid(paired.encoder, halves)
    rng = np.random.default_rng([seed, 4])
    encode = paired.encoder.distance_space(halves[0])
    learn_real, learn_other, test_real, test_other = map(encode, halves)
    if name == "cells":
        return count_cells(rng, learn_real, test_real, test_other, alpha)
    return compare_prdc(
        rng, np.concatenate([learn_real, test_real]), np.concatenate([learn_other, test_other])
    )


def _measure_fid(encoder: FeatureEncoder, halves: tuple[EvaluationRows, ...]) -> FID:
    """The Fréchet distance of all rows."""
    encode = encoder.frechet_map(halves[0]) or EvaluationRows.entries
    learn_real, learn_other, test_real, test_other = map(encode, halves)
    return compare_frechet(
        np.concatenate([learn_real, test_real]), np.concatenate([learn_other, test_other])
    )


def _measure_parzen(encoder: FeatureEncoder, halves: tuple[EvaluationRows, ...]) -> Parzen:
    """Kernels on samples, and on half of the learning rows."""
    space = encoder.density_space(halves[0])
    learn_real, learn_other, test_real, test_other = map(space.encode, halves)
    kernels, validation = learn_real[::2], learn_real[1::2]
    others = np.concatenate([learn_other, test_other])[: len(kernels)]
    return Parzen(
        other=log_likelihood(others, validation, test_real),
        data=log_likelihood(kernels, validation, test_real),
        unit=space.unit,
    )
