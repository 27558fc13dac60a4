"""Images as critics see them: a smaller copy, the texture of the pixels, and the pixels in their places."""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from onehalf._typing import PRNGKey
from onehalf.evaluation._products import ignore_invalid, matmul
from onehalf.evaluation._random import numpy_generator
from onehalf.evaluation.features.arrays import encode_format, wrap_with_labels
from onehalf.evaluation.features.base import (
    CONVOLUTIONS,
    PLAIN,
    UNNAMED,
    Columns,
    DensitySpace,
    Description,
    FeatureEncoder,
    FeatureMap,
    Harmonized,
    RowMap,
)
from onehalf.evaluation.features.image_properties import describe_images, list_properties
from onehalf.evaluation.features.precision import harmonize, match_precision
from onehalf.evaluation.features.tables import TableColumns
from onehalf.evaluation.rows import EvaluationRows, Features, concatenate
from onehalf.nets.convolutional import LEAST_SIDE as LEAST_CONVOLVED_SIDE

__all__ = ["ImageEncoder", "TextureFeatures", "average_squares", "is_picture", "shrink"]

Images = Float[np.ndarray, "rows h w colours"]

LEAST_SIDE = 8
"""Pixels: an array with a shorter side is taken for a matrix of numbers."""

SMALL_SIZE = 256
"""The most entries of an image's smaller copy."""

CONVOLVED_SIDE = 32
"""Nets of convolutions see images shrunk to such a side, unless the other one would be too short for them."""

PATCH_SIDE = 5
"""The side of a patch of pixels."""

PATCHES = 10_000
"""Patches that patterns are learned from."""

LEAST_VARIANCE = 1e-6
"""The least variance of a pattern, if the greatest is 1."""

BLOCK_SIZE = 2**24
"""Entries of patches that are in memory at a time."""


def is_picture(shape: tuple[int, ...]) -> bool:
    """Whether rows of this shape are seen as images: (h, w) or (h, w, c), c of 1, 3 or 4, 8 pixels a side or more.

    >>> is_picture((28, 28)), is_picture((32, 32, 3)), is_picture((28,)), is_picture((2, 300))
    (True, True, False, False)
    """
    is_one = len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))
    return is_one and min(shape[:2]) >= LEAST_SIDE


