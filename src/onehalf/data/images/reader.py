"""Pictures of the user's own, decoded once into one array: folders of PNG, JPEG, WebP, ...; IDX files such as MNIST's.

The rules of a folder, which `read_images` tells with counts:

- Each picture is turned as its EXIF says, laid on white where it is transparent, and brought to 8 bits (65,535 of 16
  bits becomes 255). Of several frames the first one counts. All pictures are grey if no pixel of any has a colour.
- All have one size: the one that was asked for. If none was, pictures that agree on one of at most 64 x 64 keep it;
  others become squares of 64, or of the median of their shorter sides if that is less, down to a multiple of 8.
- To be fitted, a picture is cut to the middle of the right proportions and resized by Pillow's bicubic filter, which
  widens as a picture shrinks, so that nothing aliases (Parmar et al. 2022, whose clean-fid resizes by it).
- What can't be used (broken, smaller than 2 x 2, more than 64 million pixels) is skipped, counted and named.
"""

import contextlib
import errno
import gzip
import math
import os
import re
import statistics
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from onehalf._errors import refuse
from onehalf.data.arrays.scaler import Rows
from onehalf.data.arrays.validation import Labels, check, check_labels

__all__ = ["SUFFIXES", "Images", "is_image_path", "read_images"]

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
"""The kinds of file that hold a picture."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""The same for Pillow, which opens the MPO of phones as JPEG."""

SIDE, MULTIPLE = 64, 8
"""The side of pictures for which none was asked, at most, and what it is a multiple of."""

LEAST_SIDE, MOST_SIDE = 4, 1024
"""The sides that can be asked for."""

TINY, MOST_PIXELS = 2, 64_000_000
"""Pictures with a shorter side, or with more pixels, are skipped before they are decoded."""

MOST_BYTES = 3 * 2**30
"""All pictures together, decoded; what players see of them takes four times as much."""

THREADS, BATCH = min(8, os.cpu_count() or 1), 256
"""Each thread holds a picture at its full size; so many pictures are handed to them together."""

FIRST_WORD = 5.0
"""Seconds to the first line about progress; each next comes after twice as many."""

NAMED = 3
"""So many of the skipped files are named."""

IDX_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
"""What the third byte of an IDX file says of its numbers."""

MOST_AXES = 8
"""Of an IDX file."""

Progress = Callable[[str], None]
"""Called with a sentence about progress."""

Size = tuple[int, int]
"""Height and width."""


class Images(NamedTuple):
    """What was read: pixels, labels where the images have some, and what was done, in sentences."""

    x: Rows
    labels: Labels | None
    notes: tuple[str, ...]


class ImageFile(NamedTuple):
    """A picture, by what its first bytes say of it."""

    file: Path
    size: Size
    grey: bool
    remarks: tuple[str, ...]
    """What will be done to it, in the words of `read_images`."""


class Skipped(NamedTuple):
    """A file that can't be used, and why not."""

    file: Path
    reason: str


def is_image_path(word: str | Path) -> bool:
    """Whether the word is the path of images: a folder, or an IDX file by its name.

    >>> is_image_path("train-images-idx3-ubyte.gz"), is_image_path("rows.npy"), is_image_path(".")
    (True, False, True)
    """
    return _is_idx(Path(word)) or os.path.isdir(word)


def read_images(
    path: str | Path, size: Any = None, on_progress: Progress | None = None
) -> Images:
    """Read the images of a folder, (n, h, w) grey or (n, h, w, 3) colour, uint8; or the array of an IDX file.

    In a folder images count at any depth, in the order of their paths. If all of them lie in two sub-folders or more,
    the names of these are their labels: whole numbers, if all of the names are.

    An IDX file of images has labels if the file of these stands beside it: train-labels-idx1-ubyte beside
    train-images-idx3-ubyte, either of them gzipped or not.

    Args:
        path: A folder or an IDX file.
        size: A side of 4 to 1,024 pixels, or (height, width) of any, such as those of images to compare with.
        on_progress: Called now and then if reading takes longer than a few seconds.
    """
    path, asked = Path(path), _sides(size)
    if _is_idx(path):
        if asked:
            refuse("size", expected="a folder of pictures to resize", got=path)
        return _read_labelled_idx(path)
    files, report = _files(path), on_progress or (lambda text: None)
    with warnings.catch_warnings(), ThreadPoolExecutor(THREADS) as pool:
        # Pillow warns of single files: these are counted and named in one sentence
        warnings.simplefilter("ignore")
        seen = list(_through(pool, _look, files, "looked at", report))
        found = [each for each in seen if isinstance(each, ImageFile)]
        x, kept, broken = _decoded(path, pool, found, asked, report)
    skipped = [*(each for each in seen if isinstance(each, Skipped)), *broken]
    if not kept:
        first = f"{skipped[0].file.name}: {skipped[0].reason}"
        refuse(
            str(path),
            expected="pictures that can be read",
            got=f"none in {_counted(len(files), 'file')} ({first})",
        )
    if x.ndim == 4 and all((pixels == pixels[..., :1]).all() for pixels in x):
        x = x[..., 0].copy()
    y = _classes(path, kept)
    return Images(x, y, (_told(path, x, y, kept, skipped),))


