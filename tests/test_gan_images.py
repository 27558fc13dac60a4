"""Fits of images and of rows with labels: convolutional players, classes, ways through the latent space."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from onehalf import GAN, Latent, Refusal, measure, runs
from onehalf.data.dataset import from_objects
from onehalf.data.labels import Labelled
from onehalf.data.splits import split_rows
from onehalf.domains import infer_domain
from onehalf.fitting import draw_for_test, evaluations
from onehalf.hyperparameters import FitOptions, Hyperparameters
from onehalf.model import latent_walk

pytestmark = pytest.mark.usefixtures("critics_without_nets")

X, y = load_digits(return_X_y=True)
X = X.reshape(-1, 8, 8).astype(np.uint8)
SOME = slice(0, 400)
TINY = {"net": "convolutional", "width": 4, "m": 32, "rounds": 100, "random_state": 0}


@pytest.fixture(scope="module")
def gan():
    return GAN(**TINY, label="digit").fit(X[SOME], y[SOME])


def test_rows_and_labels_come_back(gan):
    made = gan.sample(50, random_state=1)
    assert isinstance(made, Labelled)
    assert made.x.shape == (50, 8, 8)
    assert (made.x.dtype, made.y.dtype) == (X.dtype, y.dtype)
    assert gan.fit_.domain.labels.values.tolist() == list(range(10))
    assert gan.labels_ == ("digit",)


def test_labels_can_be_asked_for(gan):
    assert set(gan.sample(20, where="digit=3").y.tolist()) == {3}
    assert set(gan.sample(40, where="digit=3|4").y.tolist()) == {3, 4}
    assert gan.sample(given=[7, 7, 1]).y.tolist() == [7, 7, 1]
    counts = np.bincount(gan.sample(2000, balanced=True).y, minlength=10)
    assert abs(counts - 200).max() < 4 * np.sqrt(200)


def test_what_cannot_be_asked_for_is_refused(gan):
    with pytest.raises(Refusal, match="digit=12"):
        gan.sample(3, where="digit=12")
    with pytest.raises(Refusal, match="'12'"):
        gan.sample(given=[12])
    with pytest.raises(Refusal, match="ids: expected a fit of a table; got one of an array"):
        gan.sample(3, ids=True)


def test_the_certificate_is_given_the_label(gan):
    assert gan.certificate_.given == ("digit",)
    assert [row.label for row in gan.certificate_.classes]
    assert gan.certificate_.jsd_lower > 0.1


@pytest.mark.slow
def test_samples_at_each_look_are_left_to_look_at(gan, monkeypatch):
    monkeypatch.setattr("onehalf.fitting.evaluations.compare", lambda *_, **__: None)
    looks = [row for row in gan.history_ if "jsd_estimate" in row]
    assert len(gan.fit_.previews) == len(looks) > 0
    assert all(stills.shape == (36, 8, 8) for stills in gan.fit_.previews)
    small = GAN(rounds=100, width=8, seeds=2, random_state=0).fit(X[SOME])
    assert small.recipe_.net == "mlp"
    assert [stills.shape for stills in small.fit_.previews] == [(36, 8, 8)] * 2


def test_logits_and_roles_take_labels(gan):
    assert gan.logits(X[:5], y[:5]).shape == (5,)
    assert not np.allclose(gan.logits(X[:5], y[:5]), gan.logits(X[:5], (y[:5] + 1) % 10))
    roles = gan.split(X[SOME], y[SOME])
    assert [len(part.x) for part in roles] == [280, 60, 60]
    assert all(set(part.y.tolist()) <= set(range(10)) for part in roles)
    assert gan.was_fitted_on(X[SOME], y[SOME])
    assert not gan.was_fitted_on(X[SOME], y[SOME][::-1])


@pytest.fixture(scope="module")
def bright():
    """A fit of dark pictures called 0 and bright ones called 1."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 300)
    pictures = rng.normal(label[:, None, None] * 3.0, 1.0, (300, 8, 8)).astype(np.float32)
    gan = GAN(**TINY | {"rounds": 1500, "rate_G": 2e-3}, label="kind", evaluate=False)
    return gan.fit(pictures, label)


def test_the_label_decides_what_is_made(bright):
    made = bright.sample(given=[0] * 50 + [1] * 50)
    assert made.x[50:].mean() - made.x[:50].mean() > 1.0


@pytest.mark.slow
def test_labels_of_vectors_too():
    rng = np.random.default_rng(0)
    label = np.where(rng.random(300) < 0.5, "left", "right")
    points = np.stack(
        [rng.normal(np.where(label == "left", -4, 4)), rng.normal(size=300)], axis=1
    )
    gan = GAN(rounds=2000, width=16, label="side", random_state=2, evaluate=False)
    gan.fit(points, label)
    made = gan.sample(given=["left", "right"] * 50)
    assert KNeighborsClassifier(1).fit(points, label).score(made.x, made.y) > 0.9


@pytest.mark.parametrize(
    ("asked", "labels", "sentence"),
    [
        (
            {"label": "digit"},
            None,
            "y: expected labels of the rows, to be called 'digit'; got none",
        ),
        ({"label": "digit"}, y[:399], "y: expected 400 labels, one for each row; got 399"),
        ({"label": ["a", "b"]}, y[SOME], "label: expected one name for y"),
        (
            {"net": "transformer"},
            None,
            "net: expected one of mlp, convolutional; got 'transformer'",
        ),
    ],
)
def test_refusals(asked, labels, sentence):
    with pytest.raises(Refusal, match=sentence):
        GAN(**TINY | asked).fit(X[SOME], labels)


