"""Convolutional networks for images: residual, without running statistics, sized by the image and one width.

Images are (h, w) or (h, w, c), inside they are (height, width, channels). An image is halved
until a side is about 4, its channels doubled each time; where a side can't be halved so often,
D sees a border of 0 around it, and G cuts off what it drew there.
"""

import itertools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from onehalf._errors import refuse
from onehalf._typing import PRNGKey, Sample
from onehalf.distributions.base import Condition
from onehalf.nets._conv2d import Image, Weight, by_lax, by_parts, framed
from onehalf.nets.base import AbstractNet, with_condition

__all__ = [
    "LEAST_SIDE",
    "SLOPE",
    "Convolution",
    "ConvolutionalD",
    "ConvolutionalG",
    "Residual",
    "margins",
    "padded_to",
]

Vector = Float[Array, " entries"]

LEAST_SIDE = 4
"""An image is halved while its shorter side is at least twice this."""

MOST_CHANNELS = 8
"""Channels grow to at most this many times the width."""

SLOPE = 0.2
"""Of the leaky ReLU, where it is negative."""


class Convolution(eqx.Module):
    """y[i, j] = b + sum_{a, b} x[i + a, j + b] W[a, b], steps of 1.

    Drawn from N(0, gain/fan_in).
    """

    weight: Weight
    bias: Float[Array, " channels_out"]
    border: int = eqx.field(static=True)
    half: bool = eqx.field(static=True)

    def __init__(
        self,
        key: PRNGKey,
        size: int,
        channels_in: int,
        channels_out: int,
        *,
        border: int = 0,
        gain: float = 2.0,
        half: bool = False,
    ) -> None:
        if not 0 <= border < size:
            refuse("border", expected=f"from 0 to {size - 1} pixels", got=border)
        std = math.sqrt(gain / (size * size * channels_in))
        self.weight = std * jr.normal(key, (size, size, channels_in, channels_out))
        self.bias, self.border, self.half = jnp.zeros(channels_out), border, half

    def __call__(self, x: Image) -> Image:
        """The image that comes of it, each side longer by twice the border of 0 and shorter by size - 1."""
        convolve = by_parts if jax.default_backend() == "cpu" else by_lax
        if not self.half:
            return convolve(x, self.weight, self.border) + self.bias[None, None]
        y = convolve(x.astype(jnp.bfloat16), self.weight.astype(jnp.bfloat16), self.border)
        return y.astype(jnp.float32) + self.bias[None, None]


class Residual(eqx.Module):
    """x + W_2 * a(W_1 * a(x)), of 3 x 3 and 1 x 1.

    W_2 is 0 at first, so that a block begins as the identity.
    """

    first: Convolution
    second: Convolution

    def __init__(self, key: PRNGKey, channels: int, *, half: bool = False) -> None:
        key_first, key_second = jr.split(key)
        self.first = Convolution(key_first, 3, channels, channels, border=1, half=half)
        self.second = Convolution(key_second, 1, channels, channels, gain=0.0, half=half)

    def __call__(self, x: Image) -> Image:
        """The image, with something added."""
        return x + self.second(_activated(self.first(_activated(x))))


class Down(eqx.Module):
    """A convolution of 4 x 4 in steps of 2: half the sides.

    As 2 x 2 pixels side by side it is one of 2 x 2.
    """

    convolution: Convolution

    def __init__(
        self, key: PRNGKey, channels_in: int, channels_out: int, *, half: bool = False
    ) -> None:
        self.convolution = Convolution(key, 2, 4 * channels_in, channels_out, half=half)

    def __call__(self, x: Image) -> Image:
        """An image of half the sides."""
        return self.convolution(_to_depth(framed(x, 1)))


class Up(eqx.Module):
    """The transpose of `Down`: twice the sides."""

    convolution: Convolution

    def __init__(
        self,
        key: PRNGKey,
        channels_in: int,
        channels_out: int,
        *,
        gain: float = 2.0,
        half: bool = False,
    ) -> None:
        self.convolution = Convolution(
            key, 2, channels_in, 4 * channels_out, border=1, gain=gain, half=half
        )

    def __call__(self, x: Image) -> Image:
        """An image of twice the sides."""
        return _from_depth(self.convolution(x))[1:-1, 1:-1]


