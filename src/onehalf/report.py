"""A fit, told: numbers for programs, sentences for people, one line while it runs, one page that needs nothing else."""

import dataclasses
import importlib.metadata
import io
import math
import platform
import re
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from matplotlib import rc_context
from matplotlib.figure import Figure

from onehalf import plots
from onehalf.gan import GAN
from onehalf.plots import AnyRows

__all__ = ["line", "numbers", "page", "sentences"]

LAST = 5
"""The rows of history that V, D(x) and D(G(z)) are averaged over: 500 rounds."""

TIE = -math.log(4)
"""V where D = 1/2 everywhere, in nats."""


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
        f"Played {found['rounds']:,} of {gan.recipe_.rounds:,} rounds in {_duration(found['seconds'])}, "
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
    parts = [f"t {gan.rounds_played_:,}/{gan.recipe_.rounds:,}"]
    if gan.history_:
        # the first row has the time to compile in it
        first, last = gan.history_[0] if len(gan.history_) > 1 else {"t": 0, "seconds": 0.0}, gan.history_[-1]
        speed = (last["t"] - first["t"]) / max(last["seconds"] - first["seconds"], 1e-9)
        now = {name: last[name][gan.chosen_] for name in ("V", "D_x")}
        parts += [f"{speed:,.0f} rounds/s", f"V {now['V']:.3f} ({TIE:.3f})", f"D(x) {now['D_x']:.2f} (0.50)"]
        looks = [row for row in gan.history_ if "jsd" in row]
        if looks:
            parts.append(f"held-out {_digits(looks[-1]['jsd'][gan.chosen_], looks[-1]['se'][gan.chosen_])} nats")
        parts.append(f"{_duration((gan.recipe_.rounds - last['t']) / speed)} left")
    return "  ".join(parts)


