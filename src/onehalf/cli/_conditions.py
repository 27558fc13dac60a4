"""What `onehalf sample` says of rows under conditions."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from onehalf._errors import Refusal
from onehalf._text import join_names
from onehalf.cli._common import say

if TYPE_CHECKING:
    import onehalf.domains
    import onehalf.model

__all__ = ["describe_conditions", "reveal_words", "say_impossible", "say_left"]


def describe_conditions(
    run: Path, domain: "onehalf.domains.Domain", where: str, drawn: "onehalf.model.Search"
) -> str:
    """Say how likely conditions are under the model, and how frequent in the data, if these are still there."""
    text = f"{where}: probability {drawn.probability:.2g} under the model"
    text += _describe_share(run, domain, where)
    if drawn.effective is not None:
        text += f". {drawn.n_drawn:,} weighted rows were drawn, worth {drawn.effective:,.0f} of equal weight"
    return f"{text}."


def say_impossible(names: Sequence[str]) -> None:
    """Say which rows have a known value that the model never makes."""
    if names:
        have = "1 row has" if len(names) == 1 else f"{len(names):,} rows have"
        say(
            f"{have} a value that the model never makes ({join_names(names)}). It is kept, and the nearest value was "
            "used for the other cells."
        )


def say_left(names: Sequence[str]) -> None:
    """Say which rows keep their gaps."""
    if names:
        keeps = (
            "1 row keeps its gaps"
            if len(names) == 1
            else f"{len(names):,} rows keep their gaps"
        )
        say(f"{keeps} ({join_names(names)}): nothing was found that keeps the rules.")


def reveal_words(
    run: Path, model: "onehalf.model.GenerativeModel"
) -> "onehalf.model.GenerativeModel":
    """Return the model with the words that its run does not hold, if the data are still there."""
    from onehalf import runs
    from onehalf.data.loading import is_path
    from onehalf.data.sources import load_some

    source = runs.load_source(run)
    if not (model.domain.hides_words and is_path(source.source)):
        return model
    try:
        data = load_some(source.source, image_size=source.size)
    except (Refusal, OSError):
        return model
    return dataclasses.replace(model, domain=model.domain.reveal(data))


def _describe_share(run: Path, domain: "onehalf.domains.Domain", where: str) -> str:
    """The rows of the data that hold conditions."""
    from onehalf import runs
    from onehalf.data.loading import is_path
    from onehalf.data.sources import load_some

    source = runs.load_source(run)
    if not is_path(source.source):
        return ""
    name = Path(source.source).name
    try:
        rows = domain.encode(load_some(source.source, image_size=source.size))
        holds = domain.parse_filter(where).mask(domain.filter_cells(rows))
    except (Refusal, OSError):
        return f" ({name} can't be read any more)"
    return f", {holds.mean():.2g} in {name} ({holds.sum():,} of {len(rows):,} rows)"