class ConvolutionalD(AbstractNet):
    """d(x, c) = w.h(x) + b + <E c, h(x)> of an image x: projection (Miyato & Koyama 2018).

    >>> D = ConvolutionalD(jr.key(0), (28, 28), width=8)
    >>> D(jnp.ones((28, 28))).shape
    ()
    """

    downs: tuple[Down, ...]
    blocks: tuple[Residual, ...]
    weight: Float[Array, "entries ..."]
    bias: Float[Array, "..."]
    projection: Float[Array, "width entries"]
    """E, a row for each entry of c."""
    in_shape: tuple[int, ...] = eqx.field(static=True)
    out_shape: tuple[int, ...] = eqx.field(static=True)
    condition_size: int = eqx.field(static=True)

    def __init__(
        self,
        key: PRNGKey,
        in_shape: tuple[int, ...],
        out_shape: tuple[int, ...] = (),
        *,
        width: int = 32,
        condition_size: int = 0,
        half: bool = False,
    ) -> None:
        if len(out_shape) > 1:
            refuse("out_shape", expected="() or (n,)", got=out_shape)
        sides, channels = _sizes(in_shape, width)
        self.in_shape, self.out_shape = in_shape, out_shape
        self.condition_size = condition_size
        key_last, key_projection, *keys = jr.split(key, 2 + 2 * (len(channels) - 1))
        between = zip(keys[::2], channels, channels[1:], strict=False)
        self.downs = tuple(
            Down(key, before, after, half=half) for key, before, after in between
        )
        self.blocks = tuple(
            Residual(key, after, half=half)
            for key, after in zip(keys[1::2], channels[1:], strict=True)
        )
        entries = math.prod(sides[-1]) * channels[-1]
        self.weight = jr.normal(key_last, (entries, *out_shape)) / math.sqrt(entries)
        self.bias = jnp.zeros(out_shape)
        projection = jr.normal(key_projection, (condition_size, entries))
        self.projection = projection / math.sqrt(entries)

    def __call__(
        self, x: Sample, c: Condition | None = None, *, key: PRNGKey | None = None
    ) -> Sample:
        """Compute the logit of one example."""
        h = _padded(_channelled(x))
        for down, block in zip(self.downs, self.blocks, strict=True):
            h = block(down(h))
        h = _activated(h).ravel()
        c = with_condition(jnp.zeros(0), c, self.condition_size)
        return h @ self.weight + self.bias + (c @ self.projection) @ h


class ConvolutionalG(AbstractNet):
    """An image G(z, c): a linear map to the smallest image, refined and doubled by turns.

    >>> G = ConvolutionalG(jr.key(0), (16,), (28, 28), width=8)
    >>> G(jnp.ones(16)).shape
    (28, 28)
    """

    weight: Float[Array, "latent entries"]
    bias: Float[Array, " entries"]
    blocks: tuple[Residual, ...]
    ups: tuple[Up, ...]
    in_shape: tuple[int, ...] = eqx.field(static=True)
    out_shape: tuple[int, ...] = eqx.field(static=True)
    condition_size: int = eqx.field(static=True)
    small: tuple[int, int, int] = eqx.field(static=True)

    def __init__(
        self,
        key: PRNGKey,
        in_shape: tuple[int, ...],
        out_shape: tuple[int, ...],
        *,
        width: int = 32,
        first_std: Vector | None = None,
        condition_size: int = 0,
        half: bool = False,
    ) -> None:
        sides, channels = _sizes(out_shape, width)
        self.in_shape, self.out_shape = in_shape, out_shape
        self.condition_size = condition_size
        self.small = (*sides[-1], channels[-1])
        key_first, *keys = jr.split(key, 1 + 2 * (len(channels) - 1))
        latent, entries = math.prod(in_shape) + condition_size, math.prod(self.small)
        std = jnp.full(latent, latent**-0.5) if first_std is None else first_std
        self.weight = std[:, None] * jr.normal(key_first, (latent, entries))
        self.bias = jnp.zeros(entries)
        channels = channels[::-1]
        between = list(itertools.pairwise(channels))
        gains = [2.0] * (len(between) - 1) + [1.0]
        self.blocks = tuple(
            Residual(key, before, half=half)
            for key, before in zip(keys[::2], channels, strict=False)
        )
        self.ups = tuple(
            Up(key, before, after, gain=gain, half=half)
            for key, (before, after), gain in zip(keys[1::2], between, gains, strict=True)
        )

    def __call__(
        self, x: Sample, c: Condition | None = None, *, key: PRNGKey | None = None
    ) -> Sample:
        """Compute the image of one latent."""
        z = with_condition(x.ravel(), c, self.condition_size)
        h = (z @ self.weight + self.bias).reshape(self.small)
        for block, up in zip(self.blocks, self.ups, strict=True):
            h = up(_activated(block(h)))
        return _cut(h, self.out_shape)


