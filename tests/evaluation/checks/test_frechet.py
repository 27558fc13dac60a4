"""The Fréchet distance: known answers, another's computation, and the same for data against data."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

import onehalf as oh
from onehalf.evaluation.checks.frechet import compare_frechet, frechet_distance


@pytest.mark.parametrize("d", [1, 4])
def test_it_agrees_with_the_root_of_the_product(d):
    rng = np.random.default_rng(0)
    one, two = (
        rng.normal(size=(90, d)),
        rng.normal(1, 2, size=(60, d)) @ rng.normal(size=(d, d)),
    )
    S, T = (np.cov(rows, rowvar=False).reshape(d, d) for rows in (one, two))
    apart = np.sum((one.mean(0) - two.mean(0)) ** 2)
    expected = apart + np.trace(S + T - 2 * np.real(sqrtm(S @ T)))
    assert frechet_distance(one, two) == pytest.approx(expected)
    assert frechet_distance(two, one) == pytest.approx(expected)


def test_fewer_rows_than_features_and_constant_ones_give_finite_numbers():
    rng = np.random.default_rng(0)
    few, constant = rng.normal(size=(5, 20)), np.ones((9, 20))
    assert frechet_distance(few, few) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(constant, constant + 2) == pytest.approx(80)


def test_fewer_rows_make_it_greater_and_data_have_the_same_bias():
    rng = np.random.default_rng(0)
    real, other = rng.normal(size=(2, 400, 10))
    found = compare_frechet(real, other)
    assert (found.n, found.n_real, found.n_other, found.n_features) == (200, 400, 400, 10)
    assert found.other > found.value > 0
    assert found.data == pytest.approx(found.other, rel=0.5)


def test_it_is_measured_and_told_of_arrays_and_of_features():
    rng = np.random.default_rng(0)
    real, other = rng.normal(size=(60, 2)), rng.normal(2, size=(60, 2))
    found = oh.measure(real=real, other=other, optional=("fid", "prdc"))
    assert found.optional.fid.value == pytest.approx(frechet_distance(real, other))
    text = " ".join(found.sentences)
    assert f"Fréchet distance (FID) {found.optional.fid.value:.4g}" in text
    assert f"recall {found.optional.prdc.other.recall:.3f}" in text
    pixels = rng.normal(size=(2, 40, 8, 8))
    sides = {"real": pixels[0], "other": pixels[1]}
    of_features = oh.measure(**sides, features=lambda x: x[:, 0, :3], optional=("fid",))
    expected = frechet_distance(pixels[0][:, 0, :3], pixels[1][:, 0, :3])
    assert of_features.optional.fid.value == pytest.approx(expected)


def test_pixels_have_none_without_features():
    images = np.random.default_rng(0).normal(size=(40, 8, 8))
    with pytest.raises(oh.Refusal, match=r"^fid: expected an array, or features of the rows"):
        oh.measure(real=images, other=images, optional=("fid",))
