"""Networks whose samples are corrected by D, from the estimator to the run on disk."""

import dataclasses
import json

import jax.random as jr
import numpy as np
import pandas as pd
import pytest

from helpers import run_cli
from onehalf import Refusal, fitting, runs
from onehalf.domains.images import ImageDomain
from onehalf.domains.tree_tables import TreeTableDomain
from onehalf.fitting import evaluations
from onehalf.fitting.refinement import refine, will_refine
from onehalf.gan import GAN
from onehalf.hyperparameters import FitOptions
from onehalf.players.refinement import BUDGET
from onehalf.report import describe_fit, summarize, summarize_fit
from onehalf.runs import checkpoint
from onehalf.runs.checkpoint import Source, save

N = 2400
TINY = {"rounds": 100, "width": 16, "m": 32, "random_state": 0}


def make_points(n=N):
    rng = np.random.default_rng(0)
    return np.where(rng.random((n, 1)) < 0.5, 2.0, -2.0) + 0.3 * rng.normal(size=(n, 1))


def make_table():
    rng = np.random.default_rng(0)
    size = rng.choice(["small", "large"], N)
    low = rng.integers(0, 20, N) + 10 * (size == "large")
    high = low + rng.integers(0, 5, N)
    return pd.DataFrame({"size": size, "low": low, "high": high, "x": rng.normal(size=N)})


def fit_and_refine(data, **options):
    """A tiny fit as it is without a certificate, and the same corrected."""
    gan = GAN(**TINY, **options, evaluate=False).fit(data)
    fit = gan.fit_
    plain = dataclasses.replace(fit, recipe=dataclasses.replace(fit.recipe, evaluate=True))
    splits = fitting.resume(plain, fit.domain.encode(gan._parse(data, None))).splits
    return gan, plain, refine(plain, splits), splits


@pytest.fixture(scope="module")
def points():
    return fit_and_refine(make_points())


@pytest.fixture(scope="module")
def table():
    gan, plain, refined, splits = fit_and_refine(
        make_table(), label="size", constraints=["high >= low"]
    )
    gan.fit_ = refined
    return gan, plain, refined, splits


def test_a_correction_helps_on_rows_that_it_has_not_seen(points):
    _, plain, refined, splits = points
    real = splits.test.x[:, 0]
    bins = np.linspace(-4, 4, 17)
    distances = [
        abs(np.histogram(each, bins)[0] / len(each) - np.histogram(real, bins)[0] / len(real))
        for each in (fit.model.draw(jr.key(3), 6000).x[:, 0] for fit in (plain, refined))
    ]
    assert distances[1].sum() < 0.8 * distances[0].sum()
    assert 1 <= refined.refinement.draws <= BUDGET


def test_it_is_learned_from_validation_rows_alone_and_the_same_each_time(points):
    _, plain, refined, splits = points
    nothing = splits.train[:0]
    again = refine(plain, splits._replace(train=nothing, test=nothing)).refinement
    assert again.gain == refined.refinement.gain
    np.testing.assert_array_equal(again.D.leaf_values, refined.refinement.D.leaf_values)


def test_fewer_samples_are_the_first_ones_of_more(points):
    model = points[2].model
    many = model.draw(jr.key(1), 9000).x
    for n in (1, 300, 8192):
        np.testing.assert_array_equal(model.draw(jr.key(1), n).x, many[:n])


@pytest.mark.parametrize(
    "options", [{"refine": False}, {"evaluate": False}, {"recipe": "mnist-2014"}]
)
def test_it_can_be_left_out(points, options):
    _, plain, _, splits = points
    recipe = dataclasses.replace(plain.recipe, **options)
    fit = dataclasses.replace(plain, recipe=recipe)
    assert not will_refine(fit, splits)
    assert refine(fit, splits).refinement is None


def test_few_validation_rows_correct_nothing(points):
    _, plain, _, splits = points
    assert not will_refine(plain, splits._replace(validation=splits.validation[:299]))


def test_trees_and_images_are_left_as_they_are():
    assert not TreeTableDomain.is_refined
    assert not ImageDomain.is_refined
    expected = "refine: expected nothing, as it is a setting of networks"
    with pytest.raises(Refusal, match=expected):
        GAN(players="trees", refine=False).fit(make_table()[:200])