@dataclass(frozen=True)
class ImageEncoder(FeatureEncoder):
    """Images of one shape, whose pixels share a unit."""

    shape: tuple[int, ...]
    columns: Columns = UNNAMED
    classes: Shaped[np.ndarray, " classes"] = field(default_factory=lambda: np.empty(0, int))
    dtype: Any = np.float32
    """The number type that critics compute in; with features beside the pixels it is float64."""

    def images(self, rows: EvaluationRows) -> Images:
        """The rows as images with an axis of colours."""
        dtype = np.float64 if rows.features.shape[1] else self.dtype
        return rows.entries(dtype).reshape(len(rows), *self.shape[:2], -1)

    def content_map(self, rows: EvaluationRows) -> RowMap:
        """A smaller copy."""
        return lambda new: shrink(self.images(new))

    def further_maps(
        self, key: PRNGKey, x: EvaluationRows, y: EvaluationRows, kinds: Collection[str]
    ) -> Iterator[FeatureMap]:
        """The texture of the pixels; the pixels, or means over squares of them, for convolutions."""
        rows = concatenate([x, y])
        if "grain" in kinds:
            textures = TextureFeatures.fit(numpy_generator(key), self.images(rows))
            yield FeatureMap(lambda new: textures(self.images(new)), PLAIN.intersection(kinds))
        if "conv" in kinds:
            height, width = self.shape[:2]
            side = min(
                -(-max(height, width) // CONVOLVED_SIDE),
                min(height, width) // LEAST_CONVOLVED_SIDE,
            )
            pixels = average_squares(self.images(rows), side)
            mean, std = float(pixels.mean()), float(pixels.std()) or 1.0
            yield FeatureMap(
                lambda new: (average_squares(self.images(new), side) - mean) / std,
                CONVOLUTIONS,
            )

    def content_space(self, rows: EvaluationRows) -> RowMap:
        """The pixels by one standard deviation: if each had its own, a speck in a dark corner would count most."""
        pixels = self.images(rows).reshape(len(rows), -1)
        std = pixels.std(axis=None, keepdims=True)[0]
        scale = np.where(std > 0, std, 1).astype(pixels.dtype)
        return lambda new: self.images(new).reshape(len(new), -1) / scale

    def density_space(self, rows: EvaluationRows) -> DensitySpace:
        """Pixels of 8 bits from 0 to 1, as in the paper; others as they are."""
        if rows.x.dtype == np.uint8:
            return DensitySpace(lambda new: new.entries() / 255, "pixels from 0 to 1")
        return DensitySpace(EvaluationRows.entries, "as given")

    def describe(self, real: EvaluationRows, other: EvaluationRows) -> Description:
        """Properties of images: single pixels are nothing to a person."""
        images = [rows.x.reshape(len(rows), *self.shape) for rows in (real, other)]
        words = [self.classes[rows.labels[:, 0]] for rows in (real, other) if rows.labels.size]
        encoder, (cells_real, cells_other) = describe_images(images, words)
        properties = list_properties(encoder.names)
        return Description(TableColumns(encoder), cells_real, cells_other, properties)

    def harmonize(
        self, real: EvaluationRows, other: EvaluationRows, learned: int
    ) -> Harmonized:
        """All pixels alike; of how they are written the mean over an image is left."""
        pixels = harmonize(
            real.x.reshape(-1, 1), other.x.reshape(-1, 1), learned * math.prod(self.shape)
        )
        return Harmonized(
            wrap_with_labels(pixels[0].reshape(real.x.shape), real),
            wrap_with_labels(pixels[1].reshape(other.x.shape), other),
            *(
                encode_format(rows).reshape(len(rows), -1, 2).mean(axis=1)
                for rows in match_precision(real.x, other.x)
            ),
        )


def shrink(images: Images) -> Features:
    """The images in at most SMALL_SIZE entries, or one a colour: the means of squares of pixels.

    >>> shrink(np.ones((1, 28, 28, 1))).shape
    (1, 196)
    """
    height, width, colours = images.shape[1:]
    longest = max(height, width)
    sides = (
        side
        for side in range(1, longest)
        if -(-height // side) * -(-width // side) * colours <= SMALL_SIZE
    )
    return average_squares(images, next(sides, longest)).reshape(len(images), -1)


def average_squares(images: Images, side: int) -> Float[np.ndarray, "rows down across colours"]:
    """The means of images over squares with this side in pixels; what is left over at an edge counts as well."""
    for axis in (1, 2) if side > 1 else ():
        starts = np.arange(0, images.shape[axis], side)
        counts = np.diff([*starts, images.shape[axis]]).astype(images.dtype)
        sums = np.add.reduceat(images, starts, axis=axis)
        images = sums / counts.reshape(-1, *[1] * (3 - axis))
    return images


@dataclass(frozen=True)
class TextureFeatures:
    """How strong each local pattern of pixels is in each quarter of an image: the mean |w . patch| over its patches.

    The patterns w are the principal components of patches from the images that it is fitted on, in units of their
    standard deviations. So noise, blur and edges have patterns of their own, and the faint ones count as much.
    """

    patterns: Float[np.ndarray, "pixels patterns"]

    @classmethod
    def fit(cls, rng: np.random.Generator, images: Images) -> "TextureFeatures":
        """The patterns of these images, none if all their patches are equal."""
        windows = _windows(images)
        places = tuple(rng.integers(0, length, PATCHES) for length in windows.shape[:3])
        variance, patterns = np.linalg.eigh(
            ignore_invalid(np.cov)(windows[places].reshape(PATCHES, -1).T)
        )
        kept = variance > max(LEAST_VARIANCE * variance[-1], 0)
        return cls((patterns[:, kept] / np.sqrt(variance[kept])).astype(images.dtype))

    def __call__(self, images: Images) -> Features:
        """The strengths of the patterns in each image, computed for a block of images at a time."""
        size = max(1, BLOCK_SIZE // (math.prod(images.shape[1:]) * PATCH_SIDE**2))
        blocks = [images[start : start + size] for start in range(0, len(images), size)]
        return np.concatenate([self._strengths(block) for block in blocks])

    def _strengths(self, images: Images) -> Features:
        windows = _windows(images)
        strengths = np.abs(
            matmul(windows.reshape(-1, len(self.patterns)), self.patterns)
        ).reshape(*windows.shape[:3], -1)
        halves = np.array_split(strengths, 2, axis=1)
        quarters = [quarter for half in halves for quarter in np.array_split(half, 2, axis=2)]
        return np.concatenate([quarter.mean(axis=(1, 2)) for quarter in quarters], axis=1)


def _windows(images: Images) -> Float[np.ndarray, "rows down across colours side side"]:
    return np.lib.stride_tricks.sliding_window_view(
        images, (PATCH_SIDE, PATCH_SIDE), axis=(1, 2)
    )
