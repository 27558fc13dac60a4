"""The ideal loop and the Dirac-GAN against plain NumPy; reference: game.md, experiments 8 and 9."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from onehalf._errors import Refusal
from onehalf.losses import Minimax, NonSaturating, Wasserstein
from onehalf.penalties import R1, R2
from onehalf.theory import DiracGame, exponentiated_gradient, ideal_loop

START = np.array([1.0, -1.0])
RADII = {
    # loss, gamma of R1, who steps first: distance from (0, 0) after 500 steps of 0.2, and its error
    (Minimax(), 0.0, None): (3.0969, 5e-5),
    (Minimax(), 0.0, "G"): (1.4210, 5e-5),
    (NonSaturating(), 0.0, None): (0.6402, 5e-5),
    (NonSaturating(), 0.0, "G"): (0.2839, 5e-5),
    (Minimax(), 0.3, None): (2.64e-6, 5e-9),
    (Minimax(), 1.0, None): (9.5e-22, 5e-23),
}


@pytest.fixture(autouse=True, scope="module")
def _float64():
    with jax.enable_x64():
        yield


@pytest.fixture
def pair():
    return np.random.default_rng(0).dirichlet(np.ones(50), 2)


def value(p_data, p_g):
    """C by its formula, of vectors without zeros."""
    return np.sum(p_data * np.log(p_data / (p_data + p_g)) + p_g * np.log(p_g / (p_data + p_g)))


def test_the_loop_is_the_one_written_out(pair):
    p_data, p_g = pair
    found, values = ideal_loop(p_data, p_g, steps=100, rate=0.3)
    assert found.shape == (101, 50)
    for step in range(101):
        assert found[step] == pytest.approx(p_g, abs=1e-14)
        assert values[step] == pytest.approx(value(p_data, p_g), abs=1e-14)
        p_g = p_g * (1 - p_data / (p_data + p_g)) ** -0.3
        p_g = p_g / p_g.sum()


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0])
def test_the_loop_goes_down_within_its_bound(pair, rate):
    p_data, p_g = pair
    _, values = ideal_loop(p_data, p_g, steps=100, rate=rate)
    above = np.asarray(values) + math.log(4)
    assert np.diff(above).max() <= 1e-15
    assert (
        above[1:] <= np.sum(p_data * np.log(p_data / p_g)) / (rate * np.arange(1, 101)) + 1e-15
    ).all()


def test_too_long_a_step_goes_up(pair):
    _, values = ideal_loop(*pair, steps=100, rate=8.0)
    assert np.diff(values).max() > 0.1


def test_a_point_without_mass_never_gets_any(pair):
    p_data = np.append([0.5], pair[0][1:] / pair[0][1:].sum() / 2)
    p_g, values = ideal_loop(p_data, np.append([0.0], np.full(49, 1 / 49)), steps=100)
    assert (p_g[:, 0] == 0).all()
    assert np.isfinite(p_g).all()
    # The best that is left: a JSD of (1/2, 1/2) from (0, 1).
    assert values[-1] == pytest.approx(math.log(2 / 27**0.5), abs=1e-9)


def test_no_distribution_is_refused(pair):
    with pytest.raises(Refusal, match="numbers >= 0 that add up to 1"):
        ideal_loop(pair[0], 2 * pair[1], steps=3)
    with pytest.raises(Refusal, match="numbers >= 0 that add up to 1"):
        exponentiated_gradient(2 * pair[0], jnp.zeros(50))


def test_steps_against_a_D_that_stays_add_up(pair):
    d = jnp.linspace(-3, 3, 50)
    p_g = pair[0]
    for _ in range(7):
        p_g = exponentiated_gradient(p_g, d, 0.2)
    assert np.asarray(p_g) == pytest.approx(
        np.asarray(exponentiated_gradient(pair[0], d, 1.4)), abs=1e-15
    )
    assert exponentiated_gradient(pair[0], d, 1e4)[-1] == pytest.approx(1, abs=1e-12)


def by_hand(loss, gamma, first, steps, h=0.2):
    """The Dirac-GAN with its gradients written out, in the sign convention of here: D is high on data."""
    theta, psi = START

    def step_theta(theta, psi):
        slope = 1 / (1 + math.exp(-psi * theta)) - isinstance(loss, NonSaturating)
        return theta + h * slope * psi if isinstance(loss, Minimax) else theta - h * slope * psi

    def step_psi(theta, psi):
        return psi - h * (theta / (1 + math.exp(-psi * theta)) + gamma * psi)

    for _ in range(steps):
        if first == "G":
            theta = step_theta(theta, psi)
            psi = step_psi(theta, psi)
        elif first == "D":
            psi = step_psi(theta, psi)
            theta = step_theta(theta, psi)
        else:
            theta, psi = step_theta(theta, psi), step_psi(theta, psi)
    return [theta, psi]


@pytest.mark.parametrize("rules", RADII)
def test_orbits_end_where_they_should(rules):
    loss, gamma, first = rules
    game = DiracGame(loss, (R1(gamma),) if gamma else (), first=first)
    orbit = game.orbit(START, 500)
    radius, error = RADII[rules]
    assert orbit.shape == (501, 2)
    assert orbit[0] == pytest.approx(START)
    assert math.hypot(*orbit[-1]) == pytest.approx(radius, abs=error)
    assert orbit[-1] == pytest.approx(by_hand(loss, gamma, first, 500), rel=1e-6)


def test_D_first_is_algorithm_one():
    game = DiracGame(Minimax(), first="D")
    assert game.orbit(START, 20)[-1] == pytest.approx(
        by_hand(Minimax(), 0.0, "D", 20), abs=1e-12
    )


def test_the_cycle_of_taking_turns_stays_in_its_ring():
    radii = np.hypot(*np.asarray(DiracGame(Minimax(), first="G").orbit(START, 500)).T)
    assert [radii.min(), radii.max()] == pytest.approx([1.3435, 1.4220], abs=5e-5)


def test_without_a_penalty_the_non_saturating_game_does_not_arrive():
    both = DiracGame(NonSaturating()).orbit(START, 5000)
    turns = DiracGame(NonSaturating(), first="G").orbit(START, 5000)
    assert math.hypot(*both[-1]) == pytest.approx(0.6238, abs=5e-5)
    assert math.hypot(*turns[-1]) == pytest.approx(0.0880, abs=5e-5)


@pytest.mark.parametrize(
    ("game", "modulus"),
    [
        (DiracGame(Minimax()), 1.0049876),
        (DiracGame(NonSaturating()), 1.0049876),
        (DiracGame(Minimax(), first="G"), 1.0),
        (DiracGame(Minimax(), first="D"), 1.0),
        (DiracGame(Minimax(), (R1(0.3),)), 0.974679),
        (DiracGame(Minimax(), (R2(0.3),)), 0.974679),
        (DiracGame(Minimax(), (R1(1.0),)), 0.9),
    ],
)
def test_eigenvalues_at_the_equilibrium(game, modulus):
    assert game.step(jnp.zeros(2)) == pytest.approx([0, 0], abs=1e-15)
    jacobian = jax.jit(jax.jacobian(game.step))(jnp.zeros(2))
    # At gamma = 1 the eigenvalue is double, and found to the square root of the rounding only.
    assert np.abs(np.linalg.eigvals(jacobian)).max() == pytest.approx(modulus, abs=5e-7)


def test_the_linear_game_widens_by_the_same_factor_each_step():
    radii = np.hypot(*np.asarray(DiracGame(Wasserstein(), h=0.1).orbit(START, 50)).T)
    assert radii[1:] / radii[:-1] == pytest.approx(math.sqrt(1.01), abs=1e-12)


def test_who_steps_first_is_known():
    with pytest.raises(Refusal, match="'D', 'G' or None"):
        DiracGame(Minimax(), first="both")
