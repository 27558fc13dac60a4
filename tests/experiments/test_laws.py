"""Laws over every experiment: its claims hold, can be printed and be false, and its figure explains itself."""

import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from onehalf._registry import catalogue, spoken
from onehalf.experiments.base import RELATIONS, AbstractExperiment, Claim, format_table
from onehalf.figures import encode_figure

EXPERIMENTS = catalogue("experiments")
IMAGES = Path(__file__).parents[2] / "docs" / "images" / "theory"
TRAINED = {"FigureOne", "LearnedD", "Modes", "Original2014", "StepsOfD"}
"""Those with nets in them, which another processor may round to another end."""


def at_each_size(name):
    """Experiments that train nets are short in the quick tests; the others have one size."""
    if name not in TRAINED:
        return [pytest.param((name, False), id=name)]
    return [
        pytest.param((name, True), id=f"{name}-short"),
        pytest.param((name, False), id=name, marks=pytest.mark.slow),
    ]


@pytest.fixture(
    scope="module", params=[size for name in EXPERIMENTS for size in at_each_size(name)]
)
def computed(request, compute):
    name, short = request.param
    return compute(EXPERIMENTS[name], short)


def test_claims_hold(computed):
    assert 3 <= len(computed.claims) <= 8
    assert len({claim.claim for claim in computed.claims}) == len(computed.claims)
    for claim in computed.claims:
        assert computed.holds(claim), claim
        assert len(claim.claim) <= 60
        assert claim.claim.isascii()
        assert claim.relation in RELATIONS
        assert all(map(math.isfinite, (claim.expected, claim.measured, claim.error)))
        assert claim.error >= 0


def test_the_table_and_json_say_the_same(computed):
    claims = computed.claims
    printed = format_table(computed.experiment, claims)
    assert spoken(type(computed.experiment).__name__) in printed
    assert printed.count("DOES NOT HOLD") == sum(not claim.holds for claim in claims)
    written = json.loads(json.dumps([claim.to_dict("x") for claim in claims]))
    assert [claim["claim"] for claim in written] == [claim.claim for claim in claims]
    assert [claim["holds"] for claim in written] == [claim.holds for claim in claims]


def test_the_figure_says_what_its_axes_are(computed):
    figure = computed.figure
    assert figure.axes
    for axes in figure.axes:
        if axes.get_label() != "<colorbar>" and axes.axison:
            shared = (
                axes.get_xlabel()
                or axes.get_title()
                or any(other.get_xlabel() for other in figure.axes)
            )
            assert shared, axes


def test_the_page_shows_this_figure(computed):
    name = type(computed.experiment).__name__
    drawn = Image.open(io.BytesIO(encode_figure(computed.figure, ".png")))
    shown = Image.open(io.BytesIO((IMAGES / f"{spoken(name)}.png").read_bytes()))
    assert shown.size == drawn.size
    if name not in TRAINED:
        off = np.abs(
            np.asarray(shown.convert("L"), float) - np.asarray(drawn.convert("L"), float)
        )
        assert off.mean() < 1


def test_formulas_are_those_of_the_derivation(computed):
    experiment = computed.experiment
    assert isinstance(experiment, AbstractExperiment)
    assert set(experiment.formulas) <= set(range(1, 45))


BEYOND = {"=": (1.2, 0.8), "<=": (1.2,), ">=": (0.8,)}
WITHIN = {"=": (1.05, 0.95), "<=": (1.05, -9.0), ">=": (0.95, 9.0)}


@pytest.mark.parametrize(
    ("relation", "measured", "holds"),
    [
        *(
            (relation, value, False)
            for relation in RELATIONS
            for value in (*BEYOND[relation], math.nan)
        ),
        *((relation, value, True) for relation in RELATIONS for value in WITHIN[relation]),
    ],
)
def test_a_claim_can_fail(relation, measured, holds):
    claim = Claim("x", 1.0, measured, 0.1, relation)
    assert claim.holds is holds
    assert (
        "DOES NOT HOLD" in format_table(next(iter(EXPERIMENTS.values()))(), [claim])
    ) is not holds


def test_no_claim_holds_of_what_is_not_finite():
    for claim in (Claim("x", 0.0, -math.inf, 0.0, "<="), Claim("x", 0.0, math.nan, math.inf)):
        assert not claim.holds
        assert json.loads(json.dumps(claim.to_dict("x"), allow_nan=False))["measured"] is None


def test_an_order_takes_more_than_luck():
    assert Claim.from_differences("x", [1.0, 2.0, 1.5, 1.0]).holds
    assert not Claim.from_differences("x", [1.0, -2.0, 1.5, 0.0]).holds
    assert not Claim.from_differences("x", [0.0, 0.0, 0.0]).holds


def test_a_mean_is_given_four_standard_errors():
    claim = Claim.from_mean("x", 0.5, [0.0, 1.0] * 50)
    assert claim.measured == 0.5
    assert claim.error == pytest.approx(4 * 0.5025 / 10, rel=1e-3)
