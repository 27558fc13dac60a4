"""Sheets, neighbours, films and folders of images: what is drawn is what is there."""

import io

import numpy as np
import pytest
from PIL import Image, ImageColor

from onehalf import Refusal, figures
from onehalf.data.images.properties import pixel_limits
from onehalf.data.images.reader import read_images
from onehalf.distributions import Digits
from onehalf.figures import image_grid, overview
from onehalf.figures.image_grid import GAP_COLOUR, tile_images
from onehalf.figures.style import DATA, new_figure

GAP = ImageColor.getrgb(GAP_COLOUR)
BLUE = ImageColor.getrgb(DATA)


@pytest.fixture
def noise():
    return np.random.default_rng(0).integers(0, 256, (7, 12, 8, 3), dtype=np.uint8)


def opened(content):
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


def test_each_pixel_is_a_square(noise):
    pixels = np.asarray(figures.draw_image_grid(noise, across=3, magnify=5))
    assert pixels.shape == (5 * (3 * 13 - 1), 5 * (3 * 9 - 1), 3)
    first = pixels[: 5 * 12, : 5 * 8]
    assert (first == noise[0].repeat(5, axis=0).repeat(5, axis=1)).all()
    fifth = pixels[5 * 13 : 5 * 25, 5 * 9 : 5 * 17]
    assert (fifth == noise[4].repeat(5, axis=0).repeat(5, axis=1)).all()
    for place in (
        (5 * 12, 0),
        (0, 5 * 8),
        (-1, -1),
    ):  # between two images, and where there is none
        assert tuple(pixels[place]) == GAP


def test_a_sheet_is_a_square_of_up_to_1000_pixels():
    assert figures.draw_image_grid(np.zeros((64, 28, 28))).size == (4 * (8 * 29 - 1),) * 2
    assert figures.draw_image_grid(np.zeros((8, 10, 20))).size == (
        23 * (2 * 21 - 1),
        23 * (4 * 11 - 1),
    )
    assert figures.draw_image_grid(np.zeros((64, 256, 256))).size == (8 * 272 - 16,) * 2
    assert figures.draw_image_grid(np.zeros((1, 8, 8))).size == (1000, 1000)
    assert opened(figures.encode_image_grid(np.zeros((2, 8, 8)))).size == (58 * 17, 58 * 8)


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (np.array([[[0, 8, 16]]], np.uint8), [0, 128, 255]),
        (np.array([[[0, 8, 200]]], np.uint8), [0, 8, 200]),
        (np.array([[[0.0, 0.5, 0.75]]]), [0, 128, 191]),
        (np.array([[[-1.0, 0.0, 3.0]]]), [0, 64, 255]),
        (np.array([[[False, True, True]]]), [0, 255, 255]),
        (np.array([[[7.0, 7.0, 7.0]]]), [0, 0, 0]),
        (np.array([[[0, 0, 65535]]], np.uint16), [0, 0, 255]),
    ],
)
def test_black_and_white_follow_from_the_numbers(images, expected):
    assert tile_images(images)[0, :3, 0].tolist() == expected


def test_black_and_white_can_be_the_datas():
    dark = np.array([[[0, 8, 20]]], np.uint8)
    assert tile_images(dark, limits=(0, 255))[0, :, 0].tolist() == [0, 8, 20]
    assert tile_images(dark, limits=(0, 16))[0, :, 0].tolist() == [0, 128, 255]
    assert tile_images(dark[:0]).shape == (1, 3, 4)


def test_what_is_no_image_is_refused():
    for shape in ((5, 2), (5, 4, 4, 2), (5, 1, 4, 4, 3)):
        with pytest.raises(Refusal, match=r"^images: expected shape \(n, h, w\)"):
            figures.draw_image_grid(np.zeros(shape))


def test_the_nearest_training_image_is_found_and_how_near_it_is(monkeypatch):
    rng = np.random.default_rng(0)
    train, samples = rng.normal(size=(100, 5, 4)), rng.normal(size=(9, 5, 4))
    samples[3] = train[71]
    distances = np.linalg.norm((samples[:, None] - train).reshape(9, 100, -1), axis=2)
    for pixels in (2**24, 7 * 20):
        monkeypatch.setattr(image_grid, "BLOCK_PIXELS", pixels)
        place, distance = figures.find_nearest(samples, train)
        assert place.tolist() == distances.argmin(axis=1).tolist()
        assert distance == pytest.approx(distances.min(axis=1))
        assert (place[3], distance[3]) == (71, 0)
    digits = Digits.rows()
    assert (figures.find_nearest(digits[:50], digits)[1] == 0).all()
    with pytest.raises(Refusal, match=r"^train: expected images of the samples' shape"):
        figures.find_nearest(samples, train[:, :4])
    with pytest.raises(Refusal, match=r"at least one; got \(0, 5, 4\)"):
        figures.find_nearest(samples, train[:0])


