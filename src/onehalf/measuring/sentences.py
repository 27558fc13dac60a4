"""What a measurement says, in plain sentences: for somebody who has never heard of a JSD.

Nothing here says that two samples are the same: a test can show a difference, and how great a difference it would have
noticed; it can't show that there is none.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from onehalf.measuring import regions

__all__ = ["digits", "of"]

Found = Mapping[str, Any]
"""`Measurement.to_dict()`."""

TOLD = 3
"""Regions and findings of each kind that are told; the rest are in the JSON."""


def of(found: Found) -> list[str]:
    """The sentences, the most important first."""
    return list(_told(found))


def _told(found: Found) -> Iterator[str]:
    severe = [finding["sentence"] for finding in found["audit"]["findings"] if finding["severe"]]
    yield _distance(found, warned=bool(severe))
    yield from severe[:TOLD]
    if found["harmonised"]:
        yield _alike(found["harmonised"])
    yield _plainly(found)
    yield _evidence(found)
    if found["null"]:
        yield _beside(found["null"])
    yield from _where(found)
    yield _seen(found)
    if found["copying"]:
        yield from found["copying"]["sentences"]
    if found["optional"].get("cells"):
        yield from found["optional"]["cells"]["sentences"]
    notes = [finding["sentence"] for finding in found["audit"]["findings"] if not finding["severe"]]
    yield from notes[:TOLD]
    if found["looks"] > 1:
        yield f"This was look number {found['looks']} at these real rows; the guarantee is that of a first look."


def _distance(found: Found, *, warned: bool) -> str:
    """The certificate."""
    rows = f"{found['n_real']:,} rows of data against {found['n_other']:,} others"
    scale = "Jensen-Shannon divergence: 0 is the least, 0.693 the most"
    estimate = f"the estimate is {digits(found['jsd_estimate'], found['jsd_se'])}"
    if found["jsd_lower"] > 0:
        but = " But see the next sentence: the difference may be one of format." if warned else ""
        return (
            f"With {_confidence(found)} confidence the two are at least {digits(found['jsd_lower'])} nats apart "
            f"({scale}; {rows}; {estimate}).{but}"
        )
    refuted = found["p_value"] <= found["alpha"]
    end = (
        "though the next sentences show that there is a difference" if refuted else "which does not show there is none"
    )
    return f"No distance above 0 could be certified ({scale}; {rows}; {estimate}), {end}."


def _alike(alike: Found) -> str:
    told = (
        f"Written alike, with the same decimals on both sides, they are at least {digits(alike['jsd_lower'])} nats "
        f"apart (estimate {digits(alike['jsd_estimate'], alike['jsd_se'])})"
    )
    return f"{told}; how the numbers are written sets them at least {digits(alike['format']['jsd_lower'])} nats apart."


def _plainly(found: Found) -> str:
    """Bits and percent."""
    if found["jsd_lower"] <= 0 and found["tv_lower"] <= 0:
        return (
            "In plain words: shown a row and asked which sample it comes from, no guesser here did better than a coin "
            "by more than luck explains."
        )
    bits = found["jsd_lower"] / math.log(2)
    return (
        "In plain words: toss a coin and take a row of the one sample or the other. The row gives away at least "
        f"{_bits(bits)} of the 1 bit that says which, and the best guesser is right at least "
        f"{found['accuracy']:.1%} of the time, where the coin is right 50%."
    )


def _evidence(found: Found) -> str:
    p, e = found["p_value"], found["log_e"]
    odds = f"a bet against it turned 1 into {_money(e)}"
    if p <= found["alpha"]:
        return f"That both have the same law is refuted at level {found['alpha']:g}: p = {_p(p)}, and {odds}."
    return f"That both have the same law is not refuted at level {found['alpha']:g}: p = {_p(p)}, and {odds}."


def _beside(null: Found) -> str:
    return (
        f"Beside it, data against data ({null['n_real']:,} rows against {null['n_other']:,}): at least "
        f"{digits(null['jsd_lower'])} nats, estimate {digits(null['jsd_estimate'], null['jsd_se'])}, p = "
        f"{_p(null['p_value'])}, 1 into {_money(null['log_e'])}."
    )


def _where(found: Found) -> Iterator[str]:
    certain = [region for region in found["regions"] if region["certain"]]
    if certain:
        yield f"Where they differ (all intervals hold at once with {_confidence(found)} confidence):"
        yield from (f"  {regions.sentence(region)}" for region in certain[:TOLD])
    if found["jsd_lower"] > 0 and found["ladder"]:
        steps = "; ".join(
            f"{' and '.join(step['columns'])} alone {digits(step['jsd_lower'])}" for step in found["ladder"]
        )
        yield f"Of this the best single column and pair show: {steps}; all columns {digits(found['jsd_lower'])}."


def _seen(found: Found) -> str:
    """What a difference the test would have noticed."""
    limit = found["detectable"]
    if limit is None:
        return (
            "What could have been missed: in trials on these data even a dropped third of the rows went unnoticed more "
            "than one time in ten, so there are too few rows to say much."
        )
    return (
        f"What could have been missed: in trials on these data, {limit['rows']:,} rows against {limit['rows']:,}, a "
        f"dropped group that holds {limit['mass']:.1%} of the rows ({digits(limit['jsd'])} nats) was noticed "
        f"{limit['noticed']} times in {limit['trials']}; smaller groups, and differences of other kinds, may go unseen."
    )


def digits(value: float | None, se: float | None = None) -> str:
    """Nats to three digits after the point, four where it is small; never -0.000.

    >>> digits(0.1234), digits(0.00567), digits(-0.00001), digits(0.0123, 0.0021)
    ('0.123', '0.0057', '0.000', '0.0123 ± 0.0021')
    """
    if value is None:
        return "no number"
    fine = 4 if 0 < abs(se if se is not None else value) < 0.01 else 3
    if abs(value) < 5e-5 and se is None:
        return "0.000"
    return f"{round(value, fine) + 0.0:.{fine}f}" + ("" if se is None else f" ± {se:.{fine}f}")


def _bits(bits: float) -> str:
    return f"{bits:.3f}" if bits < 0.1 else f"{bits:.2f}"


def _confidence(found: Found) -> str:
    return f"{100 * (1 - found['alpha']):g}%"


def _p(p: float) -> str:
    return "below 0.0001" if p < 1e-4 else f"{p:.2g}"


def _money(log_e: float) -> str:
    """Wealth as a person says it.

    >>> _money(0.0), _money(-2.0), _money(7.0), _money(60.0)
    ('1.00', '0.14', '1,097', '10^26')
    """
    if log_e > math.log(1e7):
        return f"10^{math.floor(log_e / math.log(10))}"
    wealth = math.exp(max(log_e, -700.0))
    return f"{wealth:,.0f}" if wealth >= 100 else f"{wealth:.2g}" if wealth < 0.01 else f"{wealth:.2f}"
