"""A generator of arrays as StableHLO, by `jax.export`: noise in, rows out, for any number of rows."""

import contextlib
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
from jax import export

from onehalf._errors import refuse
from onehalf.distributions.base import Pushforward
from onehalf.export.decoder import Decoder

__all__ = ["PLATFORMS", "to_stablehlo"]

PLATFORMS = ("cpu", "cuda", "rocm", "tpu")
"""What the file runs on."""


def to_stablehlo(p_g: Pushforward, decoder: Decoder) -> bytes:
    """Trace noise, and the places of labels if there are any, to rows; decoding is in float64.

    Raises:
        Refusal: The rows have words, or the package that writes the file is missing.
    """
    sizes = [len(label.values) for label in decoder.labels]

    def generate(z: Any, *places: Any) -> dict[str, Any]:
        c = jnp.zeros((z.shape[0], 0), jnp.float32)
        if places:
            c = jax.nn.one_hot(places[0], sizes[0], dtype=jnp.float32)
        return decoder.trace_rows(p_g.push((z, c)).x)

    with _like_numpy():
        (n,) = export.symbolic_shape("n")
        arguments = [jax.ShapeDtypeStruct((n, *p_g.p_z.shape), jnp.float32)]
        arguments += [jax.ShapeDtypeStruct((n,), jnp.int32) for _ in sizes]
        exported = export.export(jax.jit(generate), platforms=PLATFORMS)(*arguments)
        try:
            return bytes(exported.serialize())
        except ModuleNotFoundError as error:
            hint = "pip install 'onehalf[export]'"
            refuse("export", expected=f"the package {error.name}", got="none", hint=hint)


@contextlib.contextmanager
def _like_numpy() -> Iterator[None]:
    """Compute in float64 where asked to, and broadcast as NumPy does."""
    with (
        jax.enable_x64(True),  # noqa: FBT003
        jax.numpy_dtype_promotion("standard"),
        jax.numpy_rank_promotion("allow"),
    ):
        yield