def test_each_sample_stands_beside_its_neighbour_in_a_frame(noise):
    pixels = np.asarray(figures.draw_nearest(noise[:3], noise[3:6], across=1, magnify=1))
    assert pixels.shape == (3 * 15 - 1, 2 * 10, 3)
    for pair in range(3):
        sample, nearest = np.split(pixels[15 * pair : 15 * pair + 14], 2, axis=1)
        assert (sample[1:-1, 1:-1] == noise[pair]).all()
        assert (nearest[1:-1, 1:-1] == noise[3 + pair]).all()
        assert {tuple(pixel) for pixel in sample[0]} == {GAP}
        assert {tuple(pixel) for side in (nearest[0], nearest[:, -1]) for pixel in side} == {
            BLUE
        }
    with pytest.raises(Refusal, match=r"^nearest: expected an image for each sample"):
        figures.draw_nearest(noise[:3], noise[:2])


def test_pairs_are_drawn_by_the_black_and_white_of_the_training_images():
    dark, bright = np.zeros((1, 2, 2)), np.full((1, 2, 2), 4.0)
    bright[0, 0, 0] = 0
    pixels = np.asarray(figures.draw_nearest(dark + 2, bright, magnify=1))
    assert pixels[2, 2, 0] == 128
    assert pixels[2, 6, 0] == 255


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_a_film_is_a_sheet_after_the_other(suffix):
    frames = np.zeros((5, 4, 8, 8))
    for t in range(5):
        frames[t] = t / 4
    film = opened(figures.encode_image_grid_film(frames, suffix, magnify=2))
    assert film.n_frames == 5
    assert film.size == figures.draw_image_grid(frames[0], magnify=2).size
    shown = []
    for t in range(5):
        film.seek(t)
        assert (
            np.abs(np.asarray(film.convert("RGB"))[3, 3].astype(int) - round(255 * t / 4)).max()
            <= 1
        )
        film.load()
        shown.append(film.info["duration"])
    assert shown == [120] * 4 + [2000]


def test_films_of_figures_are_webp_too():
    film = opened(figures.encode_film([new_figure("x", name)[0] for name in "yz"], ".webp"))
    assert (film.n_frames, film.size) == (2, (560, 320))


def test_a_page_plays_sheets():
    page = figures.encode_image_grid_film(np.zeros((3, 4, 8, 8)), ".html").decode()
    assert page.count("UklGR") == 3  # RIFF: a WebP


@pytest.mark.parametrize("suffix", [".mp4", ""])
def test_what_is_no_film_is_refused(suffix):
    with pytest.raises(
        Refusal, match=r"^the film's name: expected a .gif, .webp or .html file; got"
    ):
        figures.encode_image_grid_film(np.zeros((2, 1, 4, 4)), suffix)


@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_folder_of_files_reads_as_the_images_it_was_made_of(tmp_path, channels):
    images = np.random.default_rng(0).integers(0, 256, (6, 9, 7, *channels), dtype=np.uint8)
    for name, content in figures.encode_images(images):
        (tmp_path / name).write_bytes(content)
        assert opened(content).mode == ("RGB" if channels else "L")
    assert (read_images(tmp_path).x == images).all()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{number:06}.png" for number in range(6)
    ]


def test_labels_are_folders_and_come_back(tmp_path):
    images, labels = (
        np.random.default_rng(0).integers(0, 256, (4, 8, 8), dtype=np.uint8),
        [3, 10, 3, 7],
    )
    for name, content in figures.encode_images(images, labels):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    found = read_images(tmp_path)
    assert found.labels.tolist() == [10, 3, 3, 7]  # in the order of their paths
    assert (found.x == images[[1, 0, 2, 3]]).all()


@pytest.mark.parametrize("label", ["", "..", "a/b", "a\\b", ".git"])
def test_labels_that_name_no_folder_are_refused(label):
    with pytest.raises(Refusal, match=r"^labels: expected words that can name a folder"):
        list(figures.encode_images(np.zeros((1, 4, 4)), [label]))


def test_a_reports_sheet_has_whole_pixels(noise):
    for images in (noise, Digits.rows()):
        n, h, w = images.shape[:3]
        picture = np.asarray(
            opened(figures.encode_figure(figures.draw_images({"data": images}), ".png"))
        )[..., :3]
        drawn = tile_images(
            images[np.linspace(0, n - 1, min(n, figures.IMAGES_SHOWN)).astype(int)],
            limits=pixel_limits(images),
        )
        times = overview.GRID_SIDE // max(drawn.shape[:2])
        sheet = picture[-drawn.shape[0] * times :, : drawn.shape[1] * times]
        squares = sheet[: h * times, : w * times].reshape(h, times, w, times, 3)
        assert (squares == squares[:, :1, :, :1]).all()
        assert (squares[:, 0, :, 0] == drawn[:h, :w, :3]).all()