def padded_to(shape: tuple[int, ...]) -> tuple[int, int]:
    """The sides that the networks work at: those of the image, or the next ones that can be halved often enough.

    >>> padded_to((28, 28)), padded_to((30, 45, 3))
    ((28, 28), (32, 48))
    """
    levels = _levels(shape)
    height, width = (-(-side // 2**levels) * 2**levels for side in shape[:2])
    return height, width


def _levels(shape: tuple[int, ...]) -> int:
    """How often an image is halved."""
    if len(shape) not in (2, 3) or min(shape[:2]) < LEAST_SIDE:
        refuse(
            "image",
            expected=f"(h, w) or (h, w, c), of {LEAST_SIDE} pixels a side or more",
            got=f"shape {shape}",
        )
    return max(1, math.floor(math.log2(min(shape[:2]) / LEAST_SIDE)))


def _sizes(shape: tuple[int, ...], width: int) -> tuple[list[tuple[int, int]], list[int]]:
    """Sides and channels of the image, and of each smaller one."""
    if width < 1:
        refuse("width", expected="at least 1 channel", got=width)
    levels, (height, across) = _levels(shape), padded_to(shape)
    sides = [(height >> level, across >> level) for level in range(levels + 1)]
    first = shape[2] if len(shape) == 3 else 1
    return sides, [first, *(width * min(2**level, MOST_CHANNELS) for level in range(levels))]


def _activated(x: Float[Array, "..."]) -> Float[Array, "..."]:
    return jax.nn.leaky_relu(x, SLOPE)


def _to_depth(x: Image) -> Image:
    """2 x 2 pixels as one of four times the channels."""
    height, width, channels = x.shape
    x = x.reshape(height // 2, 2, width // 2, 2, channels).swapaxes(1, 2)
    return x.reshape(height // 2, width // 2, 4 * channels)


def _from_depth(x: Image) -> Image:
    """The way back from `_to_depth`."""
    height, width, channels = x.shape
    x = x.reshape(height, width, 2, 2, channels // 4).swapaxes(1, 2)
    return x.reshape(2 * height, 2 * width, channels // 4)


def _channelled(x: Float[Array, "..."]) -> Image:
    return x[:, :, None] if x.ndim == 2 else x


def margins(shape: tuple[int, ...]) -> tuple[tuple[int, int], tuple[int, int]]:
    """The padding above, below, left and right of the image at the sides that the networks work at."""
    above, left = ((to - side) // 2 for to, side in zip(padded_to(shape), shape, strict=False))
    height, width = padded_to(shape)
    return (above, height - shape[0] - above), (left, width - shape[1] - left)


def _padded(x: Image) -> Image:
    return jnp.pad(x, (*margins(x.shape), (0, 0)))


def _cut(x: Image, shape: tuple[int, ...]) -> Float[Array, "..."]:
    (above, _), (left, _) = margins(shape)
    return x[above : above + shape[0], left : left + shape[1]].reshape(shape)
