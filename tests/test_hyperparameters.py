"""Each hyper-parameter is declared once; all that tells of it derives from the declaration."""

import dataclasses
import inspect
from pathlib import Path

import pytest

import onehalf as oh
from onehalf.hyperparameters import Hyperparameters, about, describe, to_markdown

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "hyperparameters.md"


def test_the_page_is_current():
    assert to_markdown() in PAGE.read_text(encoding="utf-8")


def test_the_estimator_has_each_by_its_default():
    signature = inspect.signature(oh.GAN).parameters
    for field in dataclasses.fields(Hyperparameters):
        assert signature[field.name].default is field.default
        assert f"\n{field.name} : " in (oh.GAN.__doc__ or "")
    assert describe() in (oh.GAN.__doc__ or "")


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"k": 0}, "k: expected a whole number of 1 or more; got 0"),
        ({"m": 1.5}, "m: expected a whole number of 1 or more; got 1.5"),
        ({"noise": -1}, "noise: expected 0 or more; got -1"),
        ({"minutes": 0}, "minutes: expected a number above 0; got 0"),
        ({"average": 1.5}, "average: expected a number from 0 to 1; got 1.5"),
        (
            {"rounds": "many"},
            "rounds: expected a whole number from 1 to 2,147,483,647; got 'many'",
        ),
        ({"loss": "hing"}, "loss: expected one of .* Did you mean hinge?"),
        (
            {"net": "mpl"},
            "net: expected one of mlp, convolutional; got 'mpl'. Did you mean mlp?",
        ),
        ({"recipe": "mnist"}, "recipe: expected one of mnist-2014"),
        ({"rate_D": float("nan")}, "rate_D: expected 0 or more; got nan"),
    ],
)
def test_what_is_out_of_range_is_refused_before_any_data(asked, sentence):
    with pytest.raises(oh.Refusal, match=sentence):
        Hyperparameters(**asked).check()


def test_names_are_completed_and_open_ones_stay_open():
    asked = Hyperparameters(loss="non-saturating", rounds=10).check()
    assert asked["loss"] == "NonSaturating"
    assert asked["rounds"] == 10
    assert asked["m"] is None
    assert set(asked) == set(about())
