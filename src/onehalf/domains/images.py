"""Images: arrays of (h, w), or (h, w, c) with 1, 3 or 4 channels."""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from onehalf._files import check_room, write_file, write_folder
from onehalf._typing import PRNGKey
from onehalf.data import files
from onehalf.data.arrays.validation import numbered
from onehalf.data.dataset import Dataset, match_channels
from onehalf.data.images.properties import Limits, is_image, pixel_limits
from onehalf.data.labels import Labelled
from onehalf.data.rows import EncodedRows
from onehalf.domains.arrays import ArrayDomain, first_std, without_labels
from onehalf.domains.preprocessor import Preprocessor
from onehalf.evaluation.features.base import FeatureEncoder, PlainColumns
from onehalf.evaluation.features.images import ImageEncoder, is_picture
from onehalf.hyperparameters import NETS
from onehalf.nets.base import AbstractNet
from onehalf.nets.convolutional import ConvolutionalD, ConvolutionalG, padded_to
from onehalf.players.networks import Networks
from onehalf.recipe import Recipe

if TYPE_CHECKING:
    import matplotlib.figure

    import onehalf.domains.recorders
    import onehalf.sections.base

__all__ = ["ImageDomain"]

LEAST_SIDE = 16
"""Images of fewer pixels a side are made by MLPs, others by convolutional networks, if nothing else is asked for."""

RGBA = 4
"""Bytes of a pixel on a sheet."""

BLOCK = 4096
"""Bytes of a disk that a file takes at a time."""

CONVOLUTIONAL = {
    "m": 64,
    "width": 16,
    "features": 0,
    "normal": 64,
    "choices": 0,
    "noise": 0.0,
    "r1": 1.0,
    "rounds": 8_000,
    "rate_D": 4e-3,
    "rate_G": 4e-3,
    "every": 16,
}
"""Defaults of convolutional networks."""


