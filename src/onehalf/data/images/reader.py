"""Read images once into one array: folders of PNG, JPEG, WebP and others, and IDX files.

The rules for a folder, whose application `read_images` reports with counts:

- Each image is rotated as its EXIF data say, composed with white where it is transparent, and
  converted to 8 bits (65,535 of 16 bits becomes 255). Of several frames the first one is used.
  All images are grey if no pixel of any has a colour.
- All get one size: the one that was asked for. Otherwise images that share one size of at most
  64 x 64 keep it; others become squares of 64, or of the median of their shorter sides if that
  is less, down to a multiple of 8.
- To get it, an image is cropped to its centre in the right proportions and resized by Pillow's
  bicubic filter, which widens as an image shrinks, so that nothing aliases (Parmar et al. 2022,
  whose clean-fid resizes by it).
- Of more than a million images, or of more than fit into 3 GiB at this size, as many are drawn
  at random; which ones depends on their number alone.
- What can't be used (broken, smaller than 2 x 2, more than 64 million pixels) is skipped,
  counted and named.
"""

import math
import os
import re
import stat
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from onehalf._blocks import blocks
from onehalf._errors import refuse
from onehalf.data.arrays.scaler import Rows
from onehalf.data.arrays.validation import Labels
from onehalf.data.files import is_parquet_folder, walk
from onehalf.data.images.idx import is_idx_path, read_labelled_idx, reason_of
from onehalf.data.images.sizing import (
    Size,
    check_memory,
    choose_size,
    count_fitting,
    find_fitting_side,
    parse_size,
)
from onehalf.data.random_order import RandomOrder

__all__ = ["SUFFIXES", "Images", "is_image_path", "read_images"]

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
"""The suffixes of image files."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""Their formats in Pillow, which opens the MPO of phones as JPEG."""

MOST_FILES = 1_000_000
"""The most files of a folder that are opened; of more, as many are drawn at random."""

ORDER = 7
"""What the random order of images is drawn by: the seed of a fit has no part in it, as in the splits."""

LEAST_SIDE = 2
"""Images with a shorter side are skipped before they are decoded."""

MOST_PIXELS = 64_000_000
"""Images with more pixels are skipped before they are decoded."""

THREADS = min(8, os.cpu_count() or 1)
"""Threads that decode; each holds an image at its full size."""

BATCH = 256
"""Images that are given to the threads together."""

FIRST_REPORT = 5.0
"""Seconds to the first line about progress; each next one comes after twice as many."""

MOST_NAMED = 3
"""The most skipped files that are named."""

SIDEWAYS = range(5, 9)
"""The orientations of EXIF that swap height and width."""

WHOLE_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
"""The names of folders that are labels which are whole numbers."""

Progress = Callable[[str], None]
"""Called with a sentence about progress."""


class Images(NamedTuple):
    """What was read: pixels, labels where the images have some, and a report in sentences."""

    x: Rows
    labels: Labels | None
    notes: tuple[str, ...]


class ImageFile(NamedTuple):
    """An image file, by its header."""

    file: Path
    size: Size
    is_grey: bool
    remarks: tuple[str, ...]
    """What decoding will change, as `read_images` reports it."""


class SkippedFile(NamedTuple):
    """A file that can't be used, and why not."""

    file: Path
    reason: str


class Decoded(NamedTuple):
    """The images at one size, the files that they come from, and those that could not be decoded."""

    x: Rows
    files: list[ImageFile]
    skipped: list[SkippedFile]


def is_image_path(word: str | Path) -> bool:
    """Whether the word is the path of images: a folder without Parquet files, or an IDX file by its name.

    >>> is_image_path("train-images-idx3-ubyte.gz"), is_image_path("rows.npy"), is_image_path(".")
    (True, False, True)
    """
    if is_idx_path(Path(word)):
        return True
    return os.path.isdir(word) and not is_parquet_folder(word, SUFFIXES)


