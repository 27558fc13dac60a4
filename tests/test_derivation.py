"""The derivation: each formula stands once, an experiment or a test holds it, and no experiment is left out."""

import inspect
import pkgutil
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from onehalf._registry import catalogue, names, spoken

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "explanation" / "derivation.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXPERIMENTS = [spoken(name) for name in names("experiments")]

CODE = r"\[`([\w.]+)`\]\(([\w./]+)\)"
RUN = r"`onehalf theory ([a-z0-9-]+)`"
TEST = r"`(tests/[\w/]+\.py)::(\w+)`"


class Held(NamedTuple):
    """A line of Code, Run and Test, and the formulas above it that it stands for."""

    formulas: list[int]
    line: str

    @property
    def runs(self) -> list[str]:
        return re.findall(RUN, self.line)


def _held():
    formulas = []
    for line in [*TEXT.splitlines(), "# the end"]:
        formulas += map(int, re.findall(r"^\$\$ .+ \\tag\{(\d+)\} \$\$$", line))
        if re.match("(Code|Run|Test): |#+ ", line):
            if formulas or line[0] != "#":
                yield Held(formulas, line)
            formulas = []


HELD = list(_held())

every_line = pytest.mark.parametrize(
    "held", HELD, ids=lambda held: f"{held.formulas or held.runs}"
)


def _lists(experiment):
    return catalogue("experiments")[
        names("experiments")[EXPERIMENTS.index(experiment)]
    ].formulas


def test_each_formula_stands_once_and_in_order():
    assert [number for held in HELD for number in held.formulas] == list(range(1, 45))
    assert TEXT.count(r"\tag") == 44


@every_line
def test_a_line_has_the_one_form(held):
    form = re.sub(f"{CODE}|{RUN}|{TEST}", "@", held.line)
    assert re.fullmatch(r"((Code|Run|Test): @(, @)*( · (?=.)|$))+", form), held.line


@every_line
def test_an_experiment_or_a_test_holds_each_formula(held):
    run = {number for experiment in held.runs for number in _lists(experiment)}
    assert set(held.formulas) <= run or re.search(TEST, held.line), set(held.formulas) - run


@every_line
def test_the_tests_are_there(held):
    for file, function in re.findall(TEST, held.line):
        assert f"\ndef {function}(" in (ROOT / file).read_text(encoding="utf-8"), function


@every_line
def test_the_code_is_where_the_link_leads(held):
    for name, link in re.findall(CODE, held.line):
        found = inspect.getsourcefile(inspect.unwrap(pkgutil.resolve_name(f"onehalf.{name}")))
        assert (PAGE.parent / link).resolve() == Path(found).resolve(), name


def test_only_experiments_of_the_catalogue_are_named():
    assert set(re.findall("onehalf theory ([a-z][a-z0-9-]*)", TEXT)) <= set(EXPERIMENTS)


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_an_experiment_stands_beside_each_formula_that_it_lists(experiment):
    beside = [set(held.formulas) for held in HELD if experiment in held.runs]
    assert beside
    assert set(_lists(experiment)) <= set().union(*beside)
    assert all(not formulas or formulas & set(_lists(experiment)) for formulas in beside)


def test_each_experiment_has_its_figure():
    figures = re.findall(r"^!\[[^]]+\]\((.+)\)$", TEXT, re.MULTILINE)
    assert sorted(figures) == sorted(
        f"../images/theory/{experiment}.png" for experiment in EXPERIMENTS
    )


def test_every_link_leads_somewhere():
    assert [
        link for link in re.findall(r"\]\(([^)]+)\)", TEXT) if not (PAGE.parent / link).exists()
    ] == []


def test_no_formula_reads_as_markdown():
    # GitHub may take these for emphasis or for an escape before it sees the formula.
    for formula in re.findall(r"^\$\$.*", TEXT, re.MULTILINE):
        assert not re.search(r"\*|\\[^a-zA-Z]|(?<![a-zA-Z0-9])_", formula), formula
