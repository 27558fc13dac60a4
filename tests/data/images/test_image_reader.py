"""Image files of every kind become one array; what was converted and skipped is reported."""

import gzip
import struct

import numpy as np
import pytest
from PIL import Image

from onehalf import Refusal
from onehalf.data import files
from onehalf.data.dataset import Dataset, match_channels
from onehalf.data.images import reader
from onehalf.data.images.reader import is_image_path, read_images
from onehalf.data.loading import describe, is_table_path, load

RED = (255, 0, 0)
GREEN = (0, 255, 0)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "photos"


def put(path, pixels, mode=None, **options):
    """Write an image; from a colour, one of 16 x 16 in which all pixels have it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = (
        pixels
        if isinstance(pixels, Image.Image)
        else Image.new(mode or "RGB", (16, 16), pixels)
    )
    picture.save(path, **options)
    return path


def read(folder, size=None):
    """The pixels, and the report."""
    images = read_images(folder, size)
    return images.x, images.notes[-1]


def grey(values):
    return Image.fromarray(np.asarray(values, np.uint8))


def noise(n, h, w):
    return np.random.default_rng(0).integers(0, 256, (n, h, w), dtype=np.uint8)


def test_small_grey_images_of_one_size_are_read_unchanged_in_the_order_of_their_paths(
    folder,
):
    x = noise(12, 28, 20)
    for number in np.random.default_rng(1).permutation(12):
        put(folder / f"{number:02}.png", grey(x[number]))
    rows, sentence = read(folder)
    assert (rows.dtype, rows.shape) == (np.uint8, (12, 28, 20))
    assert (rows == x).all()
    assert sentence == "12 images, grey, 28 x 20, not resized."


@pytest.mark.parametrize("ending", ["png", "jpg", "JPEG", "webp", "gif", "bmp", "tif"])
def test_every_kind_of_file_is_read(folder, ending):
    put(
        folder / f"a.{ending}",
        (250, 120, 10),
        **({"lossless": True} if ending == "webp" else {}),
    )
    assert np.abs(read_images(folder).x[0].astype(int) - (250, 120, 10)).max() <= 2


def test_two_images_of_a_phone_in_one_jpeg_are_not_an_animation(folder):
    put(
        folder / "a.jpg",
        Image.new("L", (16, 16), 90),
        format="MPO",
        save_all=True,
        append_images=[Image.new("L", (16, 16))],
    )
    rows, sentence = read(folder)
    assert rows[0, 0, 0] == 90
    assert sentence == "1 image, grey, 16 x 16, not resized."


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 1, 255),
        ("L", 77, 77),
        ("LA", (0, 128), 127),
        ("RGB", RED, RED),
        ("RGB", (9, 9, 9), 9),
        ("RGBA", (255, 0, 0, 0), 255),
        ("RGBA", (255, 0, 0, 128), (255, 127, 127)),
        ("I;16", 65535, 255),
        ("I;16", 257 * 40 + 100, 40),
        ("RGBA", (9, 9, 9, 255), 9),
    ],
)
def test_every_mode_becomes_grey_or_rgb_of_8_bits(folder, mode, colour, expected):
    put(folder / "a.png", colour, mode)
    assert read_images(folder).x[0, 3, 3].tolist() == (
        list(expected) if isinstance(expected, tuple) else expected
    )


def test_transparent_palettes_are_put_on_white(folder):
    picture = Image.new("P", (16, 16), 0)
    picture.putpalette([*RED, *GREEN])
    picture.paste(1, (0, 0, 16, 8))
    put(folder / "a.png", picture, transparency=0)
    rows, sentence = read(folder)
    assert (rows[0, 0, 0].tolist(), rows[0, 15, 0].tolist()) == (list(GREEN), [255, 255, 255])
    assert "1 with transparency, put on white" in sentence


def test_cmyk_16_bits_and_animations_are_reported(folder):
    put(folder / "a.jpg", (0, 255, 255, 0), "CMYK", quality=95)
    put(folder / "b.png", 65535, "I;16")
    frames = [Image.new("RGB", (16, 16), colour) for colour in (GREEN, RED)]
    put(folder / "c.gif", frames[0], save_all=True, append_images=frames[1:])
    put(folder / "d.webp", frames[0], save_all=True, append_images=frames[1:], lossless=True)
    put(folder / "e.tif", 65535 // 2, "I;16")
    rows, sentence = read(folder)
    assert (
        np.abs(rows[:, 8, 8].astype(int) - [RED, [255] * 3, GREEN, GREEN, [127] * 3]).max() <= 3
    )
    for remark in (
        "1 CMYK, converted",
        "2 of 16 bits, scaled to 8",
        "2 of several frames, first used",
    ):
        assert remark in sentence


def test_colours_of_16_bits_are_reported(folder):
    # Pillow writes none: a PNG of one pixel row by hand
    import zlib

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    pixels = b"".join(b"\0" + struct.pack(">3H", 65535, 32768, 0) * 4 for _ in range(4))
    head = chunk(b"IHDR", struct.pack(">2I5B", 4, 4, 16, 2, 0, 0, 0))
    folder.mkdir()
    content = (
        b"\x89PNG\r\n\x1a\n"
        + head
        + chunk(b"IDAT", zlib.compress(pixels))
        + chunk(b"IEND", b"")
    )
    (folder / "a.png").write_bytes(content)
    rows, sentence = read(folder)
    assert rows[0, 0, 0].tolist() == [255, 128, 0]
    assert "1 of 16 bits, scaled to 8" in sentence


@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_rotated_as_exif_says(folder, ending, orientation):
    upright = np.zeros((24, 16), np.uint8)
    upright[:8, :8] = 255  # bright at the upper left
    undo = [None, None, np.fliplr, lambda x: np.rot90(x, 2), np.flipud, np.transpose]
    undo += [lambda x: np.rot90(x, 1), lambda x: np.rot90(x, 2).T, lambda x: np.rot90(x, -1)]
    stored = upright if orientation == 1 else undo[orientation](upright)
    exif = Image.Exif()
    exif[0x0112] = orientation
    put(folder / f"a.{ending}", grey(stored).convert("RGB"), exif=exif)
    rows, sentence = read(folder)
    assert rows.shape == ((1, 24, 16) if rows.ndim == 3 else (1, 24, 16, 3))
    assert "24 x 16, not resized" in sentence
    assert np.abs(rows.reshape(24, 16, -1)[..., 0].astype(int) - upright).mean() < 8


def test_colour_in_one_picture_makes_all_of_them_colour(folder):
    put(folder / "a.png", 50, "L")
    put(folder / "b.png", (50, 50, 50))
    assert read_images(folder).x.shape == (2, 16, 16)
    put(folder / "c.png", (50, 50, 51))
    rows = read_images(folder).x
    assert rows.shape == (3, 16, 16, 3)
    assert rows[:2].tolist() == np.full((2, 16, 16, 3), 50).tolist()


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(64, 48)] * 2, (64, 48)),
        ([(65, 65)] * 2, (64, 64)),
        ([(200, 90), (20, 300), (39, 40)], (32, 32)),
        ([(5, 9), (9, 5)], (8, 8)),
    ],
)
def test_the_size_follows_from_those_of_the_images(folder, sizes, expected):
    for number, (h, w) in enumerate(sizes):
        put(folder / f"{number}.png", Image.new("L", (w, h)))
    assert read_images(folder).x.shape[1:] == expected


def test_the_centre_is_cropped_and_nothing_aliases(folder):
    wide = np.zeros((100, 300), np.uint8)
    wide[:, 100:200] = (
        np.indices((100, 100)).sum(axis=0) % 2 * 255
    )  # the middle square: a chequered one, grey from afar
    put(folder / "a.png", grey(wide))
    rows, sentence = read(folder, 10)
    assert np.abs(rows[0, :, 1:-1].astype(int) - 127).max() <= 3
    assert (
        sentence
        == "1 image, grey, cropped and resized to 10 x 10 from 100 x 300 (height x width)."
    )
    assert read_images(folder, (8, 24)).x.shape == (1, 8, 24)


def test_large_jpegs_are_decoded_as_well_as_others(folder):
    y, x = np.indices((1200, 1600))
    smooth = grey(127 + 60 * np.sin(x / 90) + 60 * np.cos(y / 70))
    put(folder / "a.jpg", smooth, quality=95)
    put(folder / "b.png", smooth)
    jpeg, png = read_images(folder, 32).x.astype(int)
    assert np.abs(jpeg - png).max() <= 3


def test_small_images_are_enlarged_and_counted(folder):
    put(folder / "a.png", 9, "L")
    put(folder / "b.png", Image.new("L", (40, 40)))
    rows, sentence = read(folder, 32)
    assert rows.shape == (2, 32, 32)
    assert sentence.endswith("from 16 x 16 to 40 x 40 (height x width); 1 enlarged.")


def test_odd_files_are_skipped_counted_and_named(folder, monkeypatch):
    monkeypatch.setattr(reader, "MOST_PIXELS", 1000)
    put(folder / "a.png", RED)
    put(folder / "tiny.png", Image.new("L", (1, 9)))
    put(folder / "bomb.png", Image.new("L", (50, 50)))
    put(folder / "floats.tif", 0.5, "F")
    (folder / "empty.jpg").write_bytes(b"")
    whole = put(folder / "cut.jpg", grey(noise(1, 30, 30)[0])).read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "text.webp").write_text("no picture")
    (folder / "notes.txt").write_text("passed over")
    (folder / ".hidden.png").write_text("passed over")
    rows, sentence = read(folder)
    assert len(rows) == 1
    assert (
        "; 6 skipped: bomb.png (more than 1,000 pixels), empty.jpg (not an image), text.webp"
        in sentence
    )
    assert sentence.endswith(", and 3 more.")
    for name in ("floats.tif", "cut.jpg", "tiny.png"):
        (folder / "a.png").unlink(missing_ok=True)
        (folder / "alone").mkdir(exist_ok=True)
        (folder / name).rename(folder / "alone" / name)
        with pytest.raises(
            Refusal, match=r"expected images that can be read; got none in 1 file \("
        ):
            read_images(folder / "alone")
        (folder / "alone" / name).unlink()


def test_pillows_own_bomb_warning_does_not_leak(folder, monkeypatch):
    put(folder / "a.png", RED)
    put(folder / "b.png", Image.new("L", (40, 40)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # 40 x 40 warns
    assert len(read_images(folder).x) == 2
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 300)  # and now raises
    rows, sentence = read(folder)
    assert len(rows) == 1
    assert "1 skipped: b.png (more than 64,000,000 pixels)" in sentence


def test_sub_folders_are_classes(folder):
    for name, colour in {"dog": RED, "cat": GREEN}.items():
        for number in range(2):
            put(folder / name / f"{number}.png", colour)
    (folder / "cat" / "2.png").write_bytes(b"")
    rows, labels, (sentence,) = read_images(folder)
    assert labels.tolist() == ["cat", "cat", "dog", "dog"]
    assert rows[:, 0, 0].tolist() == [list(GREEN)] * 2 + [list(RED)] * 2
    assert sentence.startswith(
        "4 images in 2 classes, colour, 16 x 16, not resized; 1 skipped: cat/2.png"
    )
    data = load(str(folder))
    about = describe(str(folder), data)
    assert data.labels.tolist() == labels.tolist()
    assert (about.kind, about.shape, about.rows) == ("images", (16, 16, 3), 4)
    assert about.about.endswith("; cat 2, dog 2")


def test_links_are_followed_but_not_in_circles(folder, tmp_path):
    put(folder / "cat" / "a.png", RED)
    put(tmp_path / "elsewhere" / "b.png", GREEN)
    (folder / "dog").symlink_to(tmp_path / "elsewhere")
    (folder / "cat" / "up").symlink_to(folder)
    (tmp_path / "elsewhere" / "round").symlink_to(folder / "cat")
    assert len(read_images(folder).x) == 3  # that of the cat once more by way of the dog
    (folder / "cat" / "up").unlink()
    (tmp_path / "elsewhere" / "round").unlink()
    assert read_images(folder).labels.tolist() == ["cat", "dog"]


def test_a_folder_that_cannot_be_read_is_refused(folder, monkeypatch):
    put(folder / "cat" / "a.png", RED)
    monkeypatch.setattr(reader.os, "access", lambda path, mode: not str(path).endswith("cat"))
    with pytest.raises(
        Refusal, match=r"cat: expected a folder that can be read; got Permission denied\.$"
    ):
        read_images(folder)


def test_a_file_outside_the_classes_is_reported(folder):
    for name in ("cat/a.png", "dog/a.png", "preview.png"):
        put(folder / name, RED)
    _, labels, (sentence,) = read_images(folder)
    assert labels is None
    assert f"no classes, as 1 image in {folder} is outside of them" in sentence
    (folder / "preview.png").write_bytes(b"")
    _, labels, (sentence,) = read_images(folder)
    assert labels.tolist() == ["cat", "dog"]
    assert "1 skipped: preview.png" in sentence


def test_skipped_files_do_not_affect_the_size(folder):
    for number in range(4):
        put(folder / f"{number}.png", Image.new("L", (28, 28)))
    big = put(folder / "big.png", Image.new("L", (300, 300)))
    big.write_bytes(big.read_bytes()[:60])
    rows, sentence = read(folder)
    assert rows.shape == (4, 28, 28)
    assert "28 x 28, not resized; 1 skipped: big.png" in sentence


def test_an_odd_orientation_is_ignored(folder):
    exif = b"Exif\0\0II*\0" + struct.pack(
        "<IHHHI4sI", 8, 1, 0x0112, 2, 2, b"6\0", 0
    )  # a word, of 2 letters
    put(folder / "a.jpg", RED, exif=exif)
    assert len(read_images(folder).x) == 1


def test_sets_of_images_get_the_same_channels():
    grey, colour = Dataset(noise(2, 4, 4)), Dataset(np.zeros((3, 4, 4, 3), np.uint8))
    labelled = Dataset(grey.values, np.array([0, 1]))
    assert match_channels([grey, grey])[0] is grey
    first, last = match_channels([labelled, colour])
    assert last is colour
    assert (first.values == grey.values[..., None]).all()
    assert (first.values.shape, first.labels.tolist()) == ((2, 4, 4, 3), [0, 1])
    assert match_channels([grey], (4, 4, 3))[0].values.shape == (2, 4, 4, 3)


def test_folders_of_whole_numbers_are_whole_numbers(folder):
    for name in ("10", "9"):
        put(folder / name / "a.png", RED)
    assert read_images(folder).labels.tolist() == [10, 9]
    put(folder / "007" / "a.png", RED)
    assert read_images(folder).labels.tolist() == ["007", "10", "9"]


@pytest.mark.parametrize("others", [["a.png"], ["cat/deep/a.png"], []])
def test_other_folders_have_no_labels(folder, others):
    put(folder / "cat" / "a.png", RED)
    for other in others:
        put(folder / other, RED)
    assert read_images(folder).labels is None


def test_progress_is_reported_in_ever_fewer_lines(folder, monkeypatch):
    for number in range(9):
        put(folder / f"{number}.png", RED)
    monkeypatch.setattr(reader, "BATCH", 2)
    monkeypatch.setattr(reader, "FIRST_REPORT", -1.0)
    sentences = []
    read_images(folder, on_progress=sentences.append)
    assert sentences[:2] == ["2 of 9 images examined.", "4 of 9 images examined."]
    assert sentences[-1] == "9 of 9 images read."
    monkeypatch.setattr(reader, "FIRST_REPORT", 60.0)
    sentences.clear()
    read_images(folder, on_progress=sentences.append)
    assert not sentences


def test_of_images_that_do_not_fit_into_memory_some_are_drawn(folder, monkeypatch):
    for number in range(20):
        put(folder / "ab"[number % 2] / f"{number:02}.png", (number, 0, 255))
    monkeypatch.setattr(files, "MOST_BYTES", 20 * 8 * 8 * 3)
    images = read_images(folder, 16)
    assert images.x.shape == (5, 16, 16, 3)
    numbers = images.x[:, 0, 0, 0]
    assert len(set(numbers)) == 5
    assert (images.labels == np.array(["a", "b"])[numbers % 2]).all()
    assert images.notes[0] == (
        f"{folder} has 20 images: 5 of them, drawn at random, are used; --size 8 has room for all."
    )
    assert (read_images(folder, 16).x == images.x).all()
    assert read_images(folder, 8).x.shape == (20, 8, 8, 3)


def test_of_too_many_images_only_those_that_are_drawn_are_opened(folder, monkeypatch):
    for number in range(8):
        put(folder / f"{number}.png", (number, 0, 255))
    monkeypatch.setattr(reader, "MOST_FILES", 3)
    opened = []
    read = reader._read_header
    monkeypatch.setattr(reader, "_read_header", lambda file: opened.append(file) or read(file))
    images = read_images(folder)
    assert len(images.x) == len(opened) == 3
    assert images.notes[0].endswith("has 8 images: 3 of them, drawn at random, are used.")


def test_one_image_that_does_not_fit_into_memory_is_refused(folder, monkeypatch):
    put(folder / "0.png", RED)
    monkeypatch.setattr(files, "MOST_BYTES", 100 * 100)
    with pytest.raises(Refusal, match=r"of shape \(1, 100, 100, 3\)"):
        read_images(folder, 100)


@pytest.mark.parametrize("size", [3, 1025, 0, -8, "64", 16.0, (16,), (16, 0), (8, 8, 3), True])
def test_an_invalid_size_is_refused(folder, size):
    with pytest.raises(
        Refusal,
        match=r"^size: expected a side of 4 to 1,024 pixels, or a height and a width; got",
    ):
        read_images(folder, size)


def test_folders_without_images_are_refused(folder):
    with pytest.raises(
        Refusal, match="expected a folder of images, or an IDX file; got nothing there"
    ):
        read_images(folder)
    folder.mkdir()
    with pytest.raises(Refusal, match=r"expected images \(.png, .* got an empty folder"):
        read_images(folder)
    (folder / "notes.txt").write_text("")
    with pytest.raises(Refusal, match="got none of these among 1 file"):
        read_images(folder)
    (folder / "a.png").write_text("no picture")
    with pytest.raises(Refusal, match=r"got none in 1 file \(a.png: not an image\)"):
        read_images(folder)
    (folder / "recipe.json").write_text("{}")
    with pytest.raises(Refusal, match=r"got a run of onehalf.*onehalf measure DATA RUN"):
        load(str(folder))


def idx(path, x, pack=bytes):
    """Write an IDX file."""
    types = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}
    head = bytes([0, 0, types[x.dtype.str[1:]], x.ndim]) + struct.pack(f">{x.ndim}I", *x.shape)
    path.write_bytes(pack(head + x.astype(x.dtype.newbyteorder(">")).tobytes()))
    return path


@pytest.mark.parametrize("kind", ["u1", "i1", "i2", "i4", "f4", "f8"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_files_there_and_back(tmp_path, kind, pack):
    x = np.random.default_rng(0).integers(0, 100, (7, 5, 4)).astype(kind)
    path = idx(tmp_path / "train-images-idx3-ubyte.gz", x, pack)
    rows = load(str(path)).values
    assert (rows.dtype, rows.shape) == (x.dtype, x.shape)
    assert (rows == x).all()
    coloured = np.stack([x] * 3, axis=-1)
    assert (read_images(idx(tmp_path / "photos.idx", coloured)).x == coloured).all()
    assert describe(str(path), load(str(path))).about == f"an array of {x.dtype}"


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz"),
        ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte"),
        ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
    ],
)
def test_labels_beside_an_idx_file_are_read(tmp_path, name, labels):
    x, y = noise(6, 28, 28), np.array([5, 0, 4, 1, 9, 2], np.uint8)
    idx(tmp_path / name, x, gzip.compress if name.endswith("gz") else bytes)
    assert (read_images(tmp_path / name).x == x).all()
    idx(tmp_path / labels, y, gzip.compress if labels.endswith("gz") else bytes)
    rows, found, _ = read_images(tmp_path / name)
    assert (rows == x).all()
    assert found.tolist() == y.tolist()
    word = str(tmp_path / name)
    assert describe(word, load(word)).about.startswith("an array of uint8; 5 1, 0 1")
    idx(tmp_path / labels, y[:5])
    with pytest.raises(Refusal, match="expected 6 labels, one for each row; got 5"):
        read_images(tmp_path / name)
    with pytest.raises(
        Refusal, match=r"expected images; got 5 labels\. Name the file of the images"
    ):
        read_images(tmp_path / labels)


def damaged(packed):
    return packed[:-6] + bytes([packed[-6] ^ 1]) + packed[-5:]


def test_damaged_idx_files_are_refused(tmp_path, monkeypatch):
    path = idx(tmp_path / "train-images-idx3-ubyte", noise(3, 4, 4))
    whole = path.read_bytes()
    for content, sentence in {
        whole[:-5]: r"a whole IDX file; got one that lacks 5 bytes at its end",
        whole[:15]: r"lacks 1 byte at its end",
        whole[:2]: r"lacks 2 bytes at its end",
        b"": r"lacks 4 bytes at its end",
        whole + b"\0": r"expected 48 bytes of numbers, as its header says; got more",
        b"\x89PNG"
        + whole: r"begins with 0, 0, a type and the number of its axes, 1 to 8; got 137, 80, 78, 71",
        bytes([0, 0, 10, 3]) + whole[4:]: r"got 0, 0, 10, 3",
        bytes([0, 0, 8, 0]): r"got 0, 0, 8, 0",
        bytes([0, 0, 8, 100]) + bytes([0, 0, 0, 1] * 100): r"got 0, 0, 8, 100",
        bytes([0, 0, 8, 3])
        + bytes(4)
        + bytes([255] * 8): r"at least one example; got an empty array of shape \(0, ",
        gzip.compress(whole)[:-1]: r"can't be read \(Compressed file ended",
        gzip.compress(whole)[:-8]: r"can't be read \(Compressed file ended",
        gzip.compress(noise(1, 99, 99).tobytes())[:1000]: r"begins with 0, 0",
        gzip.compress(whole + bytes(99))[:40]: r"at its end",
        b"\x1f\x8b\x08": r"lacks 4 bytes at its end",
        damaged(gzip.compress(whole)): r"one that can't be read \(CRC check failed",
        b"\x1f\x8b\x09" + bytes(99): r"one that can't be read",
    }.items():
        path.write_bytes(content)
        with pytest.raises(Refusal, match=sentence):
            read_images(path)
    path.write_bytes(bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**31, 28, 28))
    with pytest.raises(Refusal, match=r"at most 3 GiB, decoded; got 1,568.0 GiB of shape"):
        read_images(path)
    with pytest.raises(Refusal, match="got nothing there"):
        read_images(tmp_path / "no-ubyte")
    with pytest.raises(Refusal, match=r"^size: expected a folder of images to resize"):
        read_images(path, 32)


def test_images_are_not_tables(folder):
    put(folder / "a.png", RED)
    for word in (str(folder), "x-idx3-ubyte", "X.IDX.GZ"):
        assert is_image_path(word)
        assert not is_table_path(word)
    for word in ("people.csv", "digits", "rows.npz", "photos/no"):
        assert not is_image_path(word)
    assert is_table_path("people.csv")
    with pytest.raises(Refusal, match=r"one.png: expected a folder of images; got one image"):
        load("one.png")
    assert not is_image_path("x" * 300)
