"""Several samples: none is called nearer without evidence, and all levels add up."""

import functools
import json

import jax.random as jr
import numpy as np
import pyarrow as pa
import pytest

import onehalf as oh
from helpers import assert_refused, is_rare, over_seeds, plant_nothing, run_cli
from onehalf.evaluation import measurement, pairing, ranking
from onehalf.evaluation.certificate import certificate
from onehalf.evaluation.certificate.bounds import payoff, payoff_floor
from onehalf.evaluation.certificate.certificate import Certificate, certify
from onehalf.evaluation.certificate.critics import Critic
from onehalf.evaluation.ranking import _bound, _ceilings, compare_pair

ALPHA = 0.05
NONE = np.zeros(0)


@pytest.fixture
def swift(monkeypatch):
    """Quick critics alone, and nothing planted."""
    quick = functools.partial(certify, kinds=("linear", "quadratic"))
    monkeypatch.setattr(pairing, "certify", quick)
    monkeypatch.setattr(ranking, "certify", quick)
    plant_nothing(monkeypatch)


def won(l_x, l_y, low=-2.0, high=2.0):
    """What a critic of these logits wins."""
    gains = payoff(l_x, l_y[:, None], low, high)
    critic = Critic(lambda rows: NONE, low, high, 0.0, (NONE, NONE))
    return Certificate(
        jsd_lower=0.0,
        jsd_estimate=0.0,
        jsd_se=0.0,
        log_e=0.0,
        p_value=1.0,
        tv_lower=0.0,
        accuracy=0.5,
        wealth=gains,
        logits=(l_x, l_y[:, None]),
        critics=(critic,),
        starts=(0,),
        gains=gains,
        floors=np.full(len(gains), payoff_floor(low, high)),
        wide=gains,
    )


def logit(rows, mean):
    """The log ratio of N(0, 1) to N(mean, 1)."""
    return mean**2 / 2 - mean * rows


def two_of(rng, n, mean_one, mean_two):
    """What the best critics win on the same rows of N(0, 1), against normal samples of these means."""
    real = rng.normal(size=n)
    return [
        (name, won(logit(real, mean), logit(rng.normal(mean, 1, n), mean)))
        for name, mean in (("one", mean_one), ("two", mean_two))
    ]


@over_seeds(200, 2000)
def test_of_two_equally_far_none_is_called_nearer(seeds):
    found = [
        compare_pair(*two_of(np.random.default_rng(s), 80, 1, -1), ALPHA) for s in range(seeds)
    ]
    assert is_rare([each.at_least > 0 for each in found])
    assert np.mean([each.difference >= 0 for each in found]) == 1


@over_seeds(100, 1000)
def test_the_bound_lies_above_the_true_difference_seldom(seeds):
    # JSD(N(0,1), N(2,1)) - JSD(N(0,1), N(1,1)) by quadrature; clips take a little away from the greater
    found = [
        compare_pair(*two_of(np.random.default_rng(s), 150, 1, 2), ALPHA) for s in range(seeds)
    ]
    assert is_rare([each.at_least > 0.336831 - 0.111421 for each in found])
    assert np.mean([(each.nearer, each.at_least > 0) == ("one", True) for each in found]) > 0.9
    turned = compare_pair(*two_of(np.random.default_rng(0), 150, 2, 1), ALPHA)
    assert (turned.nearer, turned.further) == ("two", "one")
    assert turned.difference > 0


def test_no_difference_of_gains_is_below_its_floor():
    rng = np.random.default_rng(0)
    more, less = (
        won(*rng.normal(0, 9, (2, 500)), -1.0, 3.0),
        won(*rng.normal(0, 9, (2, 500)), -4.0, 0.5),
    )
    difference = more.gains - less.gains
    floors = more.floors - _ceilings(less)
    assert np.all(difference >= floors - 1e-12)
    assert difference.min() < floors[0] + 0.05
    assert _bound(more, more, ALPHA) == 0


def test_each_critic_has_its_own_ceiling(monkeypatch):
    clips = iter([(-1.0, 1.0), (-2.0, 2.0), (-3.0, 3.0)])

    def learn(key, x, y, n, alpha=ALPHA, kinds=(), encoder=None, past=None):
        return Critic(lambda rows: np.zeros(len(rows)), *next(clips), 0.0, (NONE, NONE))

    monkeypatch.setattr(certificate, "learn", learn)
    seen = certify(jr.key(0), np.zeros((400, 1)), np.zeros((400, 1, 1)))
    ceilings = _ceilings(seen)
    assert len(ceilings) == len(seen.gains) == 300
    assert len(np.unique(ceilings[:100])) == 1
    assert ceilings[0] < ceilings[100] < ceilings[200]


@pytest.mark.usefixtures("swift")
def test_the_nearer_sample_is_named():
    rng = np.random.default_rng(0)
    real, near, far = (rng.normal(mean, size=(300, 2)) for mean in (0, 0, 2))
    found = oh.rank(real=real, others={"near": near, "far": far, "twin": near})
    pairs = {(each.nearer, each.further): each for each in found.comparisons}
    assert pairs["near", "far"].at_least > 0.1
    assert pairs["twin", "far"].at_least > 0.1
    twins = pairs["near", "twin"]
    assert (twins.difference, twins.at_least) == (0, 0)
    said = str(found)
    assert "near is nearer to the data than far, as far as critics see" in said
    assert "near and twin: it was not shown which of them is nearer" in said
    assert said.splitlines()[0].split() == ["near", "far", "twin", "data", "v", "data"]


