"""Broken relations between columns are seen, and named: orders, sums, products, and dependences of words."""

import numpy as np
import pandas as pd
import pytest

import onehalf as oh
from helpers import plant_nothing
from onehalf.evaluation.explain.relations import relate
from onehalf.evaluation.features.base import PlainColumns
from onehalf.evaluation.features.relations import Relations


@pytest.fixture(autouse=True)
def swift(monkeypatch):
    """Measurements with nothing planted."""
    plant_nothing(monkeypatch)


def sums(rng, n, noise):
    """A sum of two columns with an error, among six columns of noise: JSD at least 0.48 if the error is 3."""
    a, b = rng.integers(1, 50, (2, n))
    columns = {"a": a, "b": b, "t": a + b + np.rint(noise * rng.normal(size=n))}
    return pd.DataFrame(columns | {f"n{i}": rng.normal(size=n) for i in range(6)})


def stays(rng, n, *, is_broken):
    """Nine columns: two dates, their difference, a product, and others."""
    days = rng.integers(0, 365, n)
    nights = rng.integers(1, 15, n)
    price = np.exp(rng.normal(4.5, 0.4, n)).round(2)
    left = days + nights + (np.rint(rng.normal(0, 8, n)).astype(int) if is_broken else 0)
    total = price * nights * (np.exp(rng.normal(0, 0.3, n)) if is_broken else 1)
    first = pd.Timestamp("2024-01-01")
    return pd.DataFrame(
        {
            "checkin": first + pd.to_timedelta(days, unit="D"),
            "checkout": first + pd.to_timedelta(left, unit="D"),
            "nights": nights,
            "price": price,
            "total": total.round(2),
            "guests": rng.integers(1, 5, n),
            "age": rng.integers(18, 80, n),
            "city": rng.choice(list("ABCDEF"), n),
            "score": rng.normal(size=n),
        }
    )


def test_a_broken_sum_among_noise_is_seen_and_named():
    rng = np.random.default_rng(0)
    found = oh.measure(real=sums(rng, 1000, 0), other=sums(rng, 1000, 3))
    assert 0.4 < found.jsd_lower < 0.493
    assert any("t - a - b" in region.rule for region in found.regions if region.certain)


def test_a_broken_order_and_a_broken_product_are_seen_and_named():
    rng = np.random.default_rng(0)
    real, other = (stays(rng, 1000, is_broken=broken) for broken in (False, True))
    found = oh.measure(real=real, other=other)
    assert found.jsd_lower > 0.5
    region = found.regions[0]
    assert "total / (nights * price)" in region.rule
    assert region.real.share == 1
    assert region.other.share < 0.05


def test_an_order_is_named_as_one():
    rng = np.random.default_rng(0)
    start, lasts = rng.uniform(0, 100, (2, 800)), rng.exponential(30, (2, 800))
    signs = np.array([np.ones(800), np.where(rng.random(800) < 0.25, -1, 1)])
    real, other = (
        pd.DataFrame({"start": each, "end": each + length})
        for each, length in zip(start, signs * lasts, strict=True)
    )
    found = oh.measure(real=real, other=other)
    (region,) = (region for region in found.regions if region.rule == "start > end")
    assert region.certain
    assert region.real.share == 0
    assert region.other.share == pytest.approx(0.25, abs=0.05)


def test_rows_alone_settle_which_relations_are_named():
    rng = np.random.default_rng(0)
    net, tax = rng.integers(1, 50, (2, 300))
    real = np.column_stack([net, tax, net + tax]).astype(float)
    noise = np.column_stack([net, tax, rng.permutation(net + tax)]).astype(float)
    columns = PlainColumns(("net", "tax", "total"))
    assert relate(columns, real, noise).names[3] == "total - net - tax"
    assert relate(columns, noise, real).names[3] == "total - net - tax"
    independent = rng.normal(size=(2, 300, 3))
    assert relate(columns, *independent).names == columns.names


def test_what_others_predict_of_a_column_is_0_where_a_sum_holds():
    rng = np.random.default_rng(0)
    a, b = rng.integers(1, 50, (2, 300))
    exact = np.column_stack([a, b, a + b]).astype(float)
    blurred = exact + [0, 0, 1] * rng.normal(size=(300, 1))
    features = Relations.fit(exact, blurred)(exact)
    assert features.shape == (300, Relations.fit(exact, blurred).width)
    assert np.abs(features).min(axis=0).max() < 1
    assert (np.abs(features).max(axis=0) < 1e-3).sum() >= 3


def test_a_missing_or_negative_number_has_features_too():
    rng = np.random.default_rng(0)
    x, y = np.exp(rng.normal(size=(2, 200, 3)))
    y[:, 2] = x[:, 2] = x[:, 0] * x[:, 1]
    new = np.array([[-1.0, 0.0, 5.0], [1e300, 1e-300, 2.0]])
    assert np.isfinite(Relations.fit(x, y)(new)).all()