def test_labels_and_rules_are_kept(table):
    gan, _, refined, _ = table
    assert refined.refinement is not None
    frame = gan.sample(500, where="size=large,x>0")
    assert (frame["size"] == "large").all()
    assert (frame["x"] > 0).all()
    assert (frame["high"] >= frame["low"]).all()
    asked = pd.DataFrame({"size": ["large", "small", "small"] * 50})
    given = gan.sample(given=asked)
    assert given["size"].tolist() == asked["size"].tolist()
    assert (given["high"] >= given["low"]).all()
    pd.testing.assert_frame_equal(gan.sample(40), gan.sample(900)[:40])


def test_an_extended_fit_is_corrected_anew(points):
    _, _, refined, _ = points
    measured = dataclasses.replace(refined, is_measured=True)
    assert fitting.extend(measured, 200).refinement is None


def test_walks_through_the_latent_space_are_those_of_G(points):
    _, plain, refined, _ = points
    walks = [fit.model.interpolate(jr.key(0), 2, 5).x for fit in (plain, refined)]
    np.testing.assert_array_equal(*walks)


def test_it_is_said_in_summary_report_and_json(points):
    summary = summarize(points[2])
    draws = points[2].refinement.draws
    shown = str(summarize_fit(summary, "points", "run", ".npy"))
    assert f"Corrected by D, {draws:.2g} draws of G a sample" in " ".join(shown.split())
    said = " ".join(describe_fit(points[2]))
    assert f"{draws:.2g} draws for each sample on average (at most 8)" in said
    assert "are of G before the correction" in said
    assert "can't add what G never makes" in said
    found = json.loads(json.dumps(summary.to_dict()["refinement"]))
    assert found["draws_per_row"] == draws
    assert found.keys() == {"draws_per_row", "budget", "gain", "gain_se"}
    assert summarize(points[1]).to_dict()["refinement"] is None


@pytest.mark.parametrize("which", ["points", "table"])
def test_a_saved_run_draws_the_same(which, request, tmp_path):
    _, _, refined, _ = request.getfixturevalue(which)
    save(tmp_path, refined, Source("nowhere"), {"rounds": 100})
    expected = refined.model.draw(jr.key(5), 300).x
    for model in (runs.load_model(tmp_path), runs.load(tmp_path).model):
        np.testing.assert_array_equal(model.draw(jr.key(5), 300).x, expected)


class Killed(BaseException):
    """The process is stopped."""


@pytest.mark.parametrize("place", ["refine", "finish"])
def test_a_run_that_is_killed_around_the_correction_goes_on_to_the_same_bytes(
    place, tmp_path, monkeypatch
):
    path = str(tmp_path / "points.npy")
    np.save(path, make_points())
    options = FitOptions(**TINY)
    fixed = evaluations.Evaluation(0.1, 0.01, 0.0, 0.0)
    monkeypatch.setattr(evaluations, "judge", lambda *_, **__: fixed)
    monkeypatch.setattr(evaluations, "measure", lambda *_, **__: None)
    whole, _ = runs.fit_run(tmp_path / "whole", path, options)
    assert whole.refinement is not None
    with monkeypatch.context() as patch:
        patch.setattr(f"onehalf.fitting.loop.{place}", kill)
        with pytest.raises(Killed):
            runs.fit_run(tmp_path / "run", path, options)
    assert runs.load(tmp_path / "run").refinement is None
    runs.fit_run(tmp_path / "run", path, options)
    for name in ("whole", "run"):
        run_cli("sample", tmp_path / name, "-n", 200, "-o", tmp_path / f"{name}.npy")
    assert (tmp_path / "whole.npy").read_bytes() == (tmp_path / "run.npy").read_bytes()


def kill(*_, **__):
    raise Killed


def test_a_run_from_before_there_were_corrections_is_the_same_as_by_default(
    points, tmp_path, monkeypatch
):
    _, plain, _, _ = points
    path = str(tmp_path / "points.npy")
    np.save(path, make_points())
    options = FitOptions(**TINY)
    run = tmp_path / "run"
    real_write = checkpoint.write_recipe

    def write_old(folder, sections):
        for section in ("asked", "solved"):
            sections[section] = {k: v for k, v in sections[section].items() if k != "refine"}
        real_write(folder, sections)

    monkeypatch.setattr(checkpoint, "write_recipe", write_old)
    opened = runs.open_run(run, path, options)
    opened.save(dataclasses.replace(opened.fit, is_measured=True, history=plain.history))
    assert runs.load(run).refinement is None
    assert runs.open_run(run, path, options).fit.recipe.refine
    with pytest.raises(Refusal, match="refine: expected True, as "):
        runs.open_run(run, path, dataclasses.replace(options, refine=False))
