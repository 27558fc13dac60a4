"""Pictures, labels and features measured: what critics see, what is promised class by class, what is refused."""

import functools
import json
import math

import jax.random as jr
import numpy as np
import pytest

import onehalf as oh
from helpers import is_rare, over_seeds, plant_nothing
from onehalf.evaluation import measurement, pairing
from onehalf.evaluation.certificate import neural_critics
from onehalf.evaluation.certificate.bounds import payoff
from onehalf.evaluation.certificate.certificate import certify
from onehalf.evaluation.certificate.critics import learn
from onehalf.evaluation.checks.audit import audit_samples
from onehalf.evaluation.checks.memorization import _nearest
from onehalf.evaluation.explain import per_class
from onehalf.evaluation.explain.per_class import compare_classes
from onehalf.evaluation.explain.regions import binary_jsd
from onehalf.evaluation.features.arrays import ArrayEncoder
from onehalf.evaluation.features.image_properties import describe_images
from onehalf.evaluation.features.images import ImageEncoder, TextureFeatures, shrink
from onehalf.evaluation.features.tables import TableColumns
from onehalf.evaluation.pairing import PairedSamples
from onehalf.evaluation.rows import wrap
from onehalf.measuring import encode_samples
from onehalf.report import render_measurement_page

ALPHA = 0.05
TINY = ImageEncoder((8, 8))
QUICK = ("linear", "cells", "grain")


