"""Strict arithmetic in every test and doctest: no silent promotion of dtypes or ranks, and two devices to share out.

Hypothesis tries the same examples each time: what fails once fails again.
"""

import functools
from pathlib import Path

import hypothesis
import jax
import optax.tree
import pytest

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_num_cpu_devices", 2)

hypothesis.settings.register_profile("repeatable", derandomize=True)
hypothesis.settings.load_profile("repeatable")


def _with_standard_promotion(function):
    """Optax 0.2.8 raises a float to an integer power; what it does inside is not ours to be strict about."""

    @functools.wraps(function)
    def run(*args, **kwargs):
        with jax.numpy_dtype_promotion("standard"):
            return function(*args, **kwargs)

    return run


optax.tree.bias_correction = _with_standard_promotion(optax.tree.bias_correction)

MAPS, MOST_MAPS = Path("/proc/self/maps"), 20_000
"""Where Linux lists a process's memory maps, of which it may have 65,530. Compiled code takes some; JAX keeps it."""


@pytest.fixture(scope="module", autouse=True)
def _room_for_compiled_code():
    """Let go of compiled code between files: with too many maps the next compilation is a segmentation fault."""
    yield
    if MAPS.exists() and len(MAPS.read_bytes().splitlines()) > MOST_MAPS:
        jax.clear_caches()
