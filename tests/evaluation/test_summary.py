"""The summary: a dozen lines, 80 columns, no number that the JSON does not have, no finding without its number."""

import itertools
import math
import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

import onehalf as oh
from onehalf.evaluation import wording
from onehalf.evaluation.result import Condition, DetectableEffect, Finding, Optional
from onehalf.evaluation.wording import Heading, Paragraph

pytestmark = pytest.mark.usefixtures("critics_without_nets")

CONSTANTS = {0.693, 50.0, 1.0}
"""log 2, chance, and the most that a row can carry in bits."""

NOT_PRINTED = ("drawn", "telling", "sentence", "sentences", "seconds", "audit")
"""Keys of the JSON whose values a sentence can't be about, or that hold sentences themselves."""


def rows(seed, n=80, mean=0.0):
    return np.random.default_rng(seed).normal(mean, 1, size=(n, 2))


def table(seed, n=120, gap=0):
    rng = np.random.default_rng(seed)
    plan = rng.choice(["basic", "plus", "pro"], n)
    paid = (plan == "pro") * 40.0 + rng.normal(20 + gap, 2, n).round(2)
    return pa.table({"id": [f"a-{seed}-{i}" for i in range(n)], "plan": plan, "paid": paid})


def images(seed, shift=0):
    rng = np.random.default_rng(seed)
    return (
        rng.integers(0, 200, size=(80, 8, 8), dtype=np.uint8) + np.uint8(shift),
        rng.integers(3, size=80),
    )


MEASURED = {
    "differing": lambda: oh.measure(real=rows(0), other=rows(1, 150, mean=1.5)),
    "same": lambda: oh.measure(real=rows(0), other=rows(0)),
    "few rows": lambda: oh.measure(real=rows(0, 20), other=rows(1, 20)),
    "with train": lambda: oh.measure(
        real=rows(0), other=rows(1), train=rows(2), optional=("cells",)
    ),
    "copies": lambda: oh.measure(real=rows(0), other=rows(1), train=rows(1)),
    "train from elsewhere": lambda: oh.measure(
        real=rows(0), other=rows(1), train=rows(2, mean=3)
    ),
    "decimals": lambda: oh.measure(real=rows(0).round(1), other=rows(1)),
    "tables": lambda: oh.measure(
        real=table(0), other=table(1, gap=6), train=table(2), target="plan"
    ),
    "a number as target": lambda: oh.measure(real=table(0), other=table(1), target="paid"),
    "images with labels": lambda: oh.measure(real=images(0), other=images(1, shift=50)),
}


@pytest.fixture(scope="module")
def measured():
    return {name: make() for name, make in MEASURED.items()}