def photos(rng, n, size=(8, 8), mean=128):
    """Smooth shapes and a little noise, in uint8."""
    rough = (
        rng.normal(size=(n, 2, 2, *size[2:]))
        .repeat(size[0] // 2, axis=1)
        .repeat(size[1] // 2, axis=2)
    )
    return np.clip(mean + 40 * rough + 10 * rng.normal(size=(n, *size)), 0, 255).astype(
        np.uint8
    )


def pairs_of_dots(rng, n, apart, side=12):
    """Two dots, so far apart, at a place where they are as likely as at any other: the mean picture is even."""
    pictures = np.zeros((n, side, side), np.float32)
    i, j = rng.integers(0, side, (2, n))
    pictures[np.arange(n), i, j] = pictures[np.arange(n), i, (j + apart) % side] = 1
    return pictures.reshape(n, -1)


@pytest.fixture
def swift(monkeypatch):
    """A measurement with quick critics, and nothing planted."""
    quick = functools.partial(certify, kinds=QUICK)
    for module in (pairing, measurement):
        monkeypatch.setattr(module, "certify", quick)
    monkeypatch.setattr(per_class, "KINDS", ("linear",))
    monkeypatch.setattr(
        pairing.PairedSamples,
        "certify",
        lambda self, key, alpha, kinds=QUICK: certify(
            key, self.x, self.y, alpha, kinds=kinds, encoder=self.encoder, matched=self.matched
        ),
    )
    plant_nothing(monkeypatch)


@pytest.fixture
def short(monkeypatch):
    """Nets of convolutions that learn for a moment only."""
    monkeypatch.setattr(neural_critics, "IMAGE_STEPS", 20)


# --------------------------------------------------------------------------------------------------- what critics see


def test_a_smaller_copy_has_the_means_of_squares_and_what_is_left_over_at_an_edge():
    pictures = np.random.default_rng(0).random((3, 28, 28, 1)).astype(np.float32)
    means = pictures.reshape(3, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(3, -1)
    np.testing.assert_allclose(shrink(pictures), means, rtol=1e-5)
    assert shrink(np.ones((2, 30, 45, 1))).tolist() == np.ones((2, 150)).tolist()
    assert shrink(np.ones((1, 64, 64, 3))).shape == (1, 192)
    tiny = pictures[:, :8, :8]
    np.testing.assert_array_equal(shrink(tiny), tiny.reshape(3, -1))


def test_texture_is_the_strength_of_patterns_in_units_of_their_own():
    noise = np.random.default_rng(0).normal(size=(400, 12, 12, 1)) * 7
    textures = TextureFeatures.fit(np.random.default_rng(1), noise)
    assert textures(noise).shape == (400, 4 * 25)
    np.testing.assert_allclose(textures(noise).mean(), math.sqrt(2 / math.pi), rtol=0.05)
    np.testing.assert_allclose(textures(2 * noise), 2 * textures(noise))
    even = np.ones((30, 12, 12, 1))
    assert TextureFeatures.fit(np.random.default_rng(1), even)(even).shape == (30, 0)


@pytest.mark.parametrize(("kind", "sees"), [("linear", False), ("conv", True)])
def test_dots_one_pixel_further_apart_are_seen_by_convolutions_and_not_by_a_mean(kind, sees):
    rng = np.random.default_rng(0)
    critic = learn(
        jr.key(0),
        pairs_of_dots(rng, 600, 1),
        pairs_of_dots(rng, 600, 2),
        600,
        kinds=(kind,),
        encoder=ImageEncoder((12, 12)),
    )
    x, y = pairs_of_dots(rng, 2000, 1), pairs_of_dots(rng, 2000, 2)
    gain = payoff(critic.d(x), critic.d(y)[:, None], -10, 10).mean()
    assert (gain > 0.3) if sees else (gain < 0.01)


def test_grain_sees_a_little_noise_that_nothing_else_sees():
    rng = np.random.default_rng(0)
    x, y = (photos(rng, 300, (32, 32)).reshape(300, -1).astype(np.float32) for _ in range(2))
    y += np.rint(rng.normal(size=y.shape) * 3)
    lower = {
        kinds: certify(
            jr.key(0), x, y[:, None], kinds=kinds, encoder=ImageEncoder((32, 32))
        ).jsd_lower
        for kinds in (("linear", "quadratic", "cells"), ("linear", "grain"))
    }
    assert lower["linear", "grain"] > 0.05
    assert lower["linear", "quadratic", "cells"] == 0


def test_the_class_and_the_features_are_seen_as_well():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(2, 800, 8, 8))

    def rows(side, feature, label):
        return wrap(noise[side], label, feature)

    plain, even = rng.normal(size=(2, 800, 2)), rng.integers(0, 3, (2, 800))
    odd = np.where(rng.random(800) < 0.5, 2, even[1])
    for x, y in (
        (rows(0, plain[0], even[0]), rows(1, plain[1], odd)),
        (rows(0, plain[0], even[0]), rows(1, plain[1] + [1, 0], even[1])),
    ):
        assert certify(jr.key(0), x, y, kinds=QUICK, encoder=TINY).jsd_lower > 0.01


def test_pixels_share_a_unit_so_that_a_speck_in_a_corner_does_not_count_most():
    rng = np.random.default_rng(0)
    rows = photos(rng, 500).reshape(500, -1).astype(np.float32)
    rows[:, 0] = 0
    rows[0, 0] = 9
    pixels = wrap(rows)
    scaled = TINY.distance_space(pixels)(pixels)
    np.testing.assert_allclose(scaled, rows / rows.std(), rtol=1e-5)
    featured = wrap(rows, features=100 * rng.normal(size=(500, 3)))
    assert TINY.distance_space(featured)(featured).std(axis=0) == pytest.approx([1, 1, 1])


def test_nearest_rows_of_wide_ones_are_found_among_projections():
    rows = np.random.default_rng(0).normal(size=(200, 1500)).astype(np.float32)
    order = np.random.default_rng(1).permutation(200)
    assert (_nearest(rows[order] + 0.01, rows) == order).all()


# ------------------------------------------------------------------------------------------------ promises, frequencies


def with_a_mark(rng, n, share):
    """Noise, and with this probability a mark: what tells two such laws apart is one coin."""
    pictures = rng.normal(size=(n, 8, 8)).astype(np.float32)
    pictures[rng.random(n) < share, 2:5, 2:5] += 4
    return pictures.reshape(n, -1)


@over_seeds(6, 24)
@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.3, 0.7)], ids=["one law", "two"])
def test_bounds_of_convolutions_lie_above_the_truth_seldom(seeds, shares):
    jsd, found = binary_jsd(*shares), []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        x, y = (with_a_mark(rng, 240, share) for share in shares)
        found.append(
            certify(jr.key(seed), x, y[:, None], ALPHA, kinds=("conv", "grain"), encoder=TINY)
        )
    assert is_rare([each.jsd_lower > jsd for each in found])
    if jsd == 0:
        assert is_rare([each.p_value <= ALPHA for each in found])
        assert is_rare([each.log_e >= math.log(1 / ALPHA) for each in found])


