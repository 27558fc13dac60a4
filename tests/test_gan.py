"""The estimator: scikit-learn's conventions, roles of rows, units, going on, many seeds, refusals."""

import ast
import dataclasses
import subprocess
import sys
import types

import equinox as eqx
import jax
import jax.random as jr
import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.utils import estimator_checks

import onehalf as oh
from helpers import equal_trees, fit_partly
from onehalf import fitting
from onehalf.data.dataset import from_objects
from onehalf.data.rows import EncodedRows
from onehalf.data.splits import split_rows
from onehalf.domains import infer_domain
from onehalf.fitting.cost import Speed, _speed_so_far, measure_speed, plan_rounds
from onehalf.fitting.evaluations import judge
from onehalf.fitting.fit import Plan
from onehalf.fitting.history import Evaluated
from onehalf.gan import GAN
from onehalf.hyperparameters import Hyperparameters

pytestmark = pytest.mark.usefixtures("critics_without_nets")

RING = np.asarray(oh.distributions.Ring().sample(jr.key(0), 600))
TINY = {"rounds": 300, "width": 8, "m": 32, "choices": 8, "random_state": 0}


@pytest.fixture(scope="module")
def gan():
    return GAN(**TINY).fit(RING)


@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_estimator_cloneable,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_no_attributes_set_in_init,
    ],
    ids=lambda check: check.__name__,
)
def test_scikit_learns_checks_of_what_is_not_fitted(check):
    check("GAN", GAN(**TINY))


