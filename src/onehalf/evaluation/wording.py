"""What a measurement says, in plain sentences: for somebody who has never heard of a JSD.

Nothing here says that two samples are alike: a test can show a difference, and how great a difference it would have
noticed; it can't show that there is none. What is certified is rounded down.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from onehalf.evaluation.explain import regions

__all__ = [
    "SIDES",
    "at_least",
    "confidence",
    "digits",
    "money",
    "of",
    "parts",
    "percent",
    "table",
]

Found = Mapping[str, Any]
"""`Measurement.to_dict()`."""

SIDES = {
    "real": "the data",
    "other": "the other sample",
    "train": "the training rows",
    "free": "the other sample",
}

TOLD = 3
"""Regions and findings of each kind that are told; the rest are in the JSON."""

PARTED = 0.98
"""A region that holds so much more of the one sample than of the other is a rule that tells them apart."""


def of(found: Found) -> list[str]:
    """The sentences, the most important first."""
    return [sentence for part in parts(found).values() for sentence in part]


def parts(found: Found) -> dict[str, list[str]]:
    """The sentences by what they are about: 'apart', 'where', 'missed', 'copying' and 'notes', in this order."""
    cells, useful, copying = *map(found["optional"].get, ("cells", "utility")), found["copying"]
    told = copying["sentences"] if copying else []
    # if copying was found, its headline is one of the first things to know
    first = 1 if copying and copying["shown"] else 0
    return {
        "apart": [*told[:first], *_apart(found)],
        "where": [*_where(found), *_by_class(found), *(cells["sentences"] if cells else [])],
        "missed": [_missed(found)],
        "copying": told[first:],
        "notes": [
            *([useful["sentence"]] if useful else []),
            *_findings(found, severe=False)[:TOLD],
            *_compared(found),
        ],
    }


def table(numbers: Found) -> dict[str, str]:
    """The numbers of a measurement, or of its baseline, as they are read in a table."""
    return {
        "JSD at least, certified (nats)": at_least(numbers["jsd_lower"]),
        "JSD, estimate from below (nats)": digits(numbers["jsd_estimate"], numbers["jsd_se"]),
        "the best guesser is right at least": percent(numbers["accuracy"]),
        "permutation test": _p(numbers["p_value"]),
        "a fair bet turned 1 into": money(numbers["log_e"]),
    }


def _apart(found: Found) -> Iterator[str]:
    severe = _findings(found, severe=True)
    rules = [
        region
        for region in found["regions"]
        if region["certain"] and _difference(region) > PARTED
    ]
    yield from severe[:TOLD]
    if rules and not severe:
        yield f"One rule tells nearly all rows apart: {regions.sentence(rules[0])}"
    yield _distance(found)
    if found["tv_lower"] > 0:
        yield (
            "In percent: shown a row of either, by the toss of a coin, the best guesser says rightly which of the two "
            f"it comes from at least {percent(found['accuracy'])} of the time, with {confidence(found['alpha'])} "
            "confidence; a coin would be right 50 %."
        )
    if found["harmonised"]:
        yield _alike(found["harmonised"])
    yield _evidence(found)
    if found["null"]:
        yield _beside(found)


def _distance(found: Found) -> str:
    """The certificate, in bits and nats."""
    estimate = f"the estimate is {digits(found['jsd_estimate'], found['jsd_se'])}"
    if found["jsd_lower"] > 0:
        bits = at_least(found["jsd_lower"] / math.log(2))
        told = (
            f"with {confidence(found['alpha'])} confidence the two differ: a row gives away at least {bits} of the 1 "
            f"bit that says which of them it comes from. As a Jensen-Shannon divergence, from 0 to 0.693 nats, that is "
            f"at least {at_least(found['jsd_lower'])} nats; {estimate}."
        )
    else:
        told = (
            "there are signs that the two differ, as the next sentences say, but how far could not be certified"
            if _signs(found)
            else "no difference was found that luck does not explain, which does not show that there is none"
        )
        below = ", and below 0 it counts as 0" if found["jsd_estimate"] < 0 else ""
        told += f" (Jensen-Shannon divergence, from 0 to 0.693 nats: at least 0; {estimate}{below})."
    told = f"as the numbers are given, {told}" if found["harmonised"] else told
    return told[0].upper() + told[1:]


def _signs(found: Found) -> bool:
    """Whether anything that is told refutes that the two are of one law, each thing at its level."""
    bounds = [found["tv_lower"], *(step["jsd_lower"] for step in found["ladder"])]
    regions = any(region["certain"] for region in found["regions"])
    bets = found["p_value"] <= found["alpha"] or found["log_e"] >= math.log(1 / found["alpha"])
    return max(bounds) > 0 or regions or bets


def _alike(alike: Found) -> str:
    estimate = digits(alike["jsd_estimate"], alike["jsd_se"])
    return (
        f"Written with as many decimals, the two are at least {at_least(alike['jsd_lower'])} nats apart (estimate "
        f"{estimate}); how their numbers are written sets them at least {at_least(alike['format']['jsd_lower'])} nats "
        "apart, by itself."
    )


def _evidence(found: Found) -> str:
    refuted = "refuted" if found["p_value"] <= found["alpha"] else "not refuted"
    return (
        f"{found['n_real']:,} rows of data were set against {found['n_other']:,} of the other sample, all taken to be "
        f"independent draws. That both come from one distribution is {refuted} at level {found['alpha']:g} "
        f"({_p(found['p_value'])}); a fair bet against it turned 1 into {money(found['log_e'])}, where luck alone "
        f"gets to {1 / found['alpha']:.3g} or more {_by_luck(found)}."
    )


def _beside(found: Found) -> str:
    """Data against data. Halves are drawn at random, so that no order or drift could make them differ."""
    null, trained = found["null"], found["copying"] is not None
    against = (
        "the data against the training rows"
        if trained
        else "half of the data against the other half"
    )
    told = (
        f"For comparison, {against} ({null['n_real']:,} rows against {null['n_other']:,}): at least "
        f"{at_least(null['jsd_lower'])} nats, estimate {digits(null['jsd_estimate'], null['jsd_se'])}, "
        f"{_p(null['p_value'])}, and 1 turned into {money(null['log_e'])}."
    )
    if null["jsd_lower"] <= 0 and null["p_value"] > found["alpha"]:
        return told
    luck = _by_luck(found, ways=2)
    if trained:
        return (
            f"{told} Luck makes such a difference {luck}. Otherwise the data do not come from where the training rows "
            "do (another time, drift, rows that repeat), and what is said here of the other sample and of copying is "
            "in doubt."
        )
    return f"{told} The halves were drawn at random, so this is luck, {luck}; another seed draws others."


def _where(found: Found) -> Iterator[str]:
    certain, said = (
        [region for region in found["regions"] if region["certain"]],
        found["described"],
    )
    if certain:
        at_once = f"all of them hold at once with {confidence(found['alpha'])} confidence"
        yield f"Where they differ, with the range of each share in brackets ({at_once}):"
        yield from (f"  {regions.sentence(region)}" for region in certain[:TOLD])
    elif found["jsd_lower"] > 0:
        what = f"the {_listed(said)} of a picture" if said else "one, two or three columns"
        yield f"Where they differ could not be narrowed down to a rule about {what}."
    steps = [
        step
        for step in found["ladder"]
        if said or len(step["columns"]) < len(found["audit"]["columns"])
    ]
    if found["jsd_lower"] > 0 and steps:
        told = [
            f"{' and '.join(step['columns'])}, shows "
            + (
                f"at least {at_least(step['jsd_lower'])} nats"
                if step["jsd_lower"] > 0
                else "nothing for certain"
            )
            for step in steps
        ]
        pair = f"; the most telling pair, {told[1]}" if len(told) > 1 else ""
        what = "property of a picture" if said else "column"
        yield f"By itself the most telling {what}, {told[0]}{pair}."


def _by_class(found: Found) -> Iterator[str]:
    """Which classes come too seldom or too often, and which are made otherwise than they are."""
    if not (classes := found["classes"]):
        return
    at_once = f"all that is said of classes holds at once with {confidence(found['alpha'])} confidence"
    apart = [each for each in classes if _apart_in(each["real"], each["other"])]
    apart.sort(key=lambda each: -abs(each["real"]["share"] - each["other"]["share"]))
    shares = [
        f"{each['class']} ({_interval(each['real'])} and {_interval(each['other'])})"
        for each in apart
    ]
    if shares:
        yield f"Classes whose shares differ, in the data and in the other sample ({at_once}): {_some(shares)}."
    else:
        yield f"That a class comes too seldom or too often could not be shown ({at_once})."
    differ = sorted(
        (each for each in classes if each["jsd_lower"] > 0), key=lambda each: -each["jsd_lower"]
    )
    worst = [
        f"{each['class']} (at least {at_least(each['jsd_lower'])} nats, estimate "
        f"{digits(each['jsd_estimate'], each['jsd_se'])}; data against data: at least "
        f"{at_least(each['null']['jsd_lower'])}, estimate {digits(each['null']['jsd_estimate'])})"
        for each in differ
    ]
    if worst:
        yield f"Classes whose rows by themselves differ: {len(differ)} of {len(classes)}, the most {_some(worst)}."
    else:
        few = sum(each["jsd_estimate"] is None for each in classes)
        judged = (
            f"; {few} of {len(classes)} classes had too few rows to be judged by themselves"
            if few
            else ""
        )
        yield f"Class by class no difference between the rows was certified{judged}."


def _apart_in(real: Found, other: Found) -> bool:
    """Whether two intervals of shares lie apart."""
    return max(real["interval"][0], other["interval"][0]) > min(
        real["interval"][1], other["interval"][1]
    )


def _interval(share: Found) -> str:
    low, high = share["interval"]
    return f"{math.floor(1000 * low) / 10:.1f} to {math.ceil(1000 * high) / 10:.1f} %"


def _some(told: Sequence[str]) -> str:
    return "; ".join(told[:TOLD]) + (
        f"; and {len(told) - TOLD} more" if len(told) > TOLD else ""
    )


def _missed(found: Found) -> str:
    """What a difference the test would have noticed."""
    limit = found["detectable"]
    if limit is None:
        return (
            "What could have been missed: in trials on these data the loss of as much as a third of the rows went "
            "unnoticed more than one time in ten, so much could have been."
        )
    return (
        f"What could have been missed: in trials on these data, {limit['rows']:,} rows against {limit['rows']:,}, the "
        f"loss of a group of {100 * limit['mass']:.1f} % of the rows ({digits(limit['jsd'])} nats) was noticed "
        f"{limit['noticed']} times in {limit['trials']}; smaller groups, and differences of other kinds, may go unseen."
    )


def _compared(found: Found) -> Iterator[str]:
    """What of a row of a table was compared."""
    if given := found["given"]:
        yield (
            f"Each row of data was set against samples that were made for its own {_listed(given)}: what is compared "
            "is the rest of the row, given that."
        )
    if lacking := found["unlabelled"]:
        named = _listed([SIDES[side] for side in lacking])
        yield f"Labels were left out of the comparison, for there are none of {named}."
    if n := found["features"]:
        yield f"Critics saw {n:,} feature{'s' * (n > 1)} of each row beside the row itself."
    if left_out := found["left_out"]:
        yield f"Ids and free text can't be compared and were left out: {_listed(left_out)}."


def _listed(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _difference(region: Found) -> float:
    return abs(region["real"]["share"] - region["other"]["share"])


def _findings(found: Found, *, severe: bool) -> list[str]:
    return [
        finding["sentence"]
        for finding in found["audit"]["findings"]
        if finding["severe"] == severe
    ]


def digits(value: float | None, se: float | None = None) -> str:
    """Nats to three digits after the point, or as many as the standard error deserves; never -0.000.

    >>> digits(0.1234), digits(-0.00001), digits(0.041, 0.003), digits(-0.00123, 0.0004)
    ('0.123', '0.000', '0.041 ± 0.003', '-0.0012 ± 0.0004')
    """
    if value is None:
        return "no number"
    fine = max(3, -math.floor(math.log10(se))) if se and se >= 1e-5 else 3
    return f"{round(value, fine) + 0.0:.{fine}f}" + ("" if se is None else f" ± {se:.{fine}f}")


def at_least(bound: float | None) -> str:
    """A lower bound, rounded down: three digits after the point, or two that are not 0.

    >>> at_least(0.6439), at_least(0.00708), at_least(0.0)
    ('0.643', '0.0070', '0')
    """
    if bound is None:
        return "no number"
    if bound <= 0:
        return "0"
    fine = max(3, 1 - math.floor(math.log10(bound)))
    return f"{math.floor(bound * 10**fine) / 10**fine:.{fine}f}"


def percent(bound: float) -> str:
    """A lower bound on a share, rounded down.

    >>> percent(0.5149)
    '51.4 %'
    """
    return f"{math.floor(1000 * bound) / 10:.1f} %"


def confidence(alpha: float) -> str:
    """1 - alpha in percent, and never 100.

    >>> confidence(0.05), confidence(1e-6)
    ('95 %', '99.9999 %')
    """
    return f"{100 * (1 - alpha):.10g} %"


def _by_luck(found: Found, ways: int = 1) -> str:
    """How often luck shows a difference, if there are so many ways to show one (the bound, the p-value)."""
    return f"at most once in {1 / (ways * found['alpha']):.3g} times"


def _p(p: float) -> str:
    """A p-value.

    >>> _p(0.034), _p(2e-9)
    ('p = 0.034', 'p below 0.0001')
    """
    return "p below 0.0001" if p < 1e-4 else f"p = {p:.2g}"


def money(log_e: float) -> str:
    """Wealth as a person says it.

    >>> money(0.0), money(-2.0), money(-9.0), money(7.0), money(60.0)
    ('1.00', '0.14', 'less than 0.01', '1,097', '10^26')
    """
    if log_e > math.log(1e7):
        return f"10^{math.floor(log_e / math.log(10))}"
    wealth = math.exp(max(log_e, -700.0))
    return (
        f"{wealth:,.0f}"
        if wealth >= 100
        else f"{wealth:.2f}"
        if wealth >= 0.01
        else "less than 0.01"
    )