def of_class(rng, labels, shift):
    """One number whose mean differs in class 1 alone."""
    return (rng.normal(size=len(labels)) + shift * (labels == 1))[:, None]


JSD_SHIFTED = 0.110956  # of N(0, 1) and N(1, 1)


@over_seeds(20, 80)
def test_bounds_of_all_classes_hold_at_once_where_bets_are_sorted_by_class(seeds):
    wrong, seen = [], []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, 3, 240)
        x, y = (wrap(of_class(rng, labels, shift), labels) for shift in (0.0, 1.0))
        found = certify(
            jr.key(seed),
            x,
            y,
            kinds=("linear",),
            encoder=ArrayEncoder(),
            matched=True,
        )
        bets = labels[found.starts[0] :]
        lower = [found.of_pairs(bets == label, ALPHA / 3).jsd_lower for label in range(3)]
        wrong.append(lower[0] > 0 or lower[1] > JSD_SHIFTED or lower[2] > 0)
        seen.append(lower[1] > 0)
    assert is_rare(wrong)
    assert np.mean(seen) > 0.1


@over_seeds(10, 30)
def test_shares_and_bounds_of_all_classes_hold_at_once_where_each_is_bet_on_by_itself(
    seeds,
    monkeypatch,
):
    monkeypatch.setattr(per_class, "KINDS", ("linear",))
    shares, wrong, missed, seen = ((0.3, 0.5, 0.2), (0.5, 0.3, 0.2)), [], [], []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        y = [rng.choice(3, size=300, p=share) for share in shares]
        rows = encode_samples(
            *(
                (of_class(rng, labels, shift), labels)
                for labels, shift in zip(y, (0.0, 1.0), strict=True)
            ),
            None,
            None,
            None,
            seed,
        )
        pair = PairedSamples(seed, rows.real, rows.other, rows.encoder)
        settled = certify(jr.key(seed), pair.x, pair.y, kinds=(), encoder=pair.encoder)
        found = compare_classes(jr.key(seed), pair, settled, pair.other, None, ALPHA)
        lower = [each.jsd_lower for each in found]
        wrong.append(lower[0] > 0 or lower[1] > JSD_SHIFTED or lower[2] > 0)
        seen.append(lower[1] > 0)
        missed.append(
            any(
                not getattr(each, side).interval[0]
                <= share[place]
                <= getattr(each, side).interval[1]
                for place, each in enumerate(found)
                for side, share in zip(("real", "other"), shares, strict=True)
            )
        )
    assert is_rare(wrong)
    assert is_rare(missed)
    assert np.mean(seen) > 0.1


# ----------------------------------------------------------------------------------------------------- as a user has it


@pytest.mark.usefixtures("swift")
def test_a_class_that_is_made_too_seldom_and_one_that_is_made_otherwise_are_named():
    rng = np.random.default_rng(0)
    y, y_other = (
        rng.choice(["cat", "dog", "owl"], 900),
        rng.choice(["cat", "dog", "owl"], 900, p=[0.45, 0.45, 0.1]),
    )
    x, other = photos(rng, 900), photos(rng, 900)
    other[y_other == "dog"] = 255 - other[y_other == "dog"] // 2
    found = oh.measure(
        real=(x, y), other=(other, y_other), train=(photos(rng, 900), rng.permutation(y))
    )
    assert [each.label for each in found.classes] == ["cat", "dog", "owl"]
    assert found.classes[2].other.interval[1] < found.classes[2].real.interval[0]
    assert (
        found.classes[1].jsd_lower
        > 0.2
        > found.classes[0].jsd_lower
        == found.classes[0].baseline.jsd_lower
        == 0
    )
    told = " ".join(found.sentences)
    assert "Classes whose shares differ" in told
    assert "owl (" in told
    assert "1 of 3, the most dog (at least" in told
    assert found.jsd_lower > 0
    assert json.loads(json.dumps(found.to_dict())) == found.to_dict()
    page = render_measurement_page(found, x, other)
    for told in (
        "Class by class",
        "least like the other sample",
        "least like the data",
        "most like the data",
    ):
        assert told in page


