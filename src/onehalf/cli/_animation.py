"""Animations of images: a walk through the latent space, or the training."""

from pathlib import Path
from typing import TYPE_CHECKING

from onehalf._errors import Refusal, refuse
from onehalf.cli._common import ANIMATION_SUFFIXES, check_suffix, say, set_up_jax

if TYPE_CHECKING:
    import numpy as np

__all__ = ["write_animation"]

MOST_SAMPLES = 36
"""Samples in a frame, at most."""

STEPS = 48
"""Frames of an interpolation, which ends where it began."""


def write_animation(
    run: Path, out: Path, n: int, seed: int, *, interpolate: bool, progress: bool
) -> None:
    """Write an animation of n samples of a run on images."""
    check_suffix(out, ANIMATION_SUFFIXES)
    if interpolate == progress:
        got = "both" if progress else "neither"
        refuse("animation", expected="one of --interpolate and --progress", got=got)
    from onehalf import runs

    domain = runs.load_domain(run)
    if not domain.has_previews:
        got = f"one on {runs.load_source(run).source}"
        refuse(str(run), expected="a run on images", got=got)
    set_up_jax()
    n = min(n, MOST_SAMPLES)
    frames = _walk(run, n, seed) if interpolate else _previews(run, n)
    if not len(frames):
        raise Refusal(f"{run} has no animation of its training: it has not been evaluated yet.")
    domain.write_animation(frames, out)
    say(f"{len(frames)} frames of {len(frames[0])} samples: {out}")


def _walk(run: Path, n: int, seed: int) -> "list[np.ndarray]":
    """Draw samples along closed walks through the latent space, step by step."""
    import jax.random as jr

    from onehalf import runs

    rows = runs.load_model(run, say).interpolate(jr.key(seed), n, STEPS)
    return [rows.x[step * n : (step + 1) * n] for step in range(STEPS)]


def _previews(run: Path, n: int) -> "list[np.ndarray]":
    """Return the samples that the chosen seed left at each evaluation."""
    from onehalf import runs

    fit = runs.load(run, say)
    return [preview[:n] for preview in fit.previews[fit.chosen :: fit.recipe.seeds]]