def _decoded(
    path: Path,
    pool: ThreadPoolExecutor,
    found: Sequence[ImageFile],
    asked: Size | None,
    report: Progress,
) -> tuple[Rows, list[ImageFile], list[Skipped]]:
    """The pictures at one size, those of which they are, and those that could not be decoded."""
    height, width = asked or _usual_size([each.size for each in found])
    shape = (
        (len(found), height, width)
        if all(each.grey for each in found)
        else (len(found), height, width, 3)
    )
    _check_memory(path, shape)
    x, kept, skipped = np.empty(shape, np.uint8), [], []
    decode = lambda each: _decode(each, (height, width), "L" if len(shape) == 3 else "RGB")  # noqa: E731
    for each, pixels in zip(found, _through(pool, decode, found, "read", report), strict=True):
        if isinstance(pixels, Skipped):
            skipped.append(pixels)
        else:
            x[len(kept)] = pixels
            kept.append(each)
    if skipped and not asked and _usual_size([each.size for each in kept]) != (height, width):
        x, kept, more = _decoded(path, pool, kept, asked, report)
        skipped += more
    return x[: len(kept)], kept, skipped


def _sides(size: Any) -> Size | None:
    """Height and width as they were asked for, if they were."""
    if size is None:
        return None
    sides, least, most = (
        ((size, size), LEAST_SIDE, MOST_SIDE)
        if np.ndim(size) == 0
        else (tuple(size), 1, np.inf)
    )
    whole = all(isinstance(side, int | np.integer) and least <= side <= most for side in sides)
    if len(sides) != 2 or not whole:
        expected = f"a side of {LEAST_SIDE} to {MOST_SIDE:,} pixels, or a height and a width"
        refuse("size", expected=expected, got=repr(size))
    return int(sides[0]), int(sides[1])


def _files(path: Path) -> list[Path]:
    """All pictures below a folder by their names, hidden ones left out, in the order of their paths."""
    if not path.is_dir():
        got = "another file" if path.exists() else "nothing there"
        refuse(str(path), expected="a folder of pictures, or an IDX file", got=got)
    files, others = [], 0
    for seen in _below(path):
        files += [file for file in seen if file.suffix.lower() in SUFFIXES]
        others += len(seen)
    if (path / "recipe.json").exists():
        hint = "A run is what others are measured against data as: `onehalf measure DATA RUN`."
        refuse(str(path), expected="a folder of pictures", got="a run of onehalf", hint=hint)
    if not files:
        got = f"none of these among {_counted(others, 'file')}" if others else "an empty folder"
        refuse(str(path), expected=f"pictures ({', '.join(SUFFIXES)})", got=got)
    return sorted(files)


def _below(path: Path) -> Iterator[list[Path]]:
    """The files of each folder at any depth, links followed but not in circles; refuses a folder that can't be read."""

    def unreadable(error: OSError) -> None:
        refuse(str(error.filename), expected="a folder that can be read", got=error.strerror)

    above = {str(path): {path.resolve()}}
    for folder, below, inside in os.walk(path, onerror=unreadable, followlinks=True):
        if not os.access(folder, os.X_OK):
            unreadable(PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder))
        passed = above.pop(folder)
        real = {
            name: Path(folder, name).resolve() for name in below if not name.startswith(".")
        }
        below[:] = [name for name in real if real[name] not in passed]
        above |= {os.path.join(folder, name): {*passed, real[name]} for name in below}
        yield [Path(folder, name) for name in inside if not name.startswith(".")]


def _through(
    pool: ThreadPoolExecutor,
    function: Callable[[Any], Any],
    items: Sequence[Any],
    done: str,
    report: Progress,
) -> Iterator[Any]:
    """The function of each item, in order, computed by threads: Pillow decodes without holding the others up."""
    begun, wait = time.monotonic(), FIRST_WORD
    for start in range(0, len(items), BATCH):
        yield from pool.map(function, items[start : start + BATCH])
        if time.monotonic() - begun > wait:
            report(f"{min(start + BATCH, len(items)):,} of {len(items):,} pictures {done}.")
            wait *= 2