def read_images(
    path: str | Path, size: Any = None, on_progress: Progress | None = None
) -> Images:
    """Read the images of a folder, or the array of an IDX file.

    A folder gives an array (n, h, w), grey, or (n, h, w, 3), colour, of uint8.

    A folder is read at any depth, in the order of the paths. If all images lie in two
    sub-folders or more, the names of these are their labels: whole numbers, if all of the names
    are.

    An IDX file of images has labels if their file is in the same folder:
    train-labels-idx1-ubyte beside train-images-idx3-ubyte, either of them gzipped or not.

    Args:
        path: A folder or an IDX file.
        size: A side of 4 to 1,024 pixels, or any (height, width), such as that of images to
            compare with.
        on_progress: Called now and then if reading takes longer than a few seconds.

    Raises:
        Refusal: There is no image that can be read, or all of them together do not fit into
            memory.
    """
    path = Path(path)
    requested = parse_size(size)
    if is_idx_path(path):
        if requested:
            refuse("size", expected="a folder of images to resize", got=path)
        return Images(*read_labelled_idx(path), ())
    return _read_folder(path, requested, on_progress or (lambda text: None))


def _read_folder(path: Path, requested: Size | None, report: Progress) -> Images:
    """Read the headers of all files, then decode the images at one size."""
    listed = _list_files(path)
    files = _draw(listed, MOST_FILES)
    with warnings.catch_warnings(), ThreadPoolExecutor(THREADS) as pool:
        # Pillow warns about single files: these are counted and named in one sentence
        warnings.simplefilter("ignore")
        headers = list(_map(pool, _read_header, files, "examined", report))
        images = [header for header in headers if isinstance(header, ImageFile)]
        x, kept, broken = _decode_all(path, pool, images, requested, report)
    skipped = [*(header for header in headers if isinstance(header, SkippedFile)), *broken]
    if not kept:
        first = f"{skipped[0].file.name}: {skipped[0].reason}"
        got = f"none in {_counted(len(files), 'file')} ({first})"
        refuse(str(path), expected="images that can be read", got=got)
    if x.ndim == 4 and all((pixels == pixels[..., :1]).all() for pixels in x):
        x = x[..., 0].copy()
    labels = _find_labels(path, kept)
    about = _describe(path, x, labels, kept, skipped)
    if len(listed) == len(kept) + len(skipped):
        return Images(x, labels, (about,))
    return Images(x, labels, (_describe_draw(path, len(listed), x), about))


def _decode_all(
    path: Path,
    pool: ThreadPoolExecutor,
    images: Sequence[ImageFile],
    requested: Size | None,
    report: Progress,
) -> Decoded:
    """Decode images at the size requested, or at the one that suits those that can be decoded."""
    size = requested or choose_size([image.size for image in images])
    is_grey = all(image.is_grey for image in images)
    shape = size if is_grey else (*size, 3)
    check_memory(path, (1, *shape))
    images = _draw(images, count_fitting(shape))
    x = np.empty((len(images), *shape), np.uint8)
    kept: list[ImageFile] = []
    skipped: list[SkippedFile] = []

    def decode(image: ImageFile) -> UInt8[np.ndarray, "h w ..."] | SkippedFile:
        return _decode(image, size, "L" if is_grey else "RGB")

    decoded = _map(pool, decode, images, "read", report)
    for image, pixels in zip(images, decoded, strict=True):
        if isinstance(pixels, SkippedFile):
            skipped.append(pixels)
        else:
            x[len(kept)] = pixels
            kept.append(image)
    if skipped and not requested and choose_size([image.size for image in kept]) != size:
        x, kept, more = _decode_all(path, pool, kept, requested, report)
        skipped += more
    return Decoded(x[: len(kept)], kept, skipped)


def _list_files(path: Path) -> list[Path]:
    """List all image files below a folder by their names, without hidden ones, in the order of their paths."""
    if not path.is_dir():
        got = "another file" if path.exists() else "nothing there"
        refuse(str(path), expected="a folder of images, or an IDX file", got=got)
    files: list[Path] = []
    n_others = 0
    for inside in walk(path):
        files += [file for file in inside if file.suffix.lower() in SUFFIXES]
        n_others += len(inside)
    if (path / "recipe.json").exists():
        hint = "To compare a run with data, use `onehalf measure DATA RUN`."
        refuse(str(path), expected="a folder of images", got="a run of onehalf", hint=hint)
    if not files:
        got = "an empty folder"
        if n_others:
            got = f"none of these among {_counted(n_others, 'file')}"
        refuse(str(path), expected=f"images ({', '.join(SUFFIXES)})", got=got)
    return sorted(files)


