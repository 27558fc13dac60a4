"""Laws over every experiment: its claims hold, can be printed and be false, and its figure explains itself."""

import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from onehalf._registry import catalogue, spoken
from onehalf.experiments.base import RELATIONS, AbstractExperiment, Claim, table
from onehalf.figures import packed

EXPERIMENTS = catalogue("experiments")
IMAGES = Path(__file__).parents[2] / "docs" / "images" / "theory"
TRAINED = {"FigureOne", "LearnedD", "Modes", "Original2014", "StepsOfD"}
"""Those with nets in them, which another processor may round to another end."""


@pytest.fixture(scope="module", params=EXPERIMENTS)
def experiment(request):
    return EXPERIMENTS[request.param]()


def test_claims_hold(experiment):
    claims = list(experiment.claims())
    assert 3 <= len(claims) <= 8
    assert len({claim.claim for claim in claims}) == len(claims)
    for claim in claims:
        assert claim.holds, claim
        assert len(claim.claim) <= 60
        assert claim.claim.isascii()
        assert claim.relation in RELATIONS
        assert all(map(math.isfinite, (claim.expected, claim.measured, claim.error)))
        assert claim.error >= 0


def test_the_table_and_json_say_the_same(experiment):
    claims = list(experiment.claims())
    printed = table(experiment, claims)
    assert spoken(type(experiment).__name__) in printed
    assert printed.count("holds") >= len(claims)
    told = json.loads(json.dumps([claim.to_dict("x") for claim in claims]))
    assert [claim["claim"] for claim in told] == [claim.claim for claim in claims]
    assert all(claim["holds"] is True for claim in told)


def test_the_figure_says_what_its_axes_are(experiment):
    figure = experiment.figure()
    assert figure.axes
    for axes in figure.axes:
        if axes.get_label() != "<colorbar>" and axes.axison:
            shared = (
                axes.get_xlabel()
                or axes.get_title()
                or any(other.get_xlabel() for other in figure.axes)
            )
            assert shared, axes


def test_the_page_shows_this_figure(experiment):
    drawn = Image.open(io.BytesIO(packed(experiment.figure(), ".png")))
    shown = Image.open(
        io.BytesIO((IMAGES / f"{spoken(type(experiment).__name__)}.png").read_bytes())
    )
    assert shown.size == drawn.size
    if type(experiment).__name__ not in TRAINED:
        off = np.abs(
            np.asarray(shown.convert("L"), float) - np.asarray(drawn.convert("L"), float)
        )
        assert off.mean() < 1


def test_formulas_are_those_of_the_derivation(experiment):
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
    assert ("DOES NOT HOLD" in table(next(iter(EXPERIMENTS.values()))(), [claim])) is not holds


def test_no_claim_holds_of_what_is_not_finite():
    for claim in (Claim("x", 0.0, -math.inf, 0.0, "<="), Claim("x", 0.0, math.nan, math.inf)):
        assert not claim.holds
        assert json.loads(json.dumps(claim.to_dict("x"), allow_nan=False))["measured"] is None


def test_an_order_takes_more_than_luck():
    assert Claim.of_order("x", [1.0, 2.0, 1.5, 1.0]).holds
    assert not Claim.of_order("x", [1.0, -2.0, 1.5, 0.0]).holds
    assert not Claim.of_order("x", [0.0, 0.0, 0.0]).holds


def test_a_mean_is_given_four_standard_errors():
    claim = Claim.of_mean("x", 0.5, [0.0, 1.0] * 50)
    assert claim.measured == 0.5
    assert claim.error == pytest.approx(4 * 0.5025 / 10, rel=1e-3)
