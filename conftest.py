"""Settings of every test: strict arithmetic, two devices, one thread, quick compilation, a cache of compiled code.

Two devices (`jax_num_cpu_devices`) let the tests of many seeds share games out among processors. Two workers of
pytest-xdist run side by side, so one thread each; what one of them compiles, the other one and the tests' own
processes read from the cache. Hypothesis tries the same examples each time: what fails once fails again.
"""

import functools
import os
from pathlib import Path

CACHE = Path(__file__).parent / ".pytest_cache" / "jax"
"""JAX's persistent compilation cache, kept between runs; `rm -r .pytest_cache` empties it."""

ENVIRONMENT = {
    "JAX_COMPILATION_CACHE_DIR": str(CACHE),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    # less to compile, about as quick to run
    "XLA_FLAGS": "--xla_backend_optimization_level=1 --xla_cpu_use_fusion_emitters=false"
    " --xla_cpu_parallel_codegen_split_count=1",
    "NPROC": "1",  # the threads of XLA
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
for (
    name,
    value,
) in ENVIRONMENT.items():  # before JAX and NumPy are imported, which read them once
    os.environ.setdefault(name, value)

import hypothesis  # noqa: E402
import jax  # noqa: E402
import optax.tree  # noqa: E402
import pytest  # noqa: E402

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_num_cpu_devices", 2)

hypothesis.settings.register_profile(
    "repeatable",
    derandomize=True,
    # a busy machine is no fault of a test
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("repeatable")


def _with_standard_promotion(function):
    @functools.wraps(function)
    def run(*args, **kwargs):
        with jax.numpy_dtype_promotion("standard"):
            return function(*args, **kwargs)

    return run


@pytest.fixture(scope="session", autouse=True)
def _optax_may_promote():
    """Let Optax 0.2.8 raise a float to an integer power in Adam's bias correction.

    Strictness is about our own code, and no other function of Optax needs this.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            optax.tree, "bias_correction", _with_standard_promotion(optax.tree.bias_correction)
        )
        yield


@pytest.fixture(scope="module")
def critics_without_nets():
    """Leave out networks, whose training takes most of a certificate's time, and trials with planted differences.

    For files of tests that need a certificate, but not a sharp one.
    """
    from onehalf.evaluation.certificate import critics  # type checks are on by now

    members = critics.fit_members

    def without_nets(*arguments):
        *others, kinds = arguments
        return members(*others, set(kinds) - {"nets", "conv"})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(critics, "fit_members", without_nets)
        patch.setattr("onehalf.evaluation.measurement.plant_effects", lambda *_: ())
        yield


MAPS = Path("/proc/self/maps")
"""Where Linux lists the memory maps of a process, of which it may have 65,530."""

MOST_MAPS = 20_000
"""Compiled code takes some of the maps, and JAX keeps it: above this many it is let go."""


@pytest.fixture(scope="module", autouse=True)
def _room_for_compiled_code():
    """Let go of compiled code between files: with too many maps the next compilation segfaults."""
    yield
    if MAPS.exists() and len(MAPS.read_bytes().splitlines()) > MOST_MAPS:
        jax.clear_caches()