@pytest.mark.usefixtures("swift")
@pytest.mark.parametrize("sizes", [(60, 200), (200, 60), (45, 900)])
def test_samples_of_any_sizes_are_compared_on_the_same_rows(sizes):
    rng = np.random.default_rng(0)
    others = {str(n): rng.normal(3 * (n > 100), size=(n, 2)) for n in sizes}
    found = oh.rank(real=rng.normal(size=(100, 2)), others=others)
    assert found.comparisons[0].nearer == str(min(sizes))
    assert found.n_rows == (min(*sizes, 100) + 1) // 2


@pytest.mark.usefixtures("swift")
def test_all_levels_add_up_and_the_data_are_judged_once(monkeypatch):
    levels, judged = [], []
    compare, pair, data = ranking.compare, ranking.compare_pair, measurement.compare_data

    def noted_compare(samples, *, alpha, **options):
        levels.append(alpha)
        return compare(samples, alpha=alpha, **options)

    def noted_pair(one, two, alpha):
        levels.append(alpha)
        return pair(one, two, alpha)

    def noted_data(*arguments):
        judged.append(1)
        return data(*arguments)

    monkeypatch.setattr(ranking, "compare", noted_compare)
    monkeypatch.setattr(ranking, "compare_pair", noted_pair)
    monkeypatch.setattr(measurement, "compare_data", noted_data)
    rng = np.random.default_rng(0)
    others = {name: rng.normal(size=(50, 1)) for name in "abc"}
    found = oh.rank(real=rng.normal(size=(50, 1)), others=others, alpha=0.1)
    assert len(levels) == 6
    assert sum(levels) == pytest.approx(0.1)
    assert len(judged) == 1
    assert found.samples["a"].baseline == found.samples["c"].baseline


def test_other_columns_are_refused_by_file_and_column_before_any_work(monkeypatch):
    monkeypatch.setattr(ranking, "compare", None)
    rng = np.random.default_rng(0)

    def table(*names):
        return pa.table({name: rng.normal(size=30) for name in names})

    with pytest.raises(
        oh.Refusal,
        match=r"^b\.csv: expected the columns of the data; got no 'plan', no 'price' and 'cost' besides\.$",
    ):
        oh.rank(
            real=table("age", "plan", "price"),
            others={"a.csv": table("price", "age", "plan"), "b.csv": table("age", "cost")},
        )
    with pytest.raises(oh.Refusal, match=r"^c: expected rows of the data's shape"):
        oh.rank(real=np.ones((30, 2)), others={"a": np.ones((30, 2)), "c": np.ones((30, 3))})
    with pytest.raises(oh.Refusal, match=r"^others: expected at least 2 samples; got 1\."):
        oh.rank(real=np.ones((30, 2)), others={"a": np.ones((30, 2))})


@pytest.mark.usefixtures("swift")
def test_the_command_ranks_several_files(tmp_path):
    rng = np.random.default_rng(0)
    for name, mean in (("real", 0), ("a", 0), ("b", 3), ("train", 0)):
        np.save(tmp_path / f"{name}.npy", rng.normal(mean, size=(60, 2)))
    words = ["measure", "real.npy", "a.npy", "b.npy", "--train", "train.npy", "--json"]
    done = run_cli(*words, cwd=tmp_path)
    assert done.code == 0, done.stderr
    printed = json.loads(done.stdout)
    assert list(printed["samples"]) == ["a.npy", "b.npy"]
    assert printed["samples"]["b.npy"]["jsd_lower"] > 0
    assert printed["comparisons"][0]["nearer"] == "a.npy"
    assert "a.npy is nearer to the data than b.npy" in done.stderr
    assert "p of 'no copying'" in done.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("swift")
def test_samples_of_a_run_are_ranked_beside_a_file(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "rows.npy", rng.normal(size=(120, 2)))
    np.save(tmp_path / "far.npy", rng.normal(9, size=(120, 2)))
    fit = run_cli(
        "fit", "rows.npy", "--out", "run", "--rounds", 100, "--no-evaluation", cwd=tmp_path
    )
    assert fit.code == 0, fit.stderr
    done = run_cli("measure", "rows.npy", "run", "far.npy", "--json", cwd=tmp_path)
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout)["samples"]["run"]["n_other"] == 1200
    assert "run was fitted on rows.npy" in done.stderr


def test_the_command_refuses_what_it_cannot_rank(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((30, 1)))
    done = run_cli("measure", "a.npy", "a.npy", "a.npy", cwd=tmp_path)
    assert_refused(done, "a.npy: expected each sample once; got the same path twice.")
    done = run_cli("measure", "a.npy", "a.npy", "b.npy", "--html", "page.html", cwd=tmp_path)
    assert_refused(done, "--html: expected one sample; got 2 samples.")