@pytest.mark.slow
def test_all_checks_of_scikit_learn():
    # in a process of its own: there the annotations are not enforced, and the checks store -1 under every parameter
    code = """
from sklearn.utils.estimator_checks import check_estimator
from onehalf import GAN
results = check_estimator(GAN(rounds=2, width=4, choices=2, features=2, random_state=0), on_skip=None)
print({result["check_name"]: result["status"] for result in results})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    statuses = ast.literal_eval(done.stdout)
    # one check asks for an environment variable of SciPy, and is skipped without it
    assert {name for name, status in statuses.items() if status != "passed"} <= {
        "check_array_api_input"
    }
    assert len(statuses) > 30


def test_the_constructor_only_stores_and_clones():
    gan = GAN(k=0, loss="no such loss")
    assert clone(gan).get_params() == gan.get_params()


def test_without_evaluation_the_last_G_is_kept_and_nothing_is_measured():
    gan = GAN(**TINY | {"rounds": 200}, evaluate=False).fit(RING)
    assert gan.certificate_ is None
    assert not gan.fit_.is_measured
    assert not any("jsd_estimate" in row for row in gan.history_)
    (last,) = gan.fit_.players.generators(gan.fit_.state)
    assert equal_trees(gan.fit_.best[0], last.G)


@pytest.mark.parametrize("seeds", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_logits_are_those_of_the_chosen_game(seeds):
    gan = GAN(**TINY | {"rounds": 100, "seeds": seeds}, evaluate=False).fit(RING)
    d = gan.logits(RING[:50])
    assert d.shape == (50,)
    x = gan.fit_.preprocessor.scaler.transform(RING[:50])
    arrays, rest = eqx.partition(gan.fit_.state.D, eqx.is_array)
    D = (
        eqx.combine(jax.tree.map(lambda leaf: leaf[gan.fit_.chosen], arrays), rest)
        if seeds > 1
        else gan.fit_.state.D
    )
    np.testing.assert_allclose(d, jax.vmap(D)(x), atol=1e-5)
    with pytest.raises(ValueError, match="X: expected"):
        gan.logits(np.array([["a", "b"]]))


def test_roles_depend_on_the_rows_alone():
    rows = np.repeat(np.arange(300.0).reshape(100, 3), 2, axis=0)  # each row twice
    roles = split_rows(EncodedRows.unlabelled(rows))
    order = np.random.default_rng(0).permutation(len(rows))
    shuffled = split_rows(EncodedRows.unlabelled(rows[order]))
    for role, again in zip(roles, shuffled, strict=True):
        assert sorted(map(tuple, role.x)) == sorted(map(tuple, again.x))
    assert [len(role) for role in roles] == [140, 30, 30]


def test_roles_of_a_table_of_few_values_have_the_same_law():
    # all 8 rows of three bits, 300 times each: equal rows must not be kept together, or test rows would be others
    rows = np.repeat(np.array(list(np.ndindex(2, 2, 2))), 300, axis=0)
    for role in split_rows(EncodedRows.unlabelled(rows)):
        counts = np.unique(role.x, axis=0, return_counts=True)[1]
        assert len(counts) == 8
        assert stats.chisquare(counts).pvalue > 1e-4


def test_roles_are_dealt_anew_for_each_table_of_few_values():
    # the difference of shares between test and training rows, in standard errors: of mean 0 and variance 1
    differences = []
    for seed in range(200):
        rows = np.random.default_rng(seed).integers(0, 2, (1000, 1))
        roles = split_rows(EncodedRows.unlabelled(rows))
        error = rows.std() * np.sqrt(1 / len(roles.test) + 1 / len(roles.train))
        differences.append((roles.test.x.mean() - roles.train.x.mean()) / error)
    assert abs(np.mean(differences)) < 4 / np.sqrt(200)
    assert 0.75 < np.std(differences) < 1.25


def test_what_is_fitted(gan):
    assert gan.fit_.rounds == 300
    assert gan.fit_.stopped_because == "all rounds played"
    assert gan.history_[-1]["t"] == 300
    assert [row["t"] for row in gan.history_ if "jsd_lower" in row] == [100, 200, 300]
    assert gan.certificate_.n_real == 90
    assert gan.certificate_.jsd_lower <= gan.certificate_.jsd_estimate <= np.log(2)
    assert gan.certificate_.memorization.n_pairs == 90
    assert gan.n_features_in_ == 2
    assert gan.recipe_.random_state == 0
    assert gan.recipe_.normal == 8
    assert gan.was_fitted_on(RING)
    assert not gan.was_fitted_on(RING[:-1])


@pytest.mark.parametrize("dtype", ["float64", "float32", "uint8", "int64", "bool"])
def test_samples_have_the_shape_and_dtype_of_the_data(dtype):
    rows = (np.random.default_rng(0).normal(3, 2, (60, 3, 2)) > 3).astype(dtype)
    gan = GAN(**TINY | {"rounds": 20}, evaluate=False).fit(rows)
    samples = gan.sample(5)
    assert samples.dtype == rows.dtype
    assert samples.shape == (5, 3, 2)
    assert set(np.unique(samples.astype(float))) <= {0.0, 1.0}


def test_sample_follows_its_seed(gan):
    assert (gan.sample(5) == gan.sample(5)).all()
    assert not (gan.sample(5, random_state=1) == gan.sample(5, random_state=2)).any()
    with pytest.raises(oh.Refusal, match="n: expected at least 1 row; got 0"):
        gan.sample(0)


def test_the_same_seed_gives_the_same_fit(gan):
    assert (GAN(**TINY).fit(RING).sample(20) == gan.sample(20)).all()


def test_a_fit_that_was_interrupted_goes_on_as_if_it_had_not_been(gan):
    halves = fit_partly(GAN(**TINY, warm_start=True), RING)
    assert halves.fit_.stopped_because == "interrupted"
    halves.fit(RING)
    assert (halves.sample(20) == gan.sample(20)).all()
    assert [row["V"] for row in halves.history_] == [row["V"] for row in gan.history_]
    before = halves.certificate_
    assert halves.fit(RING).certificate_ is before  # a finished run is not judged again
    with pytest.raises(oh.Refusal, match="expected the rows of the interrupted fit"):
        halves.fit(RING[:-1])


def test_only_the_wasserstein_loss_comes_with_a_gradient_penalty():
    for loss, weight in (("wasserstein", 10), ("hinge", 0)):
        asked = Hyperparameters(**TINY | {"loss": loss}).check()
        fit, _ = fitting.start(
            infer_domain(from_objects(RING)), EncodedRows.unlabelled(RING), asked
        )
        assert fit.recipe.gradient_penalty == weight


def test_many_seeds(gan, monkeypatch):
    monkeypatch.setattr("onehalf.fitting.evaluations.compare", lambda *_, **__: None)
    many = GAN(**TINY | {"seeds": 2}).fit(RING)
    assert len(many.history_[-1]["V"]) == 2
    assert many.history_[0]["V"][0] == pytest.approx(gan.history_[0]["V"][0], rel=0.02)
    looks = [row["jsd_estimate"] for row in many.history_ if "jsd_estimate" in row]
    best = [min(max(look[game], 0.0) for look in looks) for game in range(2)]
    assert many.fit_.chosen == int(np.argmin(best))


def test_it_stops_when_validation_does_not_improve(monkeypatch):
    values = iter([0.2, 0.0, *(0.25 + 0.001 * look for look in range(100))])

    def look(*_, **__):
        return types.SimpleNamespace(
            jsd_estimate=next(values), jsd_se=0.01, jsd_lower=0.0, log_e=0.0
        )

    monkeypatch.setattr("onehalf.fitting.evaluations.certify", look)
    monkeypatch.setattr("onehalf.fitting.evaluations.CROSS_FITTED_ROWS", 0)
    asked = Hyperparameters(**TINY | {"rounds": 2000, "noise_share": 0.2}).check()
    domain = infer_domain(from_objects(RING))
    start, data = fitting.start(domain, EncodedRows.unlabelled(RING), asked)
    fits = [fit for fit in fitting.run(start, data) if not fit.is_measured]
    fit, best = fits[-1], [each.best[0] for each in fits]
    # looks at 100 (data against data too), 200, ...; the noise is gone at 400; five looks more
    assert fit.end == "5 evaluations in a row worse than the best"
    assert fit.rounds == 900
    assert fit.choose_evaluation(0).kept == Evaluated(0.2, 0.01, 100)
    assert all(G is best[0] for G in best)  # and the G of that look is kept


def test_each_role_sees_its_own_rows_and_no_others(monkeypatch):
    looks, judged = [], []

    def certify(key, x, y, level, **_):
        looks.append((x.entries(), y.entries(), level))
        return types.SimpleNamespace(jsd_estimate=9.0, jsd_se=9.0, jsd_lower=0.125, log_e=0.5)

    monkeypatch.setattr("onehalf.fitting.evaluations.certify", certify)
    monkeypatch.setattr(
        "onehalf.fitting.evaluations.estimate", lambda *_, **__: (-0.25, 0.0625)
    )
    monkeypatch.setattr(
        "onehalf.fitting.evaluations.compare",
        lambda samples, **asked: judged.append((samples, asked)),
    )
    gan = GAN(**TINY | {"rounds": 200}).fit(RING)
    roles = split_rows(EncodedRows.unlabelled(RING))
    scaler = gan.fit_.preprocessor.scaler
    assert scaler.low.tolist() == roles.train.x.min(axis=0).tolist()
    assert scaler.high.tolist() == roles.train.x.max(axis=0).tolist()

    # two looks, and the first at data against data too: in another order each time, at a level that all share
    validation = roles.validation.x.astype(np.float64)
    assert len(looks) == 3
    for x, _, level in looks:
        assert sorted(map(tuple, x)) == sorted(map(tuple, validation))
        assert not (x == validation).all()
        assert level == 0.05 / 21
    training = set(map(tuple, roles.train.x.astype(np.float64)))
    assert [set(map(tuple, y.reshape(-1, 2))) <= training for _, y, _ in looks] == [
        False,
        True,
        False,
    ]
    three = dataclasses.replace(gan.recipe_, seeds=3)
    fit = dataclasses.replace(gan.fit_, recipe=three)
    judge(fit, jr.key(0), roles.validation, roles.train)
    assert looks[-1][2] == 0.05 / 61

    # rows are few, so the estimate is cross-fitted; below 0 it counts as 0, and of equals the latest is kept
    assert [row["jsd_estimate"] for row in gan.history_] == [[-0.25], [-0.25]]
    assert [row["jsd_lower"] for row in gan.history_] == [[0.125], [0.125]]
    assert gan.fit_.choose_evaluation(0).kept == Evaluated(0.0, 0.0625, 200)

    ((samples, asked),) = judged
    assert (samples.real.x == roles.test.x).all()
    assert (samples.train.x == roles.train.x).all()
    assert samples.other.x.shape == (900, 2)
    assert asked["alpha"] == 0.05


def test_players_learn_from_training_rows_alone():
    rows = EncodedRows.unlabelled(RING)
    fit, data = fitting.start(
        infer_domain(from_objects(RING)), rows, Hyperparameters(**TINY).check()
    )
    expected = fit.preprocessor.scaler.transform(data.splits.train.x)
    assert (np.asarray(data.players.game.p_data.x) == expected).all()


def test_a_game_that_loses_its_numbers_steps_back_and_says_what_it_saw():
    gan = GAN(**TINY | {"rate_D": 1e30, "rate_G": 1e30}).fit(RING)
    assert gan.fit_.stopped_because == (
        "the gradient of G was no finite number in round 1, although rates had been lowered; "
        "the players are those of round 0; lower rates may help"
    )
    assert gan.fit_.rounds == 0
    assert np.isnan(gan.history_[-1]["V"]).all()
    assert np.isfinite(gan.sample(5)).all()  # of the G before the first look


def timed(minutes, history):
    """A fit that has to end in time, and so far took as long as these rows say."""
    asked = Hyperparameters(**TINY | {"minutes": minutes}).check()
    domain = infer_domain(from_objects(RING))
    fit, _ = fitting.start(domain, EncodedRows.unlabelled(RING), asked)
    rounds = history[-1]["t"]
    return dataclasses.replace(fit, history=history, rounds=rounds, seconds_setup=10.0)


def spent(seconds_per_chunk, seconds_per_evaluation, chunks):
    """History of rounds that are evaluated after every chunk but the first, one of ten seconds."""
    rows = [{"t": 100, "seconds": 10.0, "seconds_evaluation": 0.0}]
    each = seconds_per_chunk + seconds_per_evaluation
    for chunk in range(1, chunks):
        row = {"t": 100 * (chunk + 1), "seconds": 10.0 + chunk * each}
        row |= {"seconds_evaluation": chunk * seconds_per_evaluation}
        rows.append(row | {"jsd_estimate": [0.1], "jsd_se": [0.1], "jsd_lower": [0.1]})
    return tuple(rows)


PLAN = Plan(known=None, seconds=5.0, certificate=20.0, page=5.0)


@pytest.mark.parametrize("chunks", [2, 6])
def test_rounds_are_planned_for_the_minutes_that_are_left(chunks):
    fit = timed(200 / 60, spent(1.0, 2.0, chunks))
    # of 200 s, 20 passed before the second chunk, 25 are for what comes after the rounds, and 40 for 20 evaluations
    assert 11_000 <= plan_rounds(fit, PLAN) <= 12_000


def test_what_comes_after_the_rounds_is_slower_where_evaluations_have_become_slower():
    even = spent(1.0, 2.0, 5)
    slow = [
        row
        | {
            "seconds": row["seconds"] + 20 * later,
            "seconds_evaluation": row["seconds_evaluation"] + 20 * later,
        }
        for later, row in enumerate(even[3:], 1)
    ]
    fit = timed(20, (*even[:3], *slow))
    speed = _speed_so_far(fit, PLAN)
    assert speed.chunk == pytest.approx(1.0)
    assert speed.evaluation == pytest.approx(22.0)
    assert speed.rest == 3 * PLAN.rest


def test_a_fit_that_has_no_time_left_has_its_last_round_evaluated():
    fit = timed(1 / 60, spent(1.0, 2.0, 3))
    assert plan_rounds(fit, PLAN) == fit.rounds
    unevaluated = dict(fit.history[-1])
    del unevaluated["jsd_estimate"]
    fit = dataclasses.replace(fit, history=(*fit.history[:-1], unevaluated))
    assert plan_rounds(fit, PLAN) == fit.rounds + 100


def test_differences_are_planted_where_evaluations_show_none():
    history = [dict(row) for row in spent(1.0, 2.0, 3)]
    history[-1]["jsd_lower"] = [0.0]
    assert _speed_so_far(timed(20, tuple(history)), PLAN).rest == 2 * 20.0 + 5.0


def test_minutes_decide_how_many_rounds(monkeypatch):
    planned = []

    def plan(fit, plan):
        planned.append((fit.rounds, fit.seconds_setup, plan.known is not None))
        return 400

    monkeypatch.setattr("onehalf.fitting.loop.plan_rounds", plan)
    gan = GAN(**TINY | {"rounds": None, "minutes": 100.0, "random_state": 0}).fit(RING)
    fit = gan.fit_
    assert fit.rounds == fit.recipe.rounds == 400
    assert [rounds for rounds, *_ in planned] == [200, 300]
    assert all(known for *_, known in planned)
    # the first evaluation comes early, and there are no more of them than their bounds have levels for
    assert fit.evaluated[0]["t"] == 200
    assert len(fit.evaluated) <= fit.domain.evaluations(fit.recipe)
    # time that was taken from the setup is a part of the evaluation
    assert fit.seconds_setup < planned[-1][1]
    same = GAN(**TINY | {"rounds": 400, "random_state": 0}).fit(RING).certificate_
    assert gan.certificate_.baseline == same.baseline
    assert gan.certificate_.detectable == same.detectable


def test_the_speed_of_a_fit_without_evaluation_is_that_of_its_rounds():
    domain = infer_domain(from_objects(RING))
    asked = Hyperparameters(**TINY | {"evaluate": False}).check()
    fit, data = fitting.start(domain, EncodedRows.unlabelled(RING), asked)
    speed = measure_speed(fit, data)
    assert speed == Speed(chunk=speed.chunk)


def test_the_time_of_evaluations_is_a_part_of_the_time(gan):
    rows = gan.history_
    assert 0 < rows[0]["seconds_evaluation"] < rows[0]["seconds"]
    assert rows[-1]["seconds_evaluation"] > rows[0]["seconds_evaluation"]
    assert gan.fit_.seconds_setup > 0
    assert gan.certificate_.seconds > 0


@pytest.mark.parametrize(
    ("recipe", "sentence"),
    [
        ({"k": 0}, "k: expected a whole number of 1 or more; got 0"),
        (
            {"m": 10_000},
            "m: expected a minibatch of no more than the 420 training rows; got 10000",
        ),
        ({"loss": "hing"}, r"loss: expected one of .*; got 'hing'. Did you mean hinge\?"),
        ({"seeds": 0}, "seeds: expected a whole number"),
        ({"rounds": 0}, "rounds: expected a whole number"),
        ({"minutes": 0}, "minutes: expected a number above 0"),
        ({"noise": -1.0}, "noise: expected 0 or more"),
        ({"schedule": "both"}, "schedule: expected one of"),
        ({"normal": 0, "choices": 0}, "normal, choices: expected a latent"),
    ],
)
def test_recipes_that_are_none_are_refused(recipe, sentence):
    with pytest.raises(oh.Refusal, match=sentence):
        GAN(**TINY | recipe).fit(RING)


def test_too_few_rows_are_refused():
    with pytest.raises(oh.Refusal, match="rows: expected at least 9 rows; got 8"):
        GAN(**TINY).fit(np.arange(16.0).reshape(8, 2))
    with pytest.raises(
        oh.Refusal, match="rows: expected rows that differ; got 100 times the same row"
    ):
        GAN(**TINY).fit(np.ones((100, 2)))