def values_of(tree):
    """All numbers of a JSON object, those in strings too, such as the number in a rule."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name not in NOT_PRINTED:
                yield from values_of(value)
    elif isinstance(tree, list):
        yield len(tree)
        for value in tree:
            yield from values_of(value)
    elif isinstance(tree, str):
        yield from map(float, re.findall(r"\d+\.?\d*", tree))
    elif isinstance(tree, int | float) and not isinstance(tree, bool):
        yield tree


def readings(found):
    """The numbers of the JSON as wording may say them: in percent, bits, e-values, one in so many."""
    values = list(values_of(found.to_dict()))
    alpha, n_classes = found.alpha, len(found.classes)
    for value in values:
        yield from (value, abs(value), 100 * value, 100 * abs(value), value / math.log(2))
    for log_e in (found.log_e, found.baseline and found.baseline.log_e):
        yield from () if log_e is None else (math.exp(log_e), log_e / math.log(10))
    if found.memorization:
        log_e = found.memorization.log_e
        yield from (math.exp(log_e), log_e / math.log(10))
    yield from (100 * (1 - alpha), 1 / alpha, 1 / (2 * alpha), n_classes)
    findings = [finding.sentence for finding in found.audit.findings]
    yield from map(float, re.findall(r"\d+\.?\d*", " ".join(findings).replace(",", "")))
    yield from CONSTANTS


def unexplained(text, found):
    """The numbers of a text that are no rounded reading of a number in the JSON."""
    known = np.array(list(readings(found)), dtype=float)
    missing = []
    # the digits of names, such as x1, and of powers of ten are none
    for token in re.findall(r"(?<![\w.^-])\d[\d,]*(?:\.\d+)?(?:e[+-]\d+)?(?![\w])", text):
        plain = token.replace(",", "").replace("10^", "")
        digits = len(plain.split("e")[0].partition(".")[2])
        exponent = int(plain.split("e")[1]) if "e" in plain else 0
        room = 10.0 ** (exponent - digits) * 1.001
        if not (np.abs(known - float(plain)) <= (room if digits else 0.999)).any():
            missing.append(token)
    return missing


@pytest.mark.parametrize("name", MEASURED)
def test_a_summary_is_a_dozen_lines_of_80_columns(measured, name):
    lines = str(measured[name]).splitlines()
    assert 6 <= len(lines) <= 12
    assert max(map(len, lines)) <= 80
    assert len([line for line in lines if line.startswith("Verdict   ")]) == 1


@pytest.mark.parametrize("name", MEASURED)
def test_each_number_of_the_summary_is_in_the_json(measured, name):
    found = measured[name]
    assert not unexplained(str(found), found)


@pytest.mark.parametrize("name", MEASURED)
def test_each_number_of_each_sentence_is_in_the_json(measured, name):
    found = measured[name]
    for sentence in found.sentences:
        assert not unexplained(sentence, found), sentence


@pytest.mark.parametrize(
    ("text", "number"),
    [("at least 0.777 nats", "0.777"), ("12,345 rows", "12,345"), ("p = 0.7312", "0.7312")],
)
def test_a_number_that_is_not_in_the_json_is_noticed(measured, text, number):
    assert unexplained(text, measured["with train"]) == [number]


@pytest.mark.parametrize("name", MEASURED)
def test_the_table_has_each_number_beside_its_baseline(measured, name):
    found = measured[name]
    text = str(found)
    assert re.search(rf"Distance \(JSD\) at least {wording.at_least(found.jsd_lower)} ", text)
    assert f" {wording.digits(found.jsd_estimate, found.jsd_se, 4)} " in text
    assert f"{wording.percent(found.accuracy)} " in text
    if found.baseline is None:
        assert text.count("too few rows  ") + text.count("too few rows\n") == 3
    else:
        null = found.baseline
        assert f" {wording.digits(null.jsd_estimate, null.jsd_se, 4)}" in text


def test_an_estimate_with_a_tiny_error_keeps_its_column(measured):
    found = measured["differing"]
    null = replace(found.baseline, jsd_estimate=-0.0012345, jsd_se=0.0000123)
    line = str(replace(found, baseline=null)).splitlines()[3]
    assert line.endswith(" -0.0012 ± 0.0000")


@pytest.mark.parametrize("name", MEASURED)
def test_where_they_differ_is_said_of_those_that_differ(measured, name):
    found = measured[name]
    differ = found.verdict.outcome == "they differ"
    noticed = any(planted.is_noticed for planted in found.planted)
    assert ("\nWhere     " in str(found)) == differ
    assert ("\nPower     " in str(found)) == (differ or noticed)


def test_the_copying_line_has_the_number_that_shows_it(measured):
    assert re.search(r"Copying +no sign \(p = ", str(measured["with train"]))
    assert re.search(r"Copying +not tested", str(measured["same"]))
    copies = measured["copies"]
    assert re.search(r"Copying +found \(p = 0\.0", str(copies))
    weak = replace(copies.memorization, p_value=0.5)
    assert "found (e-value " in str(replace(copies, memorization=weak))


def test_a_baseline_that_fails_is_the_first_note(measured):
    assert "Note      The data differ from the training rows (p = 0.0" in str(
        measured["train from elsewhere"]
    )
    found = measured["decimals"]
    failed = replace(found, baseline=replace(found.baseline, p_value=0.03))
    first, *rest = wording.find_notes(failed)
    assert first.startswith(
        "Two halves of the data differ (p = 0.03): chance, at most once in 20"
    )
    assert rest == wording.find_notes(found)


def test_the_most_severe_note_is_shown_and_the_others_are_counted(measured):
    found = measured["decimals"]
    notes = wording.find_notes(found)
    assert notes[0].startswith("The number format differs; with the same decimals: at least ")
    shown = " ".join(str(found).split())
    assert notes[0] in shown
    assert f"(and {len(notes) - 1} more in .sentences)" in shown
    assert "Not compared, because they are IDs, personal data or free text: id." in str(
        measured["tables"]
    )


def test_the_usefulness_of_samples_is_beside_that_of_data(measured):
    for name, score in (("tables", "accuracy"), ("a number as target", "error")):
        utility = measured[name].optional.utility
        (line,) = (
            line for line in str(measured[name]).splitlines() if line.startswith("Useful for")
        )
        for side in ("samples", "data", "constant"):
            value = utility.scores[side][score]
            assert f"{100 * value:.1f} %" in line or f"{value:,.4g}" in line
        assert score in line


@pytest.fixture
def crowded(measured):
    """A measurement with something to say on every line, and much of it."""
    found = measured["tables"]
    rule = " and ".join(f"a column with a rather long name {i} <= 12.5" for i in range(3))
    region = replace(
        measured["differing"].regions[0],
        certain=True,
        rule=rule,
        conditions=(Condition("a", "<=", 12.5),),
    )
    finding = Finding(kind="decimals", sentence="The decimals differ. " * 20, severe=True)
    limit = DetectableEffect(mass=0.08, jsd=0.0286, rows=60, trials=10, noticed=9)
    return replace(
        found,
        regions=(region,),
        p_value=0.001,
        audit=replace(found.audit, findings=(finding, finding)),
        optional=Optional(),
        detectable=limit,
    )


def test_where_there_is_too_much_to_say_the_verdict_and_the_next_step_stay(crowded):
    step = Paragraph("Next", "onehalf sample run " * 6, rank=3, most=3, least=3)
    heading = Heading("a file with a very long name " * 4, "trained 12 s, evaluated 9 s")
    summary = wording.summarize(crowded, heading, following=[step])
    lines = str(summary).splitlines()
    assert len(lines) == 12
    assert max(map(len, lines)) <= 80
    assert lines[0].endswith("trained 12 s, evaluated 9 s")
    assert " ".join(str(summary).split()).count("onehalf sample run") == 6
    assert crowded.verdict.sentence in " ".join(str(summary).split())
    (where,) = (line for line in lines if line.startswith("Where"))
    assert " % of data, " in where


def test_a_verdict_of_two_lines_is_never_cut(crowded):
    limit = replace(crowded.detectable, mass=0.005)
    found = replace(crowded, p_value=0.123, detectable=limit)
    step = Paragraph("Next", "onehalf sample run " * 6, rank=3, most=3, least=3)
    text = str(wording.summarize(found, following=[step]))
    assert len(text.splitlines()) <= 12
    assert found.verdict.sentence in " ".join(text.split())
    assert "No difference found" in text


def test_the_styles_make_up_the_text(crowded):
    summary = wording.summarize(crowded)
    lines = ["".join(span.text for span in line).rstrip() for line in summary.lines()]
    assert lines == str(summary).splitlines()
    styles = {span.style for span in itertools.chain(*summary.lines())}
    assert "they differ" in styles