@dataclass(frozen=True, eq=False)
class ImageDomain(ArrayDomain):
    """Arrays that are shown as images."""

    name: ClassVar[str] = "image"
    has_previews: ClassVar[bool] = True
    # boosted trees know little of pixels
    is_refined: ClassVar[bool] = False

    limits: Limits = (0, 255)
    """What is drawn as black and as white."""

    @classmethod
    def infer(
        cls, data: Dataset, label: Sequence[str] = (), schema: Any = None
    ) -> "ImageDomain":
        """The shape, the dtype, the distinct labels, and black and white."""
        domain: Any = super().infer(data, label, schema)
        return dataclasses.replace(domain, limits=pixel_limits(data.array))

    @classmethod
    def accepts(cls, values: Any) -> bool:
        """Arrays of the shape of images."""
        return super().accepts(values) and is_image(np.shape(values)[1:])

    def choose_net(self, net: str | None) -> str:
        """Convolutional from 16 pixels a side on, if nothing else is asked for."""
        return NETS[min(self.shape[:2]) >= LEAST_SIDE] if net is None else net

    def recipe_defaults(self, net: str, preprocessor: Preprocessor) -> dict[str, Any]:
        """By the kind of networks, then by the number of entries."""
        if net == "convolutional":
            return CONVOLUTIONAL
        return super().recipe_defaults(net, preprocessor)

    def networks(self, recipe: Recipe, preprocessor: Preprocessor, p_data: Any) -> Networks:
        """MLPs or convolutional networks; G stays inside the bounds of whole numbers."""
        if recipe.net != "convolutional":
            return super().networks(recipe, preprocessor, p_data)
        size = preprocessor.condition_size
        stds = first_std(recipe, size)

        def D(key: PRNGKey) -> AbstractNet:
            return ConvolutionalD(
                key, self.shape, width=recipe.width, condition_size=size, half=recipe.half
            )

        def G(key: PRNGKey) -> AbstractNet:
            return ConvolutionalG(
                key,
                (recipe.normal + recipe.choices,),
                self.shape,
                width=recipe.width,
                first_std=stds,
                condition_size=size,
                half=recipe.half,
            )

        return self._bound(Networks(D, G), p_data)

    @classmethod
    def choose_encoder(
        cls, columns: PlainColumns, sides: Sequence[np.ndarray], classes: np.ndarray
    ) -> FeatureEncoder:
        """Pixels of 16 bits and less and of single precision are seen in single precision."""
        shape = sides[0].shape[1:]
        if not is_picture(shape):
            return super().choose_encoder(columns, sides, classes)
        dtype = np.result_type(*(rows.dtype for rows in sides), np.float32)
        return ImageEncoder(shape, columns, classes, dtype)

    @property
    def encoder(self) -> FeatureEncoder:
        """Pixels, in single precision where that is enough."""
        return self._encoder(np.result_type(self.dtype, np.float32))

    @property
    def encoder_for_training(self) -> FeatureEncoder:
        """Pixels, in double precision."""
        return self._encoder(np.dtype(np.float64))

    def _encoder(self, dtype: np.dtype) -> FeatureEncoder:
        if not is_picture(self.shape):
            return super().encoder
        columns = PlainColumns(numbered(self.shape))
        return ImageEncoder(self.shape, columns, self.labels.values, dtype)

    def notes(self, recipe: Recipe) -> tuple[str, ...]:
        """What is done where the sides can't be halved as often as convolutional networks need."""
        if recipe.net != "convolutional":
            return ()
        height, width = self.shape[:2]
        padded = padded_to(self.shape)
        if padded == (height, width):
            return ()
        return (
            f"Images of {height} x {width} are padded to {padded[0]} x {padded[1]} for training; "
            "the border is cut off from samples.",
        )

    def sections(
        self, real: EncodedRows, other: EncodedRows, called: str, *, train: EncodedRows
    ) -> "onehalf.sections.base.DataSections":
        """Image grids, and the nearest training images."""
        from onehalf.sections.images import ImageSections

        return ImageSections(real.x, other.x, called, train.x)

    @classmethod
    def compare_sections(
        cls, real: Any, other: Any, called: str, schema: Any
    ) -> "onehalf.sections.base.DataSections":
        """Image grids."""
        from onehalf.sections.images import ImageSections

        return ImageSections(without_labels(real), without_labels(other), called)

    @property
    def recorder(self) -> "onehalf.domains.recorders.Recorder":
        """None: previews are kept instead."""
        from onehalf.domains.recorders import NoSnapshots

        return NoSnapshots()

    def sample_suffixes(self) -> tuple[str, ...]:
        """NumPy's files, a sheet, or a folder of images."""
        return (*super().sample_suffixes(), ".png", "")

    @classmethod
    def draw(cls, rows: Any) -> "matplotlib.figure.Figure":
        """A grid of images."""
        from onehalf import figures

        return figures.draw_images({"data": rows})

    @property
    def image_size(self) -> tuple[int, int] | None:
        """Height and width."""
        return self.shape[0], self.shape[1]

    @classmethod
    def size_of_folder(cls, word: str, real: str, data: Dataset) -> tuple[int, int]:
        """That of the data."""
        height, width = data.array.shape[1:3]
        return height, width

    @classmethod
    def match(cls, sides: list[Dataset], shape: tuple[int, ...]) -> list[Dataset]:
        """Grey images get colours where others have them."""
        if all(not side.is_table and is_image(side.array.shape[1:]) for side in sides):
            return match_channels(sides, shape)
        return sides

    def write_animation(self, frames: Sequence[np.ndarray], path: Path) -> None:
        """A .gif, .webp or .html film of image grids."""
        from onehalf import figures

        film = figures.encode_image_grid_film(frames, path.suffix.lower(), self.limits)
        write_file(path, film)

    def to_dict(self) -> dict[str, Any]:
        """Shape, dtype, labels, black and white."""
        return {**super().to_dict(), "limits": self.limits}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "ImageDomain":
        """The domain that `to_dict` gave."""
        low, high = saved["limits"]
        domain: Any = super().from_dict(saved)
        return dataclasses.replace(domain, limits=(low, high))

    def write_pieces(self, pieces: Iterable[Any], n: int, path: Path, suffix: str) -> None:
        """A sheet, for which all must be in memory; a folder with a PNG file each, or NumPy's files."""
        from onehalf import figures

        if suffix == ".png":
            needed = n * RGBA * math.prod(self.shape[:2])
            files.check_bytes(path, needed, f"of {n:,} images on one sheet")
            x = np.concatenate([without_labels(samples) for samples in pieces])
            write_file(path, figures.encode_image_grid(x, limits=self.limits))
        elif suffix == "":
            write_folder(path, self._encode_images(pieces, n, path.resolve().parent))
        else:
            super().write_pieces(pieces, n, path, suffix)

    def _encode_images(
        self, pieces: Iterable[Any], n: int, folder: Path
    ) -> Iterator[tuple[str, bytes]]:
        """Encode images one by one; refuses more than the disk of a folder has room for."""
        from onehalf import figures

        done = n_bytes = 0
        for samples in pieces:
            x, y = samples if isinstance(samples, Labelled) else (samples, None)
            for name, content in figures.encode_images(x, y, self.limits, first=done):
                n_bytes += -(-len(content) // BLOCK) * BLOCK
                yield name, content
            done += len(x)
            check_room(folder, n_bytes, done, n)
