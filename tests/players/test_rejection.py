"""Draws until one is kept: each sample depends on its number alone."""

import jax.random as jr
import numpy as np
import pytest

from onehalf import Refusal
from onehalf.data.rows import EncodedRows
from onehalf.distributions.base import Latent, Pushforward
from onehalf.players import rejection
from onehalf.players.rejection import draw_each, draw_until_kept


def numbered(is_kept):
    """Draws that say for which place and attempt they were made."""
    asked = []

    def draw(places, attempts):
        asked.append(len(places))
        rows = EncodedRows.unlabelled(np.stack([places, attempts], axis=1))
        return rows, is_kept(places, attempts)

    return draw, asked


def kept_at(places, attempts):
    return attempts >= (7 * places) % 23


@pytest.mark.parametrize("size", [1, 10, 64, 1000])
def test_each_place_gets_its_first_draw_that_is_kept_whatever_the_size(size):
    draw, asked = numbered(kept_at)
    rows = draw_until_kept(draw, 40, size).x
    places = np.arange(40)
    assert rows.tolist() == np.stack([places, (7 * places) % 23], axis=1).tolist()
    assert max(asked) <= size


def test_draws_that_are_never_kept_are_refused(monkeypatch):
    monkeypatch.setattr(rejection, "FIRST_DRAWS", 100)
    monkeypatch.setattr(rejection, "MOST_DRAWS", 2)
    draw, _ = numbered(lambda places, attempts: places < 3)
    with pytest.raises(Refusal, match="n: expected 5 samples that can be kept; got 3 of "):
        draw_until_kept(draw, 5, 16)


def test_a_draw_depends_on_its_place_and_attempt_alone():
    p_g = Pushforward(lambda z: 2.0 * z, Latent(normal=2))
    places, attempts = np.array([5, 6, 7]), np.array([0, 0, 2])
    batch, u = draw_each(p_g, jr.key(0), places, attempts, None, 4)
    again, u_again = draw_each(p_g, jr.key(0), places[1:], attempts[1:], None, 4)
    np.testing.assert_array_equal(batch.x[1:3], again.x[:2])
    np.testing.assert_array_equal(u[1:3], u_again[:2])
    assert len(np.unique(batch.x[:3])) == 6