def test_vectors_are_no_images():
    with pytest.raises(
        Refusal,
        match=r"net: expected images, .* for convolutional networks; got rows of shape \(64,\)",
    ):
        GAN(**TINY).fit(X[SOME].reshape(-1, 64))


def test_larger_images_are_played_with_by_convolutional_players():
    rng = np.random.default_rng(0)
    for side, net in ((8, "mlp"), (16, "convolutional")):
        data = from_objects(rng.integers(0, 256, (60, side, side, 3)).astype(np.uint8))
        domain = infer_domain(data)
        preprocessor = domain.fit_preprocessor(domain.encode(data))
        asked = Hyperparameters(random_state=0).check()
        assert domain.resolve(asked, preprocessor, 60).net == net


@pytest.mark.parametrize(
    ("channels", "half"), [pytest.param(3, False, marks=pytest.mark.slow), (4, True)]
)
def test_colour_and_alpha_and_half_precision(channels, half):
    images = np.random.default_rng(0).integers(0, 256, (60, 9, 12, channels)).astype(np.uint8)
    gan = GAN(**TINY | {"rounds": 100}, half=half, evaluate=False).fit(images)
    assert gan.sample(3).shape == (3, 9, 12, channels)
    assert np.isfinite(gan.history_[-1]["V"]).all()


def test_ways_are_closed_and_keep_the_law_of_normal_latents():
    z, c = latent_walk(jr.key(0), Latent(normal=3, uniform=2, choices=4), 4000, 8)
    assert c.shape == (8, 4000, 0)
    assert z.shape == (8, 4000, 9)
    assert np.allclose(jnp.std(z[..., :3], axis=1), 1, atol=0.06)
    assert (np.abs(z[..., 3:5]) <= 3**0.5).all()
    assert np.array_equal(np.sort(z[..., 5:], axis=2)[..., -1], np.full((8, 4000), 3.0))
    fine, _ = latent_walk(jr.key(0), Latent(normal=3), 5, 400)
    steps = np.linalg.norm(np.diff(np.concatenate([fine, fine[:1]]), axis=0), axis=2)
    assert steps.max() < 0.1


def test_interpolations_come_back_as_images(gan):
    frames = gan.interpolate(3, 12, random_state=0)
    assert frames.shape == (12, 3, 8, 8)
    assert np.array_equal(frames, gan.interpolate(3, 12, random_state=0))


def test_interpolations_keep_their_class(bright):
    """Every frame of a way is as dark, or as bright, as its first."""
    frames = bright.interpolate(20, 12, random_state=0).mean(axis=(2, 3))
    classes = frames > 1.5
    assert 0 < classes[0].sum() < 20
    assert (classes == classes[0]).mean() > 0.95


def drawn_for_test(gan, *data):
    """The samples that the certificate set against the test rows."""
    rows = gan.fit_.domain.encode(from_objects(*data))
    return draw_for_test(gan.fit_, split_rows(rows).test).other.x


@pytest.mark.slow
def test_what_was_tested_can_be_had_again(gan):
    test = gan.split(X[SOME], y[SOME]).test.x
    samples = drawn_for_test(gan, X[SOME], y[SOME])
    seen = []

    class Spy:
        labels_ = gan.labels_

        def sample(self, *asked, **named):
            seen.append(gan.sample(*asked, **named).x)
            return gan.sample(*asked, **named)

    measure(real=gan.split(X[SOME], y[SOME]).test, sampler=Spy(), seed=0)
    assert np.array_equal(seen[0], samples)
    assert len(test) == 60
    plain = GAN(**TINY).fit(X[SOME])
    splits = split_rows(plain.fit_.domain.encode(from_objects(X[SOME])))
    assert evaluations.measure(plain.fit_, splits) == plain.certificate_
    assert plain.certificate_.learned_from.real == len(splits.train) + len(splits.validation)


def test_a_run_with_labels_is_saved_and_goes_on(gan, tmp_path):
    np.savez(tmp_path / "digits.npz", x=X[SOME], y=y[SOME])
    asked = FitOptions(**TINY, label="digit")
    word = str(tmp_path / "digits.npz")
    fitted, rows = runs.fit_run(tmp_path / "run", word, asked)
    assert rows.labels.shape == (400, 1)
    loaded = GAN.from_fit(runs.load(tmp_path / "run"))
    for one in (GAN.from_fit(fitted), loaded):
        again = one.sample(20, random_state=3)
        assert np.array_equal(again.x, gan.sample(20, random_state=3).x)
        assert np.array_equal(again.y, gan.sample(20, random_state=3).y)
    assert np.array_equal(loaded.fit_.previews, gan.fit_.previews)
    assert loaded.certificate_ == gan.certificate_
    assert loaded.was_fitted_on(X[SOME], y[SOME])
    with pytest.raises(Refusal, match="label: expected 'digit'"):
        runs.fit_run(tmp_path / "run", word, FitOptions(**TINY, label="class"))
