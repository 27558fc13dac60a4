"""The guarantees as frequencies: how often a bound lies above the truth, and what a fair bet brings on average.

`is_rare` lets a rate of alpha pass but for luck of one in 2,000, over some seeds in the quick test set
and over many in the full one (`@over_seeds`). Where a law is exact there is no luck about it. The same
laws with every critic are in bench/guarantees.py.
"""

import functools
import itertools
import math

import jax.random as jr
import numpy as np
import pytest
from scipy import special, stats

from helpers import is_rare, over_seeds, plant_nothing
from onehalf.evaluation import measurement, pairing
from onehalf.evaluation.certificate import bounds, certificate
from onehalf.evaluation.certificate.bounds import (
    AnytimeBound,
    clopper_pearson,
    log_wealth,
    lower_bound,
    p_value,
)
from onehalf.evaluation.certificate.certificate import Past, certify, estimate
from onehalf.evaluation.certificate.critics import PLAIN_ARRAY, Critic
from onehalf.evaluation.certificate.monitor import monitor
from onehalf.evaluation.checks import optional
from onehalf.evaluation.checks.memorization import detect_copying
from onehalf.evaluation.checks.sensitivity import (
    Trials,
    _add_noise,
    _break_pair,
    _ChangedCells,
    _DroppedGroup,
    _Kind,
    _RepeatedRows,
    _shift,
    plant_effects,
)
from onehalf.evaluation.explain.marginals import rank_marginals
from onehalf.evaluation.explain.regions import find_regions, jsd_of_dropped
from onehalf.evaluation.features.arrays import ArrayEncoder
from onehalf.evaluation.features.base import PlainColumns
from onehalf.evaluation.rows import wrap
from onehalf.measuring import measure

ALPHA = 0.05
WATCHED_LEARN = "onehalf.evaluation.certificate.monitor.learn"
QUICK = ("linear", "quadratic", "cells")
NUMBERS = ("jsd_lower", "jsd_estimate", "jsd_se", "log_e", "p_value", "tv_lower", "accuracy")


def fair(log_e):
    """Whether e-values have mean 1 at most, within 3.5 standard errors, and reach 1/alpha seldom."""
    e = np.exp(log_e)
    return e.mean() <= 1 + 3.5 * e.std() / math.sqrt(len(e)) and is_rare(e >= 1 / ALPHA)


def settled(d, clip=4.6):
    """In place of `learn`: a critic that has learned nothing, and stakes boldly."""
    none = np.zeros(0)
    return lambda key, x, y, n, alpha=ALPHA, kinds=(), encoder=None, past=None: Critic(
        lambda rows: d(wrap(rows).x), -clip, clip, 0.0, (none, none)
    )


# ------------------------------------------------------------------------------------------- the bets, without critics


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("size", [0.1, 3.0, 1e4])
def test_the_bet_is_fair_over_all_deals(k, size):
    # which of k + 1 rows was called x, in each of four rounds: all deals together bring exactly 1, whatever the logits
    logits = size * np.random.default_rng(0).standard_cauchy((4, k + 1))
    deals = [
        np.stack([np.roll(row, -first) for row, first in zip(logits, firsts, strict=True)])
        for firsts in itertools.product(range(k + 1), repeat=4)
    ]
    assert np.mean(
        [np.exp(log_wealth(deal[:, 0], deal[:, 1:])[-1]) for deal in deals]
    ) == pytest.approx(1, rel=1e-9)


@over_seeds(300, 3000)
@pytest.mark.parametrize(
    ("draw", "exact"),
    [
        (lambda rng: rng.normal(size=20), True),
        (lambda rng: rng.standard_cauchy(20), True),
        (lambda rng: rng.integers(0, 2, 20).astype(float), False),
        (lambda rng: (rng.random(20) < 0.05).astype(float), False),
    ],
    ids=["normal", "cauchy", "yes or no", "rarely yes"],
)
@pytest.mark.parametrize("k", [1, 3])
def test_p_is_small_as_seldom_as_it_says(seeds, draw, exact, k):
    rngs = [np.random.default_rng(seed) for seed in range(seeds)]
    n = 20 // (k + 1)
    rows = [draw(rng).reshape(n, k + 1) for rng in rngs]
    small = [
        p_value(rng, row[:, 0], row[:, 1:], deals=19) <= ALPHA
        for rng, row in zip(rngs, rows, strict=True)
    ]
    assert is_rare(small)
    if exact:  # and no more seldom, if no two deals are alike
        assert np.sum(small) >= stats.binom.ppf(5e-4, len(small), ALPHA)