def _draw(items: Sequence[Any], n: int) -> list[Any]:
    """Draw n items at random, in their order, all of them if there are no more; only their number settles which."""
    if len(items) <= n:
        return list(items)
    places = RandomOrder(len(items), [ORDER]).places(0, len(items))
    return [items[place] for place in np.flatnonzero(places < n).tolist()]


def _map(
    pool: ThreadPoolExecutor,
    function: Callable[[Any], Any],
    items: Sequence[Any],
    done: str,
    report: Progress,
) -> Iterator[Any]:
    """Apply a function to each item, in order, by threads: Pillow decodes without blocking the others."""
    begun = time.monotonic()
    wait = FIRST_REPORT
    for batch in blocks(len(items), BATCH):
        yield from pool.map(function, items[batch])
        if time.monotonic() - begun > wait:
            report(f"{batch.stop:,} of {len(items):,} images {done}.")
            wait *= 2


def _read_header(file: Path) -> ImageFile | SkippedFile:
    """Read the first bytes of a file; nothing is decoded."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            return SkippedFile(file, "not a regular file")
        with Image.open(file, formats=FORMATS) as image:
            width, height = image.size
            if min(width, height) < LEAST_SIDE:
                return SkippedFile(file, f"{width} x {height} pixels")
            if width * height > MOST_PIXELS:
                return SkippedFile(file, _too_many_pixels())
            size = (width, height) if _is_sideways(image) else (height, width)
            return ImageFile(file, size, _is_grey(image), _list_remarks(image))
    except Exception as error:  # decoders raise whatever a broken file makes them
        return SkippedFile(file, _reason_of(error))


def _is_sideways(image: Image.Image) -> bool:
    """Whether EXIF data say that height and width are swapped."""
    # Pillow has rotated a TIFF already, and a PNG's own getexif would decode it
    if image.format == "TIFF":
        return False
    return Image.Image.getexif(image).get(ExifTags.Base.Orientation) in SIDEWAYS


def _is_grey(image: Image.Image) -> bool:
    """Whether the file holds shades of grey only, by its mode."""
    return image.mode in ("1", "L", "LA", "La", "F") or image.mode.startswith("I")


def _list_remarks(image: Image.Image) -> tuple[str, ...]:
    """List what decoding will change."""
    remarks = {
        "of several frames, first used": image.format != "MPO"
        and getattr(image, "is_animated", False),
        "with transparency, put on white": image.has_transparency_data,
        "of 16 bits, scaled to 8": image.mode.startswith("I")
        or re.search(";16[BLN]", str(getattr(image, "tile", [])[:1])),
        "CMYK, converted": image.mode == "CMYK",
    }
    return tuple(remark for remark, holds in remarks.items() if holds)


def _decode(
    image: ImageFile, size: Size, mode: str
) -> UInt8[np.ndarray, "h w ..."] | SkippedFile:
    """Decode the pixels of one image, cropped and resized."""
    height, width = size
    try:
        with Image.open(image.file, formats=FORMATS) as opened:
            # a large JPEG is decoded at a half, a quarter or an eighth, never below three times
            # the size
            opened.draft(opened.mode, (3 * max(size), 3 * max(size)))
            whole = _convert_to_8_bits(ImageOps.exif_transpose(opened)).convert(mode)
    except Exception as error:  # decoders raise whatever a broken file makes them
        return SkippedFile(image.file, _reason_of(error))
    if whole.size != (width, height):
        whole = ImageOps.fit(whole, (width, height), Image.Resampling.BICUBIC)
    return np.asarray(whole)


def _convert_to_8_bits(image: Image.Image) -> Image.Image:
    """Convert to a mode of 8 bits, on white."""
    if image.mode.startswith("I"):
        pixels = np.asarray(image).astype(np.int32)
        fits = 0 <= pixels.min() <= pixels.max() < 2**16
        if not fits or (image.mode == "I" and image.format == "TIFF"):
            raise ValueError("pixels of 32 bits")
        pixels[pixels == image.info.get("transparency", -1)] = 2**16 - 1
        return Image.fromarray(((pixels + 128) // 257).astype(np.uint8))
    if image.mode == "F":
        raise ValueError("pixels that are floats")
    if not image.has_transparency_data:
        return image
    above = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", above.size, "white"), above)


def _too_many_pixels() -> str:
    return f"more than {MOST_PIXELS:,} pixels"


def _reason_of(error: Exception) -> str:
    """Say why a file was skipped, in a few words and without its path."""
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    if isinstance(error, Image.DecompressionBombError):
        return _too_many_pixels()
    return reason_of(error)


def _find_labels(path: Path, kept: Sequence[ImageFile]) -> Labels | None:
    """Find the sub-folder of each image, if all lie in two of them or more."""
    folders = {image.file.relative_to(path).parent for image in kept}
    if len(folders) < 2 or any(len(folder.parts) != 1 for folder in folders):
        return None
    are_whole = all(WHOLE_NUMBER.fullmatch(folder.name) for folder in folders)
    labels = np.array([image.file.parent.name for image in kept])
    return labels.astype(int if are_whole else str)


def _describe(
    path: Path,
    x: Rows,
    labels: Labels | None,
    kept: Sequence[ImageFile],
    skipped: Sequence[SkippedFile],
) -> str:
    """Say in one sentence what was read and what was changed."""
    size = x.shape[1:3]
    classes = "" if labels is None else f" in {len(set(labels.tolist()))} classes"
    colours = "grey" if x.ndim == 3 else "colour"
    parts = [f"{_counted(len(x), 'image')}{classes}, {colours}, {_describe_size(size, kept)}"]
    enlarged = sum(image.size[0] < size[0] or image.size[1] < size[1] for image in kept)
    if enlarged:
        parts.append(f"{enlarged:,} enlarged")
    if labels is None:
        parts += _explain_missing_labels(path, kept)
    remarks = Counter(remark for image in kept for remark in image.remarks)
    parts += [f"{count:,} {remark}" for remark, count in remarks.items()]
    if skipped:
        parts.append(_describe_skipped(path, skipped))
    return "; ".join(parts) + "."


def _describe_draw(path: Path, n: int, x: Rows) -> str:
    """Say that some of n images were drawn, and at which size all would fit."""
    text = f"{path} has {n:,} images: {len(x):,} of them, drawn at random, are used"
    side = find_fitting_side(n, math.prod(x.shape[3:]))
    return text + (f"; --size {side} has room for all." if side and n <= MOST_FILES else ".")


def _describe_size(size: tuple[int, ...], kept: Sequence[ImageFile]) -> str:
    """Say which size the images have now, and which they had."""
    now = f"{size[0]} x {size[1]}"
    sizes = [image.size for image in kept]
    if all(each == size for each in sizes):
        return f"{now}, not resized"
    smallest = min(sizes, key=math.prod)
    largest = max(sizes, key=math.prod)
    before = f"{smallest[0]} x {smallest[1]}"
    if largest != smallest:
        before += f" to {largest[0]} x {largest[1]}"
    return f"cropped and resized to {now} from {before} (height x width)"


def _explain_missing_labels(path: Path, kept: Sequence[ImageFile]) -> list[str]:
    """Say which images keep the sub-folders from being classes, if it is a few that do."""
    folders = Counter(image.file.relative_to(path).parent for image in kept)
    odd = next((folder for folder in folders if len(folder.parts) != 1), None)
    if odd is None or len(folders) <= 2:
        return []
    count = folders[odd]
    verb = "is" if count == 1 else "are"
    return [f"no classes, as {_counted(count, 'image')} in {path / odd} {verb} outside of them"]


def _describe_skipped(path: Path, skipped: Sequence[SkippedFile]) -> str:
    """Count the skipped files and name the first."""
    named = ", ".join(
        f"{each.file.relative_to(path)} ({each.reason})" for each in skipped[:MOST_NAMED]
    )
    rest = len(skipped) - MOST_NAMED
    return f"{len(skipped):,} skipped: {named}" + (f", and {rest:,} more" if rest > 0 else "")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