@pytest.mark.usefixtures("swift")
def test_a_class_that_the_data_do_not_have_is_told_of():
    rng = np.random.default_rng(0)
    x, y = photos(rng, 300), rng.choice(["cat", "dog"], 300)
    found = oh.measure(
        real=(x, y), other=(photos(rng, 300), rng.choice(["cat", "dog", "unicorn"], 300))
    )
    last = found.classes[-1]
    assert (last.label, last.real.count) == ("unicorn", 0)
    assert last.real.interval[1] < last.other.interval[0]
    assert "unicorn (" in " ".join(found.sentences)


@pytest.mark.parametrize(
    "shape", [(8, 300), pytest.param((200, 16), marks=pytest.mark.slow), (16, 9)]
)
def test_pictures_far_longer_than_wide_are_seen_by_convolutions(shape, short):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (2, 250, *shape), dtype=np.uint8)
    flat = [each.reshape(len(each), -1).astype(np.float32) for each in (x, y)]
    assert np.isfinite(
        learn(jr.key(0), *flat, 250, kinds=("conv",), encoder=ImageEncoder(shape)).d(flat[0])
    ).all()


@pytest.mark.usefixtures("swift")
def test_copies_equal_rows_by_their_pixels_whatever_their_features():
    rng = np.random.default_rng(0)
    train, x = photos(rng, 200), photos(rng, 200)
    sides = {"real": x, "other": train, "train": train}
    features = {side: rng.normal(size=(200, 1)) for side in sides}
    found = oh.measure(**sides, features=features)
    assert found.memorization.duplicates.train.count == 200
    assert any(
        "these were not learned from the training rows" in told
        for told in found.memorization.sentences
    )
    assert "not learned from" not in " ".join(oh.measure(**sides).memorization.sentences)


class Maker:
    """As much of a GAN with labels as a measurement asks of one."""

    labels_ = ("class",)

    def __init__(self, shift):
        self.shift = shift

    def sample(self, n=None, random_state=None, given=None):
        rng = np.random.default_rng(random_state)
        y = rng.integers(0, 2, n) if given is None else np.asarray(given)
        made = photos(rng, len(y)).astype(int) + self.shift * (y == 1)[:, None, None]
        return np.clip(made, 0, 255).astype(np.uint8), y


@pytest.mark.usefixtures("swift")
def test_a_sampler_with_labels_is_asked_for_those_of_each_row():
    rng = np.random.default_rng(0)
    y = (rng.random(300) < 0.8).astype(int)
    found = oh.measure(real=(photos(rng, 300), y), sampler=Maker(40))
    assert found.given == ("class",)
    assert found.n_other == 3000
    zero, one = found.classes
    assert one.jsd_lower > 0.05 > zero.jsd_lower == 0
    # the maker's own classes come half and half, which is no matter of the pairs
    assert one.other.share == pytest.approx(0.5, abs=0.03)
    assert "generated for its own class" in " ".join(found.sentences)


@pytest.mark.usefixtures("swift")
def test_labels_of_one_side_only_are_left_out_and_that_is_said():
    rng = np.random.default_rng(0)
    x, other, y = photos(rng, 200), photos(rng, 200), rng.integers(0, 2, 200)
    found = oh.measure(real=(x, y), other=other)
    assert found.classes == ()
    assert "Labels were not compared, because the other sample has none." in found.sentences
    assert found.jsd_lower == oh.measure(real=x, other=other).jsd_lower


@pytest.mark.usefixtures("swift")
def test_features_are_seen_beside_the_pixels_and_may_be_arrays():
    rng = np.random.default_rng(0)
    # the sign of a product of two far pixels, which no quick critic of pixels sees
    x, other = (rng.choice([0, 255], size=(600, 8, 8)).astype(np.uint8) for _ in range(2))
    other[:, 7, 7] = other[:, 0, 0]

    def agree(pictures):
        return (pictures[:, 7, 7] == pictures[:, 0, 0]).astype(float)[:, None]

    blind = oh.measure(real=x, other=other)
    seeing = oh.measure(real=x, other=other, features=agree)
    by_hand = oh.measure(
        real=x, other=other, features={"real": agree(x), "other": agree(other)}
    )
    assert blind.jsd_lower < 0.02
    assert 0.1 < seeing.jsd_lower < 0.2158  # JSD of a fair coin and one that always falls alike
    assert by_hand.jsd_lower == seeing.jsd_lower
    assert "Critics saw 1 feature of each row beside the row itself." in seeing.sentences


