"""A fit, told: numbers for programs, sentences for people, one line while it runs, one page that needs nothing else."""

import importlib.metadata
import io
import math
import platform
import re
from typing import Any, NamedTuple

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure

from onehalf import plots
from onehalf.data.arrays import Rows
from onehalf.gan import GAN

__all__ = ["line", "numbers", "page", "sentences"]

LAST = 5
"""The rows of history that V, D(x) and D(G(z)) are averaged over: 500 rounds."""

TIE = -math.log(4)
"""V where D = 1/2 everywhere, in nats."""


class Picture(NamedTuple):
    """A figure of the page, and how to read it."""

    title: str
    svg: Markup
    caption: str


def numbers(gan: GAN) -> dict[str, Any]:
    """What `fit --json` prints, less `run`: ready for JSON, with None where there is no finite number.

    `V` (nats), `D_x` and `D_Gz` are means over the chosen game's last 500 rounds, on training rows. In `seeds`, `each`
    has the best held-out look of each game (`jsd` and `se` in nats, at round `t`), `chosen` is the seed sampled from,
    and `spread` the greatest less the least jsd. `certificate` is None for a fit that was interrupted.
    """
    history, chosen = gan.history_, gan.chosen_
    seconds = history[-1]["seconds"] if history else 0.0
    last = {name: [row[name][chosen] for row in history[-LAST:]] for name in ("V", "D_x", "D_Gz")}
    return _for_json(
        {
            "rounds": gan.rounds_played_,
            "seconds": seconds,
            "rounds_per_s": gan.rounds_played_ / seconds if seconds else None,
            **{name: float(np.mean(values)) if values else None for name, values in last.items()},
            "seeds": _seeds(gan),
            "stopped_because": gan.stopped_because_,
            "certificate": getattr(gan, "certificate_", None),
        }
    )


def sentences(gan: GAN) -> list[str]:
    """Say what the fit came to, for somebody who has never heard of a JSD: on the page first, in the terminal last."""
    found = numbers(gan)
    told = [
        f"Played {found['rounds']:,} of {gan.rounds_:,} rounds in {_duration(found['seconds'])}, "
        f"and ended for this reason: {found['stopped_because']}.",
        *_certified(found["certificate"]),
        *_kept(found["seeds"]),
    ]
    if found["V"] is not None:
        told.append(
            f"V ended at {found['V']:.3f}. How near that is to -log 4 = {TIE:.3f} shows nothing by itself: "
            "a discriminator that has learned nothing gives -log 4 as well."
        )
    return told


def line(gan: GAN) -> str:
    """How the game stands, in one line for a terminal; in brackets is what a tie gives, in nats where it is V's.

    `t 12,000/20,000  480 rounds/s  V -1.352 (-1.386)  D(x) 0.53 (0.50)  held-out 0.041 ± 0.003 nats  17 s left`
    """
    parts = [f"t {gan.rounds_played_:,}/{gan.rounds_:,}"]
    if gan.history_:
        # the first row has the time to compile in it
        first, last = gan.history_[0] if len(gan.history_) > 1 else {"t": 0, "seconds": 0.0}, gan.history_[-1]
        speed = (last["t"] - first["t"]) / max(last["seconds"] - first["seconds"], 1e-9)
        now = {name: last[name][gan.chosen_] for name in ("V", "D_x")}
        parts += [f"{speed:,.0f} rounds/s", f"V {now['V']:.3f} ({TIE:.3f})", f"D(x) {now['D_x']:.2f} (0.50)"]
        looks = [row for row in gan.history_ if "jsd" in row]
        if looks:
            parts.append(f"held-out {_nats(looks[-1]['jsd'][gan.chosen_], looks[-1]['se'][gan.chosen_])} nats")
        parts.append(f"{_duration((gan.rounds_ - last['t']) / speed)} left")
    return "  ".join(parts)


def page(gan: GAN, real: Rows, samples: Rows, title: str) -> str:
    """One HTML page of the fit that needs nothing else: no script, no font, no image from elsewhere.

    `real` and `samples` are rows in the user's units; they are drawn as their shape asks for.
    """
    environment = Environment(
        loader=PackageLoader("onehalf", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    found = numbers(gan)
    return environment.get_template("report.html.jinja").render(
        title=title,
        sentences=sentences(gan),
        beside=_beside(gan, real, samples),
        pictures=_course(gan),
        seeds=found["seeds"],
        nats=_nats,
        recipe={name: _plain(value) for name, value in gan.describe().items()},
        versions={"Python": platform.python_version(), **{name: _version(name) for name in ("jax", "onehalf")}},
    )


def _certified(certificate: dict[str, Any] | None) -> list[str]:
    """What a critic made of the test rows, and what that means for one row."""
    if certificate is None:
        return ["The test rows have not been looked at yet: that happens once, at the end of a run."]
    jsd, se, null = certificate["jsd_estimate"], certificate["jsd_se"], certificate["null"]
    rows = f"On {certificate['n_real']:,} test rows that neither player saw, a fresh critic"
    if jsd is None:
        return [f"{rows} gave no finite number: the samples are not finite either."]
    scale = "nats (Jensen-Shannon divergence, JSD: 0 is the least, 0.693 the most; ± one standard error)"
    put = "put the samples at least about" if jsd > 0 else "could not tell the samples from the data; it measured"
    away = " from the data" if jsd > 0 else ""
    again = f"data against data gives {_nats(null['jsd_estimate'], null['jsd_se'])}"
    told = [f"{rows} {put} {_nats(jsd, se)} {scale}{away}; {again}."]
    if certificate["looks"] > 1:
        told[0] += f" This was look number {certificate['looks']} at the test rows; only the first is untouched by choices."
    if jsd > 0 and jsd - (null["jsd_estimate"] or 0) > 2 * math.hypot(se, null["jsd_se"] or 0):
        bits = jsd / math.log(2)
        told.append(
            f"In plain words: take a row of the data or a sample, by the toss of a coin. The row gives away at least about "
            f"{bits:.3f} of the 1 bit that says which of the two it is, and the best guesser would be right at least about "
            f"{(1 + bits) / 2:.1%} of the time, where the coin is right 50%."
        )
    else:
        told.append("In plain words: with so many rows this critic saw no more difference than chance can make.")
    told[-1] += " All this is estimated from below, without a guarantee: a better critic, or more rows, may find more."
    return told


def _kept(seeds: dict[str, Any]) -> list[str]:
    """Which game the samples come from, and how far the games lie apart."""
    best = next(seed for seed in seeds["each"] if seed["seed"] == seeds["chosen"])
    if best["jsd"] is None:
        return []
    value = f"the value on validation rows was least there ({_nats(best['jsd'], best['se'])} nats)"
    told = f"The samples come from round {best['t']:,} of seed {best['seed']}: {value}."
    if len(seeds["each"]) == 1:
        return [f"{told} It is the only seed, so how much of all this is luck is not known."]
    spread = f"a spread of {seeds['spread']:.3f} nats that is luck alone" if seeds["spread"] is not None else ""
    values = sorted(seed["jsd"] for seed in seeds["each"] if seed["jsd"] is not None)
    return [f"{told} The {len(seeds['each'])} seeds' least values run from {_nats(values[0])} to {_nats(values[-1])}: {spread}."]