def test_equal_logits_stay_equal_however_their_sums_are_rounded():
    # 0.1 and 0.7 have many sums, one for each order that they are added in
    for seed in range(20):
        ones = (np.random.default_rng(seed).random((20, 3)) < 0.5).astype(float)
        rounded = 0.1 + 0.6 * ones
        p = [
            p_value(np.random.default_rng(seed), rows[:, 0], rows[:, 1:], deals=99)
            for rows in (ones, rounded)
        ]
        assert p[0] == p[1]


def coin(low, high, floor, mean):
    """The higher one of two values just so often that the mean is right."""
    return lambda rng, n: (
        np.where(rng.random(n) < (mean - low) / (high - low), high, low),
        np.full(n, floor),
    )


def changing(rng, n):
    """As with two critics: another floor and another law after half of the gains, and the mean stays."""
    parts = [
        coin(-0.9, 0.3, -0.9, 0.2)(rng, n // 2),
        coin(0.1, 0.9, -0.2, 0.2)(rng, n - n // 2),
    ]
    return tuple(np.concatenate(each) for each in zip(*parts, strict=True))


def spiteful(rng, n):
    """Calm while the sum is above what is expected, and wild to make up for it when it is below."""
    gains, above = np.empty(n), 0.0
    for t, luck in enumerate(rng.random(n)):
        gains[t] = 0.2 + (0.1 if above >= 0 else 0.7) * (1 if luck < 0.5 else -1)
        above += gains[t] - 0.2
    return gains, np.full(n, -0.5)


GAINS = {  # n gains, each of mean 0.2 exactly given the past, and their floors
    "rare losses": coin(-0.5, 0.225, -0.5, 0.2),
    "rarer losses": coin(-0.5, 0.2071, -0.5, 0.2),
    "rare gains": coin(-0.03, 0.68, -0.03, 0.2),
    "even": coin(-0.2, 0.6, -0.5, 0.2),
    "calm": coin(0.18, 0.22, -2.0, 0.2),
    "changing": changing,
    "spiteful": spiteful,
}


@over_seeds(100, 1500)
@pytest.mark.parametrize("law", GAINS)
def test_a_lower_bound_reaches_the_true_mean_seldom(seeds, law, monkeypatch):
    # the grid ends at the true mean, 0.2, so that there is no slack between it and the next point
    monkeypatch.setattr(bounds, "POINTS", 2)
    draws = [GAINS[law](np.random.default_rng(seed), 60) for seed in range(seeds)]
    assert is_rare(
        [lower_bound(gains, floors, ALPHA, top=0.2) == 0.2 for gains, floors in draws]
    )


@over_seeds(150, 500)
def test_a_lower_bound_is_not_far_too_careful(seeds, monkeypatch):
    monkeypatch.setattr(bounds, "POINTS", 2)
    draws = [GAINS["rare gains"](np.random.default_rng(seed), 200) for seed in range(seeds)]
    assert (
        np.mean([lower_bound(gains, floors, ALPHA, top=0.2) == 0.2 for gains, floors in draws])
        > 0.015
    )


@over_seeds(100, 1500)
def test_a_lower_bound_holds_where_rows_are_bet_on_in_blocks(seeds, monkeypatch):
    monkeypatch.setattr(bounds, "POINTS", 2)
    monkeypatch.setattr(bounds, "STEPS", 20)
    draws = [GAINS["even"](np.random.default_rng(seed), 90) for seed in range(seeds)]
    assert is_rare(
        [lower_bound(gains, floors, ALPHA, top=0.2) == 0.2 for gains, floors in draws]
    )


def test_no_block_reaches_across_a_new_floor(monkeypatch):
    # a bet as bold as the first floor allows would lose more than all there is to the second one
    monkeypatch.setattr(bounds, "STEPS", 2)
    assert (
        lower_bound(np.repeat([0.2, -0.9], [3, 7]), np.repeat([-0.2, -0.9], [3, 7]), ALPHA) == 0
    )


def test_a_hypothesis_that_stands_ends_the_bound():
    # each point is refuted with probability alpha at most if it is true: not each of those beyond the first that stands
    assert bounds._highest(np.array([0.1, 0.2, 0.3]), np.array([True, False, True])) == 0.1


def test_an_exact_interval_misses_seldom():
    # both ends at once, by the binomial law itself
    for p in (0.01, 0.2, 0.5, 0.93):
        ends = [clopper_pearson(count, 30, ALPHA) for count in range(31)]
        assert (
            sum(
                stats.binom.pmf(i, 30, p)
                for i, (low, high) in enumerate(ends)
                if not low <= p <= high
            )
            <= ALPHA
        )
        assert all(low <= count / 30 <= high for count, (low, high) in enumerate(ends))
    assert stats.binom.sf(2, 30, clopper_pearson(3, 30, ALPHA)[0]) == pytest.approx(ALPHA / 2)
    assert stats.binom.cdf(3, 30, clopper_pearson(3, 30, ALPHA)[1]) == pytest.approx(ALPHA / 2)


@over_seeds(40, 400)
@pytest.mark.parametrize("law", ["rare gains", "even", "spiteful"])
def test_the_anytime_bound_holds_at_the_worst_moment(seeds, law, monkeypatch):
    monkeypatch.setattr(bounds, "POINTS", 2)
    # bold shares alone: the cautious ones need more rows than there are here to come near to their limit
    monkeypatch.setattr(bounds, "SHARES", (0.2, 0.4))
    reached, wealth = [], []
    for seed in range(seeds):
        gains, floors = GAINS[law](np.random.default_rng(seed), 250)
        bound = AnytimeBound(ALPHA, top=0.2)
        for gain in gains:
            bound.update(
                np.array([[gain], [0.9 * gain + 0.02]]), [floors[0], 0.9 * floors[0] + 0.02]
            )
        reached.append(bound.lower == 0.2)
        wealth.append(np.log(np.exp(bound.wealth[:, :, -1]).mean()))
    assert is_rare(reached)
    assert fair(np.array(wealth))


# --------------------------------------------------------------------------------- certificates, on laws that are known


def normal(mean=0.0, std=1.0, d=1):
    return lambda rng, n: rng.normal(mean, std, size=(n, d))


def student(df):
    """Student's t, scaled to unit variance."""
    return lambda rng, n: rng.standard_t(df, size=(n, 1)) * math.sqrt(1 - 2 / df)


def groups(count):
    """One of so many values, all equally likely."""
    return lambda rng, n: rng.integers(count, size=(n, 1)).astype(float)


def bits(tilt):
    """Three bits, an even sum (1 + tilt)/(1 - tilt) times as likely as an odd one; any two of them are fair."""

    def draw(rng, n):
        rows = rng.integers(2, size=(n, 3))
        rows[:, 2] = (rows[:, 0] + rows[:, 1] + (rng.random(n) < (1 - tilt) / 2)) % 2
        return rows.astype(float)

    return draw


PAIRS = {  # two laws, their JSD in nats and their TV: by quadrature, or in closed form
    "shift": (normal(), normal(1.0), 0.111421, 0.382925),
    "scale": (normal(d=2), normal(std=1.3, d=2), 0.032143, 0.190850),
    "t3": (student(3), normal(), 0.024331, 0.185336),
    "missing group": (groups(4), groups(3), jsd_of_dropped(1 / 4), 1 / 4),
    "parity": (bits(0.0), bits(0.8), 0.101749, 0.4),
    "atoms alone": (groups(3), groups(3), 0.0, 0.0),
    "nothing": (normal(d=2), normal(d=2), 0.0, 0.0),
}


def certified(seed, p, q, n=200, k=1, kinds=QUICK):
    rng = np.random.default_rng(seed)
    y = q(rng, n * k)
    return certify(jr.key(seed), p(rng, n), y.reshape(n, k, -1), ALPHA, kinds=kinds)


@over_seeds(12, 60)
@pytest.mark.parametrize("pair", PAIRS)
def test_bounds_lie_above_the_truth_seldom(seeds, pair):
    p, q, jsd, tv = PAIRS[pair]
    found = [certified(seed, p, q) for seed in range(seeds)]
    assert is_rare([each.jsd_lower > jsd for each in found])
    assert is_rare([each.tv_lower > tv for each in found])
    if jsd == 0:
        assert is_rare([each.p_value <= ALPHA for each in found])
        assert fair(np.array([each.log_e for each in found]))


def remember(rows):
    """A generator that knows nothing but these rows, and gives them again."""
    return lambda rng, n: rows[rng.integers(len(rows), size=n)]


def jsd_of_shares(p, q):
    """JSD of two laws on the same values, in nats."""
    middle = (p + q) / 2
    return float((special.rel_entr(p, middle) + special.rel_entr(q, middle)).sum() / 2)


def certified_with_past(seed, p, q, past, n=100, k=2):
    """Test rows of p against samples of q, by critics that learned from `past` as well."""
    rng = np.random.default_rng([seed, 1])
    rows = [wrap(law(rng, 150)) for law in past]
    return certify(
        jr.key(seed),
        p(rng, n),
        q(rng, n * k).reshape(n, k, -1),
        ALPHA,
        kinds=QUICK,
        past=Past(*rows),
    )


PASTS = {  # p, q, and the laws of the past: whatever it is, test rows and samples are independent of it
    "the same": ("atoms alone", (groups(3), groups(3))),
    "another time": ("nothing", (normal(1.0, d=2), normal(-1.0, d=2))),
    "mistaken for each other": ("shift", (normal(1.0), normal())),
    "as they are": ("missing group", (groups(4), groups(3))),
}


@over_seeds(20, 200)
@pytest.mark.parametrize("name", PASTS)
def test_bounds_hold_whatever_critics_learned_from_before(seeds, name):
    pair, past = PASTS[name]
    p, q, jsd, tv = PAIRS[pair]
    found = [certified_with_past(seed, p, q, past) for seed in range(seeds)]
    assert is_rare([each.jsd_lower > jsd for each in found])
    assert is_rare([each.tv_lower > tv for each in found])
    if jsd == 0:
        assert is_rare([each.p_value <= ALPHA for each in found])
        assert fair(np.array([each.log_e for each in found]))


@over_seeds(20, 200)
def test_bounds_hold_for_a_generator_that_gives_training_rows_again(seeds):
    # given its 40 training rows, the law of its samples is known, and with it the JSD
    values = 12
    found, truths = [], []
    for seed in range(seeds):
        train = groups(values)(np.random.default_rng([seed, 2]), 40)
        shares = np.bincount(train[:, 0].astype(int), minlength=values) / len(train)
        truths.append(jsd_of_shares(np.full(values, 1 / values), shares))
        copies = remember(train)
        past = remember(train), copies
        found.append(certified_with_past(seed, groups(values), copies, past))
    assert is_rare([each.jsd_lower > truth for each, truth in zip(found, truths, strict=True)])


def test_critics_that_learned_before_bet_on_all_test_rows_and_see_more():
    p, q, jsd, _ = PAIRS["scale"]
    with_past = certified_with_past(0, p, q, (p, q), n=150)
    rng = np.random.default_rng([0, 1])
    alone = certify(jr.key(0), p(rng, 150), q(rng, 300).reshape(150, 2, -1), kinds=QUICK)
    assert with_past.starts == (0, 75)
    assert len(with_past.gains) == 150
    assert alone.jsd_lower < with_past.jsd_lower < jsd


ORACLES = {
    "shift": lambda rows: 0.5 - rows[:, 0],
    "missing group": lambda rows: np.where(rows[:, 0] == 3, 9.0, -0.2877),
}


@over_seeds(60, 300)
@pytest.mark.parametrize("pair", ORACLES)
def test_bounds_hold_for_a_critic_that_knows_the_truth(seeds, pair, monkeypatch):
    # nothing is lost by learning here, so that bounds come as near to the truth as they can
    monkeypatch.setattr(certificate, "learn", settled(ORACLES[pair]))
    monkeypatch.setattr(certificate, "p_value", functools.partial(p_value, deals=19))
    p, q, jsd, tv = PAIRS[pair]
    found = [certified(seed, p, q, n=80) for seed in range(seeds)]
    assert is_rare([each.jsd_lower > jsd for each in found])
    assert is_rare([each.tv_lower > tv for each in found])


def test_a_bound_is_at_the_level_that_was_asked_for(monkeypatch):
    # the critic is settled, so that the level alone can move a bound
    monkeypatch.setattr(certificate, "learn", settled(ORACLES["shift"], clip=2.0))
    rng = np.random.default_rng(0)
    x, y = normal()(rng, 400), normal(1.0)(rng, 400)
    loose, strict = (certify(jr.key(0), x, y[:, None], alpha) for alpha in (0.2, 0.002))
    assert strict.jsd_lower < loose.jsd_lower
    assert strict.tv_lower < loose.tv_lower
    monkeypatch.setattr(WATCHED_LEARN, settled(ORACLES["shift"], clip=2.0))
    samples = normal(1.0)(rng, 3500)
    loose, strict = (
        monitor([], lambda n: samples[:n], alpha=alpha).update(x[:50]).update(x[50:])
        for alpha in (0.2, 0.002)
    )
    assert strict.jsd_lower < loose.jsd_lower


@over_seeds(60, 400)
@pytest.mark.parametrize("k", [1, 4])
def test_a_critic_that_is_wrong_and_bold_wins_nothing(seeds, k, monkeypatch):
    monkeypatch.setattr(certificate, "learn", settled(lambda rows: 2 * rows[:, 0] - 3))
    monkeypatch.setattr(certificate, "p_value", functools.partial(p_value, deals=199))
    monkeypatch.setattr(certificate, "FEW", 40)  # three critics, and their p-values joined
    found = [certified(seed, normal(), normal(), n=60, k=k) for seed in range(seeds)]
    assert is_rare([each.jsd_lower > 0 for each in found])
    assert is_rare([each.p_value <= ALPHA for each in found])
    assert fair(np.array([each.log_e for each in found]))
    # Ville: its greatest moment counts
    assert is_rare([each.wealth.max() >= math.log(1 / ALPHA) for each in found])


def test_no_row_is_bet_on_that_was_learned_from(monkeypatch):
    # a critic that knows the rows it learned from by heart, and nothing else, finds none of them among new ones
    def by_heart(key, x, y, n, alpha=ALPHA, kinds=(), encoder=None, past=None):
        seen = {row.tobytes(): 4.0 for row in wrap(x).x}
        seen |= {row.tobytes(): -4.0 for row in wrap(y).x}

        def d(rows):
            return np.array([seen.get(row.tobytes(), 0.0) for row in rows])

        return settled(d)(key, x, y, n)

    for module in ("certificate", "monitor"):
        monkeypatch.setattr(f"onehalf.evaluation.certificate.{module}.learn", by_heart)
    for found in (
        certified(0, normal(), normal(), n=600),
        certified(0, normal(), normal(), n=30, k=3),
    ):
        assert found.log_e == pytest.approx(0, abs=1e-9)
        assert (found.jsd_lower, found.tv_lower, found.p_value) == (0, 0, 1)
    rng = np.random.default_rng(0)
    assert estimate(jr.key(0), normal()(rng, 30), normal()(rng, 30)[:, None]) == pytest.approx(
        (0, 0), abs=1e-9
    )
    looks = [
        look.log_e
        for look in monitor(
            (rng.normal(size=(20, 1)) for _ in range(9)), lambda n: rng.normal(size=(n, 1))
        )
    ]
    assert looks == pytest.approx([0] * 9, abs=1e-9)


def watched(seed, p, q, looks, batch=10):
    """A watch after all its looks; both numbers are the greatest there were."""
    rng = np.random.default_rng(seed)
    found = monitor(
        (p(rng, batch) for _ in range(looks)), lambda n: q(rng, n), alpha=ALPHA, seed=seed
    )
    return max(look.log_e for look in found), found.jsd_lower


@over_seeds(40, 300)
def test_a_watch_holds_at_the_worst_moment_where_nothing_is(seeds, monkeypatch):
    monkeypatch.setattr(bounds, "POINTS", 2)
    monkeypatch.setattr(WATCHED_LEARN, settled(lambda rows: 2 * rows[:, 0] - 1, clip=1.0))
    log_e, lower = np.transpose(
        [watched(seed, normal(), normal(), looks=20) for seed in range(seeds)]
    )
    assert is_rare(log_e >= math.log(1 / ALPHA))
    assert is_rare(lower > 0)


@over_seeds(30, 100)
def test_a_watch_holds_at_the_worst_moment_where_something_is(seeds, monkeypatch):
    monkeypatch.setattr(WATCHED_LEARN, settled(ORACLES["shift"], clip=2.0))
    p, q, jsd, _ = PAIRS["shift"]
    lower = np.array([watched(seed, p, q, looks=16)[1] for seed in range(seeds)])
    assert is_rare(lower > jsd)
    assert np.median(lower) > 0.01


@over_seeds(20, 80)
def test_a_watch_that_learns_for_itself_is_fair(seeds, monkeypatch):
    linear = functools.partial(certificate.learn, kinds=("linear",))
    monkeypatch.setattr(WATCHED_LEARN, linear)
    log_e, lower = np.transpose(
        [watched(seed, groups(3), groups(3), looks=8) for seed in range(seeds)]
    )
    assert is_rare(log_e >= math.log(1 / ALPHA))
    assert is_rare(lower > 0)


@over_seeds(3, 8)
def test_more_rows_certify_more(seeds):
    p, q, jsd, _ = PAIRS["shift"]
    lower = [
        np.mean([certified(seed, p, q, n).jsd_lower for seed in range(seeds)])
        for n in (50, 200, 800)
    ]
    assert lower[0] < lower[1] - 0.01 < lower[2] - 0.02 < jsd


# ------------------------------------------------------------------------------------------ where, and what was copied

AGES, SIZES = 12, 4
LIKELY = np.ones((2, AGES, SIZES))
LIKELY[1, [1, 6]], LIKELY[1, [4, 9]] = (
    4,
    1 / 4,
)  # two ages are frequent in the other sample, and two are rare
LIKELY[1, :, 0] *= 2
LIKELY /= LIKELY.sum(axis=(1, 2), keepdims=True)
CELLS = np.stack(
    np.meshgrid(np.arange(AGES), np.arange(SIZES), indexing="ij"), axis=-1
).reshape(-1, 2)


def jsd_of(p, q):
    m = (p + q) / 2
    return (np.sum(p * np.log(p / m)) + np.sum(q * np.log(q / m))) / 2


JSD_OF = {
    ("age", "size"): jsd_of(*LIKELY),
    ("age",): jsd_of(*LIKELY.sum(axis=2)),
    ("size",): jsd_of(*LIKELY.sum(axis=1)),
}


def people(seed, n):
    rng = np.random.default_rng(seed)
    piles = [
        CELLS[rng.choice(len(CELLS), size=2 * n, p=likely.ravel())].astype(float)
        for likely in LIKELY
    ]
    return piles[0][:n], piles[1][:n], piles[0][n:], piles[1][n:]


def shares(region):
    """The true shares of both laws in a region."""
    compare = {">": np.greater, ">=": np.greater_equal, "<=": np.less_equal, "=": np.equal}
    column = dict(zip(("age", "size"), CELLS.T, strict=True))
    inside = [compare[op](column[name], value) for name, op, value in region.conditions]
    return LIKELY.reshape(2, -1) @ np.all(inside, axis=0)


@over_seeds(60, 800)
def test_all_intervals_of_all_regions_hold_at_once(seeds):
    found = [
        find_regions(*people(seed, 300), PlainColumns(("age", "size")), ALPHA)
        for seed in range(seeds)
    ]
    assert sum(map(len, found)) > seeds
    missed = [
        any(
            not getattr(region, side).low <= share <= getattr(region, side).high
            for region in each
            for side, share in zip(("real", "other"), shares(region), strict=True)
        )
        for each in found
    ]
    assert is_rare(missed)
    assert is_rare(
        [
            max(region.jsd_lower for region in each) > JSD_OF["age", "size"]
            for each in found
            if each
        ]
    )


@over_seeds(30, 100)
def test_no_step_of_the_ladder_claims_more_than_its_columns_show(seeds):
    found = [
        rank_marginals(*people(seed, 300), PlainColumns(("age", "size")), ALPHA)
        for seed in range(seeds)
    ]
    assert is_rare(
        [any(step.jsd_lower > JSD_OF[step.columns] for step in each) for each in found]
    )


@over_seeds(40, 120)
@pytest.mark.parametrize("law", [normal(d=2), groups(20)], ids=["normal", "ties"])
def test_honest_fakes_are_seldom_called_copies(seeds, law):
    found = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        found.append(detect_copying(rng, law(rng, 40), law(rng, 40), law(rng, 60), ALPHA))
    assert is_rare([each.p_value <= ALPHA for each in found])
    assert is_rare([each.nearer_train.p_value <= ALPHA for each in found])
    assert is_rare([each.shown for each in found])
    assert is_rare([each.advantage_lower > 0 for each in found])
    assert fair(np.array([each.log_e for each in found]))


DROPPED = _Kind("dropped group", _DroppedGroup(PLAIN_ARRAY), (0.32,), ("linear", "cells"))
BROKEN = _Kind(
    "broken pair", _ChangedCells(_break_pair, [(0, 1)]), (1.0,), ("quadratic", "pairs")
)
SHIFTED = _Kind("shifted column", _ChangedCells(_shift, [0, 1]), (1.0,), ("linear",))
NOISY = _Kind("jitter", _ChangedCells(_add_noise, [0, 1]), (0.3,), ("trees",))
REPEATED = _Kind("repeated rows", _RepeatedRows(), (0.5,), ("linear", "cells"))


def planted(rows, alpha=ALPHA):
    """Trials on rows of plain numbers."""
    encoder = ArrayEncoder(PlainColumns.number(rows.shape[1:]))
    return Trials(wrap(rows), len(rows), alpha, encoder)


def related(rng, n):
    """Whole numbers, and their doubles."""
    first = rng.integers(1, 50, n)
    return np.column_stack([first, 2 * first]).astype(float)


@over_seeds(20, 60)
def test_where_nothing_was_dropped_it_is_noticed_seldom(seeds):
    law = normal(d=2)
    assert is_rare(
        [
            planted(law(np.random.default_rng(seed), 120)).is_noticed(
                jr.key(seed), DROPPED, 0.0
            )
            for seed in range(seeds)
        ]
    )


def test_a_dropped_group_can_be_noticed_at_any_level():
    rows = groups(2)(np.random.default_rng(0), 400)
    assert planted(rows, alpha=1e-3).is_noticed(jr.key(0), DROPPED, 0.32)


@over_seeds(20, 60)
@pytest.mark.parametrize("kind", [BROKEN, SHIFTED, NOISY, REPEATED], ids=lambda kind: kind.name)
def test_a_planted_difference_of_no_size_is_noticed_seldom(seeds, kind):
    assert is_rare(
        [
            planted(related(np.random.default_rng(seed), 120)).is_noticed(
                jr.key(seed), kind, 0.0
            )
            for seed in range(seeds)
        ]
    )


@pytest.mark.parametrize("plant", [SHIFTED.plant, NOISY.plant])
def test_columns_of_which_nothing_is_known_are_left_as_they_are(plant):
    rows = wrap(np.full((40, 2), np.nan))
    changed = plant(np.random.default_rng(0), rows, np.arange(40) < 20, 1.0)
    assert np.isnan(changed.x).all()


def test_repeated_rows_are_copies_of_the_others():
    rows = wrap(np.arange(400.0)[:, None])
    second = np.arange(400) < 200
    changed = _RepeatedRows()(np.random.default_rng(0), rows, second, 0.3).x.ravel()
    assert len(changed) == 200
    assert set(changed) == set(range(140))


@pytest.mark.slow
def test_differences_that_are_planted_are_noticed_if_they_are_large():
    rows = related(np.random.default_rng(0), 800)
    effects = {each.kind: each for each in plant_effects(jr.key(0), planted(rows))}
    assert set(effects) == {"broken pair", "shifted column", "jitter", "repeated rows"}
    assert all(each.is_noticed and each.noticed >= 9 for each in effects.values())
    # all of a column that makes up for another one is easier to notice than noise of a third of its size
    assert effects["broken pair"].size < 1
    noise = np.random.default_rng(0).normal(size=(800, 2))
    effects = {each.kind: each for each in plant_effects(jr.key(0), planted(noise))}
    assert set(effects) == {"shifted column", "jitter", "repeated rows"}
    assert effects["repeated rows"].is_noticed


# ------------------------------------------------------------------------------------------ what changes nothing at all


@pytest.fixture
def swift(monkeypatch):
    """A measurement with quick critics alone, and nothing planted."""
    monkeypatch.setattr(pairing, "certify", functools.partial(certify, kinds=QUICK))
    plant_nothing(monkeypatch)


def numbers(found):
    return [getattr(found, name) for name in NUMBERS]


def two(name, seed):
    rng = np.random.default_rng(seed)
    real, other = {
        "shifted": (normal(d=2)(rng, 120), normal(0.8, d=2)(rng, 120)),
        "fewer": (normal(d=2)(rng, 60), normal(0.8, d=2)(rng, 150)),
        "atoms": (bits(0.0)(rng, 150), bits(0.9)(rng, 150)),
    }[name]
    return real, other


def sides(regions):
    """Regions without their order, which ties may change, and with their shares named by side."""
    return {region.rule: (region.real, region.other, region.jsd_lower) for region in regions}


@over_seeds(1, 4)
@pytest.mark.usefixtures("swift")
@pytest.mark.parametrize("name", ["shifted", "fewer", "atoms"])
def test_order_names_and_sides_change_no_number(seeds, name):
    for seed in range(seeds):
        real, other = two(name, seed)
        rng = np.random.default_rng(seed)
        found = measure(real=real, other=other, seed=seed)
        mixed = measure(real=rng.permutation(real), other=rng.permutation(other), seed=seed)
        assert (numbers(mixed), mixed.regions, mixed.marginals) == (
            numbers(found),
            found.regions,
            found.marginals,
        )
        turned = measure(real=other, other=real, seed=seed)
        assert numbers(turned) == numbers(found)
        assert [row.row for row in turned.examples.unexpected] == [
            row.row for row in found.examples.missing
        ]
        assert sides(turned.regions) == {
            rule: (b, a, jsd) for rule, (a, b, jsd) in sides(found.regions).items()
        }
        named = measure(real=Named(real), other=Named(other), seed=seed)
        assert numbers(named) == numbers(found)
        assert [region.rule.replace("column ", "x") for region in named.regions] == [
            region.rule for region in found.regions
        ]


class Named:
    """As much of a data frame as is asked of one."""

    def __init__(self, rows):
        self.rows, self.columns = rows, [f"column {i + 1}" for i in range(rows.shape[1])]

    def __array__(self, dtype=None, copy=None):
        return self.rows


@pytest.mark.usefixtures("swift")
@pytest.mark.parametrize("trained", [False, True])
def test_each_part_has_its_level_and_its_own_rows(trained, monkeypatch):
    calls = []

    def noted(name, part):
        return lambda *args, **named: (calls.append((name, args)), part(*args, **named))[1]

    for name in (
        "certify",
        "find_detectable",
        "find_regions",
        "rank_marginals",
        "detect_copying",
        "attack",
        "count_cells",
    ):
        module = {"certify": pairing, "count_cells": optional}.get(name, measurement)
        monkeypatch.setattr(module, name, noted(name, getattr(module, name)))
    real, other, train = (np.arange(start, start + 120.0)[:, None] for start in (0, 1000, 2000))
    measure(
        real=real, other=other, train=train if trained else None, alpha=0.3, optional="cells"
    )
    assert len({name for name, _ in calls}) == (7 if trained else 5)
    levels = [args[-1].alpha if name == "find_detectable" else args[-1] for name, args in calls]
    assert all(level == 0.3 for level in levels)
    rows = {
        name: set(pile.ravel())
        for name, pile in {"real": real, "other": other, "train": train}.items()
    }
    bet_on = [
        set(args[1].x.ravel()) | set(args[2].x.ravel())
        for name, args in calls
        if name == "certify"
    ]
    # data against data: two halves that have no row in common, or all rows against half of the training rows
    assert rows["real"] | rows["other"] in bet_on
    (null,) = (each for each in bet_on if not each & rows["other"])
    assert null - rows["train"] == rows["real"]
    assert len(null & rows["train"]) == (60 if trained else 0)
    for learn_real, learn_other, test_real, test_other in (
        args[:4] for name, args in calls if name in ("find_regions", "rank_marginals")
    ):
        assert set(learn_real.ravel()) == rows["real"] - set(test_real.ravel())
        assert set(learn_other.ravel()) == rows["other"] - set(test_other.ravel())
    (rows_planted_in,) = (
        set(args[1].rows.x.ravel()) for name, args in calls if name == "find_detectable"
    )
    assert rows_planted_in == rows["real"] | (rows["train"] if trained else set())


@over_seeds(25, 150)
@pytest.mark.usefixtures("swift")
def test_one_seed_is_fair_to_many_tables_of_few_values(seeds):
    # few values make for few orders of the hashes: the seed alone, which most people leave at 0, must not fix the rest
    rngs = [np.random.default_rng(seed) for seed in range(seeds)]
    pairs = [[(rng.random((30, 1)) < 0.3).astype(float) for _ in range(2)] for rng in rngs]
    assert fair(np.array([measure(real=real, other=other).log_e for real, other in pairs]))


@pytest.mark.usefixtures("swift")
def test_a_seed_settles_all_and_another_one_does_not():
    real, other = two("shifted", 0)
    found = [measure(real=real, other=other, seed=seed) for seed in (0, 0, 1)]
    assert found[0] == found[1]
    assert numbers(found[0]) != numbers(found[2])


@pytest.mark.usefixtures("swift")
@pytest.mark.parametrize(
    "law",
    [normal(d=3), bits(0.5), lambda rng, n: np.ones((n, 2))],
    ids=["normal", "ties", "ones"],
)
@over_seeds(2, 6)
def test_a_sample_against_itself_gives_exactly_0(seeds, law):
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        real = law(rng, 40 + 60 * seed)
        for other in (real, rng.permutation(real)):
            found = measure(real=real, other=other, seed=seed)
            assert (found.jsd_lower, found.tv_lower) == (0, 0)
            assert found.log_e <= 0
            assert found.p_value > ALPHA
            assert all(part.jsd_lower == 0 for part in found.regions + found.marginals)


@pytest.mark.usefixtures("swift")
def test_one_value_only_says_nothing_whatever_the_sizes():
    for n, m in ((20, 20), (20, 300), (450, 60)):
        found = measure(real=np.zeros((n, 2)), other=np.zeros((m, 2)))
        assert (found.jsd_lower, found.tv_lower, found.p_value, found.regions) == (0, 0, 1, ())
        assert found.log_e == pytest.approx(0, abs=1e-9)
        assert found.log_e <= 0