def _look(file: Path) -> ImageFile | Skipped:
    """What the first bytes of a file say; nothing is decoded."""
    try:
        with Image.open(file, formats=FORMATS) as image:
            width, height = image.size
            # a TIFF has been turned already, and a PNG's own getexif would decode it
            turned = image.format != "TIFF" and Image.Image.getexif(image).get(
                ExifTags.Base.Orientation
            ) in range(5, 9)
            if min(width, height) < TINY:
                return Skipped(file, f"{width} x {height} pixels")
            if width * height > MOST_PIXELS:
                return Skipped(file, _bomb())
            deep = image.mode.startswith("I") or re.search(";16[BLN]", str(image.tile[:1]))
            remarks = {
                "of several frames, first taken": image.format != "MPO"
                and getattr(image, "is_animated", False),
                "with transparency, laid on white": image.has_transparency_data,
                "of 16 bits, scaled to 8": deep,
                "CMYK, converted": image.mode == "CMYK",
            }
            grey = image.mode in ("1", "L", "LA", "La", "F") or image.mode.startswith("I")
            size = (width, height) if turned else (height, width)
            return ImageFile(
                file, size, grey, tuple(remark for remark, holds in remarks.items() if holds)
            )
    except Exception as error:  # decoders raise whatever a broken file makes them
        return Skipped(file, _reason(error))


