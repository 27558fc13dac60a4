"""The game of trees: D finds what the chain lacks, G's law is tilted by its odds, and the game ends when D has lost."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from onehalf.players.trees import discriminator, generator
from onehalf.players.trees.capacity import PRICES, Capacity, Signs, choose_capacity
from onehalf.players.trees.chain import Chain
from onehalf.players.trees.discriminator import BoostedTrees, value
from onehalf.players.trees.game import LOST, Seat, TreePlayers, TreeState
from onehalf.players.trees.generator import TreeGenerator, choose_cap
from onehalf.players.trees.noise import UniformLatent
from onehalf.players.trees.scales import ColumnFacts
from onehalf.recipe import Recipe

NUMBER = ColumnFacts(is_word=False)
NO_CONDITIONS = np.zeros((1, 0))


def make_cells(n: int, seed: int = 0) -> np.ndarray:
    """Two numbers of 8 values that are equal in about half of the rows."""
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 8, (2, n))
    y = np.where(rng.random(n) < 0.4, x, y)
    return np.column_stack([x, y]).astype(float)


def silent(train, held_out, samples) -> Signs:
    return Signs(0.5, -1.0, 0.0)


def make_players(cells: np.ndarray, test=silent, **recipe) -> TreePlayers:
    numbers = Recipe(players="trees", rounds=6, random_state=0, **recipe)
    return TreePlayers(numbers, cells, [NUMBER] * 2, (), UniformLatent(), test)


def draw(G: TreeGenerator, n: int, seed: int = 0) -> np.ndarray:
    z = np.random.default_rng([seed, 1]).random((n, 3), np.float32)
    return G.push(z, np.zeros((n, 0)))


def independent(cells: np.ndarray) -> Chain:
    """A chain that knows nothing of how the columns depend on each other."""
    rng = np.random.default_rng(1)
    shuffled = np.column_stack([rng.permutation(column) for column in cells.T])
    return Chain.fit(shuffled, [NUMBER] * 2, floor=180, seed=0)


def equal_share(cells: np.ndarray) -> float:
    return float((cells[:, 0] == cells[:, 1]).mean())


def test_logits_are_those_of_scikit_learns_booster(monkeypatch):
    boosters = []
    fit = HistGradientBoostingClassifier.fit
    monkeypatch.setattr(
        HistGradientBoostingClassifier,
        "fit",
        lambda self, *args, **keywords: boosters.append(fit(self, *args, **keywords)) or self,
    )
    rng = np.random.default_rng(0)
    real = rng.normal(size=(300, 3)).astype(np.float32)
    samples = (1.5 * rng.normal(size=(500, 3))).astype(np.float32)
    D = BoostedTrees.fit(real, samples, seed=0)
    # it was fitted without weights, on 300 rows and 500 samples
    expected = boosters[0].decision_function(samples) + np.log(500 / 300)
    np.testing.assert_allclose(D.logits(samples), expected, atol=1e-12)
    again = BoostedTrees.from_arrays(D.to_arrays())
    np.testing.assert_array_equal(again.logits(real), D.logits(real))


def test_a_blank_D_is_one_half_everywhere_and_its_value_is_minus_log_4():
    d = BoostedTrees.blank().logits(np.zeros((3, 2), np.float32))
    assert pytest.approx(-np.log(4)) == value(d, d).V


def test_the_tilted_law_is_the_chains_times_the_clipped_odds(monkeypatch):
    monkeypatch.setattr(discriminator, "TREES", 20)
    monkeypatch.setattr(discriminator, "LEARNING_RATE", 0.3)
    cells = make_cells(4000)
    G = TreeGenerator(independent(cells))
    features = G.chain.features
    D = BoostedTrees.fit(features(cells), features(draw(G, 8000)), seed=0)
    tilted = G.tilt(D, features(draw(G, 5000, seed=2)))
    values = np.array([(x, y) for x in range(8) for y in range(8)], float)
    plain = np.exp(G.chain.log_ratio(values))
    for column, scales in enumerate(G.chain.scales):
        plain *= scales.counts[values[:, column].astype(int)] / scales.rows
    weights = np.exp(np.minimum(tilted.log_weights(features(values)), tilted.log_cap))
    expected = plain * weights / (plain * weights).sum()
    rows = draw(tilted, 40_000, seed=3)
    found = np.bincount((8 * rows[:, 0] + rows[:, 1]).astype(int), minlength=64) / len(rows)
    error = np.sqrt(expected * (1 - expected) / len(rows))
    assert np.abs((found - expected) / error).max() < 4.5
    assert tilted.draws == pytest.approx(
        1 / (plain * weights).sum() * np.exp(tilted.log_cap), rel=0.05
    )


def test_a_row_is_the_same_however_many_draws_are_made_at_a_time(monkeypatch):
    cells = make_cells(1000)
    G = TreeGenerator(independent(cells))
    features = G.chain.features
    D = BoostedTrees.fit(features(cells), features(draw(G, 2000)), seed=0)
    tilted = G.tilt(D, features(draw(G, 1000, seed=2)))
    several = draw(tilted, 300)
    monkeypatch.setattr(generator, "DRAWN_TOGETHER", 1)
    np.testing.assert_array_equal(draw(tilted, 300), several)
    monkeypatch.setattr(generator, "MOST_DRAWS", 1)
    np.testing.assert_array_equal(draw(tilted, 300), draw(G, 300))
    monkeypatch.setattr(generator, "DRAWN_TOGETHER", 1000)
    np.testing.assert_array_equal(draw(tilted, 300), draw(G, 300))


def test_the_cap_keeps_one_row_in_eight_on_average():
    weights = np.random.default_rng(0).lognormal(sigma=2.5, size=20_000)
    cap = np.exp(choose_cap(np.log(weights)))
    assert cap < weights.max()
    assert np.minimum(weights / cap, 1).mean() == pytest.approx(1 / 8, rel=0.01)


def test_rounds_bring_the_law_to_the_data_until_D_has_lost():
    cells = make_cells(3000)
    players = make_players(cells)
    poor = TreeGenerator(independent(cells))
    state = TreeState((Seat(poor, BoostedTrees.blank(), Capacity(1.0)),))
    assert equal_share(draw(poor, 20_000)) == pytest.approx(1 / 8, abs=0.03)
    gains = []
    for _ in range(6):
        state, means = players.play(state, 1)
        gains.append(means["V"][0] + np.log(4))
        if players.ended(state):
            break
    assert players.ended(state) == LOST
    assert gains[0] > 0.03
    assert gains[-1] < 0.01
    (p_g,) = players.generators(state)
    assert equal_share(draw(p_g.G, 20_000)) == pytest.approx(equal_share(cells), abs=0.06)
    found = players.summarize(state, 0, p_g.G)
    assert found.numbers["corrections"] == players.rounds(state) - 1
    assert f"corrected by D in {players.rounds(state) - 1} round" in found.sentences[1]


def test_a_saved_state_plays_on_the_same():
    players = make_players(make_cells(400), seeds=2)
    state, _ = players.play(players.start(), 1)
    again = TreeState.from_arrays(state.to_arrays())
    rows, others = (
        [draw(p_g.G, 100) for p_g in players.generators(players.play(each, 1)[0])]
        for each in (state, again)
    )
    np.testing.assert_array_equal(rows, others)
    assert not np.array_equal(rows[0], rows[1])


@pytest.mark.parametrize(
    ("noisy", "price", "said"),
    [
        (0, PRICES[0], "This is the least cautious choice"),
        (2, PRICES[2], "With at least 10 training rows, its result was less clear (p = 0.01)"),
        (len(PRICES), PRICES[-1], "was not clear with any"),
    ],
)
def test_the_least_price_without_a_sign_of_copying_is_chosen(noisy, price, said):
    sizes = []

    def test(train, held_out, samples) -> Signs:
        sizes.append((len(train), len(held_out), len(samples)))
        return Signs(0.01 if len(sizes) <= noisy else 0.5, -1.0, 0.0)

    found = choose_capacity(make_cells(400), [NUMBER] * 2, (), test, seed=0)
    assert found.price == price
    assert said in found.describe([10])
    drawn = "at least 10 to 25 training rows (it depends on the column)"
    assert drawn in found.describe([25, 10])
    assert set(sizes) == {(300, 100, 300)}
    assert Capacity.from_arrays(found.to_arrays()) == found


def test_the_chain_that_is_played_with_has_the_price_that_was_chosen():
    floors = []
    for p_value in (0.5, 0.01):
        players = make_players(make_cells(400), lambda *_, p=p_value: Signs(p, -1.0, 0.0))
        state, _ = players.play(players.start(), 1)
        floors += state.seats[0].G.chain.floors
    assert floors[0] == 10 < floors[1]


def test_a_few_rows_are_not_tested_for_copying():
    found = choose_capacity(make_cells(40), [NUMBER] * 2, (), silent, seed=0)
    assert found == Capacity(1.0)
    assert "at least 25 training rows: there are too few rows" in found.describe([25])


def test_a_run_with_one_number_of_rows_for_all_columns_is_read():
    found = Capacity.from_arrays(
        {"floor": np.array(25), "audits": np.array([[25, 0.4, -1, 0]])}
    )
    assert found.audits[0].floor == found.audits[0].most == 25
    assert found.audits[0].p_value == 0.4
    assert "at least 25 training rows" in found.describe([25, 25])