@pytest.mark.usefixtures("swift")
def test_other_units_are_the_first_thing_to_be_said():
    rng = np.random.default_rng(0)
    found = oh.measure(real=photos(rng, 200), other=photos(rng, 200).astype(np.float32) / 255)
    assert found.sentence.startswith("A pixel ")
    assert found.harmonized is not None


@pytest.mark.usefixtures("swift")
def test_brighter_pictures_are_described_as_brighter():
    rng = np.random.default_rng(0)
    found = oh.measure(
        real=photos(rng, 600, (16, 16, 3)),
        other=photos(rng, 600, (16, 16, 3), mean=160),
        optional="prdc",
    )
    assert found.described == ("brightness", "contrast", "sharpness", "red", "green", "blue")
    assert {name for region in found.regions for name, _, _ in region.conditions} <= set(
        found.described
    )
    assert found.marginals[0].jsd_lower > 0.1
    assert "The most telling property of an image, " in " ".join(found.sentences)


def test_a_picture_is_described_by_numbers_that_can_be_checked():
    pictures = np.zeros((30, 12, 12), np.uint8)
    pictures[:, :, 6:] = 200
    encoder, (cells,) = describe_images([pictures], [np.repeat(["a", "b"], 15)])
    assert encoder.names == ("class", "brightness", "contrast", "sharpness")
    assert cells[-1].tolist() == pytest.approx([1, 100, 100, 200 / 22])
    columns = TableColumns(encoder)
    pixels = audit_samples(pictures, pictures + 1, columns, described=(cells, cells)).columns
    assert [column.name for column in pixels] == ["A pixel"]


PICTURES = photos(np.random.default_rng(0), 60)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (
            {"real": (PICTURES, [1, 2]), "other": PICTURES},
            "the labels of the data: expected 60 labels, one for each",
        ),
        (
            {"real": PICTURES, "other": (PICTURES, np.full(60, 0.5))},
            "the labels of the other sample: expected a whole number or a word for each row",
        ),
        (
            {"real": (PICTURES, np.zeros(60, int)), "other": (PICTURES, ["a"] * 60)},
            "the labels: expected words on all sides, or numbers; got words with the other sample only",
        ),
        (
            {"real": PICTURES, "other": PICTURES[:, :7]},
            r"got \(7, 8\). Bring all images to one size \(--size\)",
        ),
        (
            {"real": PICTURES, "other": PICTURES, "features": {"real": PICTURES[:, 0]}},
            "features: expected arrays for real, other; got real",
        ),
        (
            {"real": PICTURES, "other": PICTURES, "features": lambda rows: rows[:5, 0]},
            r"the features of the data: expected shape \(60, 8\); got \(5, 8\)",
        ),
        (
            {"real": PICTURES, "other": PICTURES, "features": lambda rows: rows[:, 0] * np.nan},
            "the features of the data: expected finite numbers",
        ),
        (
            {
                "real": PICTURES,
                "other": PICTURES,
                "features": lambda rows: (rows - rows.mean(0)).mean(2),
            },
            "features: expected the same features for a row, whatever the other rows are; got others. .*eval",
        ),
        (
            {
                "real": PICTURES,
                "sampler": lambda n: PICTURES[:n],
                "features": {"real": PICTURES[:, 0]},
            },
            "sampler: expected 600 rows when asked for 600; got 60",
        ),
        (
            {
                "real": PICTURES[:20],
                "sampler": lambda n: np.resize(PICTURES, (n, 8, 8)),
                "features": {},
            },
            "features: expected a function of rows, for a sampler makes new ones; got arrays",
        ),
    ],
)
def test_bad_pictures_labels_and_features_are_refused_in_a_sentence(asked, sentence):
    with pytest.raises(oh.Refusal, match=sentence):
        oh.measure(**asked)