def page(gan: GAN, real: AnyRows, samples: AnyRows, title: str) -> str:
    """One HTML page of the fit that needs nothing else: no script, no font, no image from elsewhere.

    `real` and `samples` are rows in the user's units; they are drawn as their shape asks for.
    """
    environment = Environment(
        loader=PackageLoader("onehalf", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found = numbers(gan)
    beside = plots.beside(real, samples, getattr(gan, "feature_names_in_", ()))
    return environment.get_template("report.html.jinja").render(
        title=title,
        sentences=sentences(gan),
        kind=plots.kind(real),
        beside=_svg(beside, f"{len(real):,} rows of data beside {len(samples):,} samples"),
        columns=math.prod(real.shape[1:]),
        most_columns=plots.COLUMNS,
        figures=_over_rounds(gan, found),
        tie=f"{TIE:.3f}",
        seeds=found["seeds"],
        digits=_digits,
        recipe=dataclasses.asdict(gan.recipe_),
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
    scale = "(Jensen-Shannon divergence, JSD: 0 is the least, 0.693 the most; ± one standard error)"
    if jsd > 0:
        told = [f"{rows} put the samples at least about {_digits(jsd, se)} nats from the data {scale}"]
    else:
        told = [
            f"{rows} found no difference that held up on rows it had not learned from: {_digits(jsd, se)} nats {scale}"
        ]
    told[0] += f"; data against data gives {_digits(null['jsd_estimate'], null['jsd_se'])}."
    if certificate["looks"] > 1:
        told[0] += f" This was look number {certificate['looks']} at these rows; only a first look is free of choices."
    if jsd > 0 and jsd - (null["jsd_estimate"] or 0) > 2 * math.hypot(se, null["jsd_se"] or 0):
        bits = jsd / math.log(2)
        told.append(
            "In plain words: toss a coin and take a row of the data or a sample. The row gives away at least about "
            f"{bits:.2f} of the 1 bit that says which of the two it is, and the best guesser would be right at least "
            f"about {(1 + bits) / 2:.0%} of the time, where the coin is right 50%."
        )
    else:
        told.append(
            "In plain words: this critic saw no more than chance can make. That does not show that the samples are "
            f"close to the data: a critic that learns from {certificate['n_real'] // 3:,} rows can miss much, so "
            "look at the samples too."
        )
    told[-1] += " All this is estimated from below, without a guarantee: a better critic, or more rows, may find more."
    return told


def _kept(seeds: dict[str, Any]) -> list[str]:
    """Which game the samples come from, and how far the games lie apart."""
    best = next(seed for seed in seeds["each"] if seed["seed"] == seeds["chosen"])
    if best["jsd"] is None:
        return []
    value = f"the value on validation rows was least there ({_digits(best['jsd'], best['se'])} nats)"
    told = f"The samples come from round {best['t']:,} of seed {best['seed']}: {value}."
    if len(seeds["each"]) == 1:
        return [f"{told} It is the only seed, so how much of all this is luck is not known."]
    values = sorted(seed["jsd"] for seed in seeds["each"] if seed["jsd"] is not None)
    return [
        f"{told} Over {len(seeds['each'])} seeds the least values run from {_digits(values[0])} to "
        f"{_digits(values[-1])}, a spread of {_digits(values[-1] - values[0])} nats between games that differ by luck "
        "alone."
    ]


def _over_rounds(gan: GAN, found: dict[str, Any]) -> dict[str, Markup]:
    """The figures over the rounds, as far as there is anything to draw."""
    history, chosen = gan.history_, gan.chosen_
    if not history:
        return {}
    D = {"D_x": "D(x), on data", "D_Gz": "D(G(z)), on samples"}
    gradients = {"gradient_D": "D", "gradient_G": "G"}
    figures = {
        "V": _svg(
            plots.against(history, {"V": "V"}, label="nats", level=(TIE, "-log 4"), chosen=chosen),
            f"A curve of V over the rounds that ends at {_digits(found['V'])} nats, and a dashed line at -log 4",
        ),
        "D": _svg(
            plots.against(history, D, label="mean of D", level=(0.5, "1/2"), chosen=chosen),
            f"D(x) ends at {_digits(found['D_x'])}, D(G(z)) at {_digits(found['D_Gz'])}; a dashed line is at 1/2",
        ),
        "gradients": _svg(
            plots.against(history, gradients, label="norm of the gradient", chosen=chosen, log=True),
            "The norms of D's and G's gradients over the rounds, on a logarithmic scale",
        ),
    }
    if any("jsd" in row for row in history):
        best = found["seeds"]["each"][chosen]
        figures["looks"] = _svg(
            plots.looks(history, chosen=chosen, kept=best["t"]),
            f"Held-out nats at each look, {_digits(best['jsd'])} for the G that is kept; a band for data against data",
        )
    return figures


def _svg(figure: Figure, alt: str) -> Markup:
    """The figure as a part of the page: its black takes the colour of the page's text."""
    file = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": alt}):
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(file, format="svg", transparent=True, dpi=160, metadata=metadata)
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :]
    # addresses of name spaces, a style that would rule the whole page, and names that the next figure would use again
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"| id="[^"]*_\d+"|<style.*?</style>', "", svg, flags=re.DOTALL)
    svg = svg.replace("#000000", "currentColor")
    return Markup(svg.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1))


def _seeds(gan: GAN) -> dict[str, Any]:
    """The best look of each game, as `numbers` gives it."""
    each = []
    for game in range(gan.recipe_.seeds):
        t = gan.best_look(game)[1]
        best = next(
            ((row["jsd"][game], row["se"][game], t) for row in gan.history_ if row["t"] == t), (None, None, None)
        )
        each.append({"seed": gan.recipe_.random_state + game, **dict(zip(("jsd", "se", "t"), best, strict=True))})
    values = [seed["jsd"] for seed in each if seed["jsd"] is not None]
    spread = max(values) - min(values) if len(values) > 1 else None
    return {"each": each, "chosen": gan.recipe_.random_state + gan.chosen_, "spread": spread}


def _for_json(value: Any) -> Any:
    """The same with None for infinities and NaN, which JSON has no word for."""
    if isinstance(value, dict):
        return {name: _for_json(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_for_json(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _digits(jsd: float | None, se: float | None = None) -> str:
    """Three digits, as the standard errors deserve; never -0.000."""
    if jsd is None:
        return "no number"
    return f"{round(jsd, 3) + 0.0:.3f}" + ("" if se is None else f" ± {se:.3f}")


def _duration(seconds: float) -> str:
    """A time as a person says it.

    >>> _duration(7.4), _duration(200.0), _duration(7500.0)
    ('7 s', '3 min 20 s', '2 h 5 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed, run from its sources"