def _usual_size(sizes: Sequence[Size]) -> Size:
    """The size that all have, if it is small; or else a square."""
    if len(set(sizes)) == 1 and max(sizes[0]) <= SIDE:
        return sizes[0]
    side = min(SIDE, int(statistics.median(map(min, sizes)))) if sizes else SIDE
    side = max(MULTIPLE, side // MULTIPLE * MULTIPLE)
    return side, side


def _check_memory(
    what: Path, shape: Sequence[int], itemsize: int = 1, *, resizable: bool = True
) -> None:
    """Refuse what does not fit into memory, with the size that would."""
    needed = math.prod(shape) * itemsize
    if needed <= MOST_BYTES:
        return
    side = (
        math.isqrt(MOST_BYTES * shape[1] * shape[2] // needed) // MULTIPLE * MULTIPLE
        if resizable
        else 0
    )
    hint = f"A size of {side} x {side} would fit." if side >= LEAST_SIDE else ""
    got = f"{needed / 2**30:,.1f} GiB of shape {tuple(shape)}"
    refuse(
        str(what), expected=f"at most {MOST_BYTES / 2**30:g} GiB, decoded", got=got, hint=hint
    )


def _decode(found: ImageFile, size: Size, mode: str) -> UInt8[np.ndarray, "h w ..."] | Skipped:
    """The pixels of one picture, fitted to the size."""
    height, width = size
    try:
        with Image.open(found.file, formats=FORMATS) as image:
            # a large JPEG is decoded at a half, a quarter or an eighth, never below three times the size
            image.draft(image.mode, (3 * max(size), 3 * max(size)))
            whole = _in_8_bits(ImageOps.exif_transpose(image)).convert(mode)
    except Exception as error:  # decoders raise whatever a broken file makes them
        return Skipped(found.file, _reason(error))
    if whole.size != (width, height):
        whole = ImageOps.fit(whole, (width, height), Image.Resampling.BICUBIC)
    return np.asarray(whole)


def _in_8_bits(image: Image.Image) -> Image.Image:
    """The picture in a mode of 8 bits, on white."""
    if image.mode.startswith("I"):
        pixels = np.asarray(image).astype(np.int32)
        if not 0 <= pixels.min() <= pixels.max() < 2**16 or (
            image.mode == "I" and image.format == "TIFF"
        ):
            raise ValueError("pixels of 32 bits")
        pixels[pixels == image.info.get("transparency", -1)] = 2**16 - 1
        return Image.fromarray(((pixels + 128) // 257).astype(np.uint8))
    if image.mode == "F":
        raise ValueError("pixels that are floats")
    if not image.has_transparency_data:
        return image
    above = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", above.size, "white"), above)


def _bomb() -> str:
    return f"more than {MOST_PIXELS:,} pixels"


def _reason(error: Exception) -> str:
    """Why a file was skipped, in a few words and without its path."""
    if isinstance(error, UnidentifiedImageError):
        return "no picture inside"
    if isinstance(error, Image.DecompressionBombError):
        return _bomb()
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return said.splitlines()[0]


def _classes(path: Path, kept: Sequence[ImageFile]) -> Labels | None:
    """The sub-folder of each picture, if all lie in two of them or more."""
    within = {each.file.relative_to(path).parent for each in kept}
    if len(within) < 2 or any(len(folder.parts) != 1 for folder in within):
        return None
    whole = all(re.fullmatch(r"0|[1-9][0-9]{0,8}", folder.name) for folder in within)
    return np.array([each.file.parent.name for each in kept]).astype(int if whole else str)


def _told(
    path: Path,
    x: Rows,
    y: Labels | None,
    kept: Sequence[ImageFile],
    skipped: Sequence[Skipped],
) -> str:
    """What was done, in one sentence."""
    folders = Counter(each.file.relative_to(path).parent for each in kept)
    size = x.shape[1:3]
    classes = "" if y is None else f" in {len(set(y.tolist()))} classes"
    parts = [f"{_counted(len(x), 'picture')}{classes}, {'grey' if x.ndim == 3 else 'colour'}"]
    if all(each.size == size for each in kept):
        parts[0] += f", {size[0]} x {size[1]} as they are"
    else:
        smallest, largest = (
            pick((each.size for each in kept), key=math.prod) for pick in (min, max)
        )
        was = f"{smallest[0]} x {smallest[1]}"
        was += "" if largest == smallest else f" to {largest[0]} x {largest[1]}"
        parts[0] += f", cut and resized to {size[0]} x {size[1]} from {was} (height x width)"
        enlarged = sum(each.size[0] < size[0] or each.size[1] < size[1] for each in kept)
        parts += [f"{enlarged:,} enlarged"] if enlarged else []
    odd = next((folder for folder in folders if len(folder.parts) != 1), None)
    if y is None and odd is not None and len(folders) > 2:
        parts.append(
            f"no classes, as {_counted(folders[odd], 'picture')} in {path / odd} belong to none"
        )
    remarks = Counter(remark for each in kept for remark in each.remarks)
    parts += [f"{count:,} {remark}" for remark, count in remarks.items()]
    if skipped:
        named = ", ".join(
            f"{each.file.relative_to(path)} ({each.reason})" for each in skipped[:NAMED]
        )
        more = f", and {len(skipped) - NAMED:,} more" if len(skipped) > NAMED else ""
        parts.append(f"{len(skipped):,} skipped: {named}{more}")
    return "; ".join(parts) + "."


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def _is_idx(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(("-ubyte", ".idx"))


def _read_labelled_idx(path: Path) -> Images:
    """The images of an IDX file, and their labels if the file of these stands beside it."""
    x = _read_idx(path)
    if x.ndim == 1:
        hint = "Name the file of the images: labels that stand beside it are read too."
        refuse(str(path), expected="images", got=f"{len(x):,} labels", hint=hint)
    x = check(str(path), x)
    name, found = re.subn("images([-.]idx)3", r"labels\g<1>1", path.name.removesuffix(".gz"))
    beside = [path.with_name(name + end) for end in ("", ".gz")] if found else []
    for labels in filter(Path.is_file, beside):
        return Images(x, check_labels(str(labels), _read_idx(labels), len(x)), ())
    return Images(x, None, ())


def _read_idx(path: Path) -> np.ndarray:
    """The array of an IDX file: 0 0 type rank, a size of 4 bytes for each axis, then the numbers, all big-endian."""
    if not path.is_file():
        refuse(
            str(path), expected="a file", got="a folder" if path.exists() else "nothing there"
        )
    try:
        with path.open("rb") as raw:
            file = gzip.GzipFile(fileobj=raw) if raw.read(2) == b"\x1f\x8b" else raw
            raw.seek(0)
            head = _take(path, file, 4)
            if head[:2] != b"\0\0" or head[2] not in IDX_TYPES or not 0 < head[3] <= MOST_AXES:
                expected = f"an IDX file, which begins with 0, 0, a type and the number of its axes, 1 to {MOST_AXES}"
                refuse(str(path), expected=expected, got=f"{', '.join(map(str, head))}")
            shape = tuple(np.frombuffer(_take(path, file, 4 * head[3]), ">u4").tolist())
            kind = np.dtype(IDX_TYPES[head[2]])
            if 0 in shape:
                refuse(
                    str(path),
                    expected="at least one example",
                    got=f"an empty array of shape {shape}",
                )
            _check_memory(path, shape, kind.itemsize, resizable=False)
            content = _take(path, file, math.prod(shape) * kind.itemsize)
            if file.read(1):
                refuse(
                    str(path),
                    expected=f"{len(content):,} bytes of numbers, as its header says",
                    got="more",
                )
    except (EOFError, OSError, zlib.error) as error:
        refuse(
            str(path),
            expected="a whole IDX file",
            got=f"one that can't be read ({_reason(error)})",
        )
    return (
        np.frombuffer(content, kind).reshape(shape).astype(kind.newbyteorder("="), copy=False)
    )


def _take(path: Path, file: Any, count: int) -> bytearray:
    """So many bytes, all of them there."""
    taken = bytearray()
    with contextlib.suppress(EOFError):  # gzip's word for a file that is cut off
        while len(taken) < count and (part := file.read(min(count - len(taken), 2**20))):
            taken += part
    if lacking := count - len(taken):
        refuse(
            str(path),
            expected="a whole IDX file",
            got=f"one that lacks {_counted(lacking, 'byte')} at its end",
        )
    return taken
