"""One convolution in two ways, each fast somewhere: y[i, j] = sum_{a, b} x[i + a, j + b] W[a, b], x with a border of 0.

JAX's own derivatives of XLA's convolution are slow on a CPU. There it is a primitive of ours:
bilinear, the cotangent of the image a convolution once more, and that of the weights one matrix
product.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, Float

__all__ = ["Image", "Weight", "by_lax", "by_parts", "framed"]

Image = Float[Array, "_ _ _"]
"""(height, width, channels)."""
Images = Float[Array, "m _ _ _"]
Weight = Float[Array, "size size channels_in channels_out"]


def by_lax(image: Image, weight: Weight, border: int = 0) -> Image:
    """XLA's convolution with JAX's derivatives, for accelerators.

    The border is narrower than W.

    >>> by_lax(jnp.ones((5, 5, 1)), jnp.ones((3, 3, 1, 2)), border=1)[0, :, 0]
    Array([4., 6., 6., 6., 4.], dtype=float32)
    """
    return _by_lax(image[None], weight, border=border)[0]


def by_parts(image: Image, weight: Weight, border: int = 0) -> Image:
    """The same with derivatives that a CPU is fast at.

    docs/explanation/images.md has the measurements.

    >>> jnp.array_equal(by_parts(jnp.ones((5, 5, 1)), jnp.ones((3, 3, 1, 2))), jnp.full((3, 3, 2), 9.0))
    Array(True, dtype=bool)
    """
    return _by_parts.bind(image[None], weight, border=border)[0]


def framed(x: Float[Array, "*m _ _ _"], border: int) -> Float[Array, "*m _ _ _"]:
    """With a border of 0."""
    return jnp.pad(x, (*[(0, 0)] * (x.ndim - 3), (border, border), (border, border), (0, 0)))


def _by_lax(images: Images, weight: Weight, *, border: int) -> Images:
    dimensions, borders = ("NHWC", "HWIO", "NHWC"), [(border, border)] * 2
    return jax.lax.conv_general_dilated(
        images, weight, (1, 1), borders, dimension_numbers=dimensions
    )


def _by_slices(images: Images, weight: Weight, *, border: int) -> Images:
    """The same as one matrix product of the shifted slices side by side: for weights that differ, as games' do."""
    size, _, _, channels = weight.shape
    images = framed(images, border)
    height, width = (side - size + 1 for side in images.shape[1:3])
    slices = [
        images[:, i : i + height, j : j + width] for i in range(size) for j in range(size)
    ]
    return jnp.concatenate(slices, axis=3) @ weight.reshape(-1, channels)


def _of_images(seen: Images, images: Any, weight: Weight, *, border: int) -> Images:
    """The cotangent of the images: `seen` met by the weights upside down, kept from XLA, which would fold them back."""
    turned = jax.lax.optimization_barrier(jnp.flip(weight, (0, 1)).swapaxes(2, 3))
    return _by_parts.bind(seen, turned, border=len(weight) - 1 - border)


def _of_weight(seen: Images, images: Images, weight: Any, *, border: int) -> Weight:
    """The cotangent of the weights, <x[. + a, . + b], seen> for all a and b.

    It is one product of x, moved by each b, with `seen`, moved by each a: 2 size copies in
    place of size^2.
    """
    size, (_, _, width, channels_out) = weight.aval.shape[0], seen.shape
    images = framed(images, border)
    moved = jnp.concatenate([images[:, :, b : b + width] for b in range(size)], axis=3)
    rows = [jnp.pad(seen, ((0, 0), (a, size - 1 - a), (0, 0), (0, 0))) for a in range(size)]
    product = moved.reshape(-1, moved.shape[3]).T @ jnp.concatenate(rows, axis=3).reshape(
        -1, size * channels_out
    )
    return product.reshape(size, -1, size, channels_out).transpose(2, 0, 1, 3)


def _batched(
    arguments: tuple[Array, Array], axes: tuple[int | None, int | None], *, border: int
) -> tuple[Array, int]:
    """Batches of images are one longer batch, unless the weights differ."""
    (images, weight), (axis, axis_of_weight) = arguments, axes
    if axis_of_weight is not None:
        each = partial(_by_slices, border=border)
        return jax.vmap(each, in_axes=axes)(images, weight), 0
    images = jnp.moveaxis(images, axis or 0, 0)
    y = _by_parts.bind(images.reshape(-1, *images.shape[2:]), weight, border=border)
    return y.reshape(*images.shape[:2], *y.shape[1:]), 0


def _shaped(images: ShapedArray, weight: ShapedArray, *, border: int) -> ShapedArray:
    m, *sides, _ = images.shape
    size, channels = weight.shape[0], weight.shape[3]
    return ShapedArray(
        (m, *(side + 2 * border - size + 1 for side in sides), channels), images.dtype
    )


_by_parts = Primitive("convolution_by_parts")
_by_parts.def_impl(jax.jit(_by_lax, static_argnames="border"))
_by_parts.def_abstract_eval(_shaped)
mlir.register_lowering(_by_parts, mlir.lower_fun(_by_lax, multiple_results=False))
ad.defbilinear(_by_parts, _of_images, _of_weight)
batching.primitive_batchers[_by_parts] = _batched
