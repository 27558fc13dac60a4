"""The correction of samples at the end of a fit: a D that learns on validation rows, where it helps."""

import dataclasses
import math
import time

import jax.random as jr
import numpy as np

from onehalf.data.splits import Splits
from onehalf.fitting.fit import Fit
from onehalf.players.refinement import (
    LEAST_ROWS,
    SAMPLES_PER_ROW,
    choose_rows,
    learn_refinement,
    replace_missing,
)

__all__ = ["refine", "will_refine"]


def will_refine(fit: Fit, splits: Splits) -> bool:
    """Whether a correction is learned at the end of this fit."""
    recipe = fit.recipe
    is_asked = recipe.refine and recipe.evaluate and recipe.recipe is None
    return is_asked and fit.domain.is_refined and len(splits.validation) >= LEAST_ROWS


def refine(fit: Fit, splits: Splits) -> Fit:
    """Learn on validation rows what corrects samples of the chosen G; the test rows have no part in it."""
    if not will_refine(fit, splits):
        return fit
    began = time.perf_counter()
    seed = fit.recipe.random_state
    columns = math.prod(fit.domain.row_shape)
    rows = splits.validation[choose_rows(len(splits.validation), columns, seed)]
    labels = groups = None
    if fit.domain.label_names:
        labels = np.tile(fit.preprocessor.label_cells(rows), (SAMPLES_PER_ROW, 1))
        groups = np.unique(replace_missing(labels), axis=0, return_inverse=True)[1].ravel()
    plain = dataclasses.replace(fit, refinement=None)
    key = jr.fold_in(jr.key(seed + 3), fit.rounds)
    samples = plain.model.draw(key, SAMPLES_PER_ROW * len(rows), labels)
    refinement = None
    if fit.domain.is_valid(samples):
        refinement = learn_refinement(rows.flat(), samples.flat(), seed, groups)
    seconds_setup = fit.seconds_setup + time.perf_counter() - began
    return dataclasses.replace(fit, refinement=refinement, seconds_setup=seconds_setup)
