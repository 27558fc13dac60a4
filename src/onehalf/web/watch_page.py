"""The page that shows runs: live, saved as one file, or inside a report."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from onehalf.sections.base import Replay
from onehalf.web.modules import hash_source, join_modules, join_styles, read_source

__all__ = [
    "join_live_script",
    "join_live_style",
    "make_replay",
    "render_live",
    "render_saved",
]

COLOURS = "colours.css"
"""The colours, light and dark, which are properties of a whole page."""

STYLES = ("common.css", "watch.css")

NAMED_ELSEWHERE = "#name, #sentence, #connection, footer { display: none; }\n"
"""What another page says itself."""


def render_live() -> str:
    """Render the page that reads its runs from the server beside it.

    >>> "<style" in render_live()
    False
    """
    return _render("onehalf watch", saved=None)


def join_live_script() -> str:
    """Join the script of the page."""
    return join_modules("watch/watch.js")


def join_live_style() -> str:
    """Join the style sheet of the page."""
    return join_styles(COLOURS, *STYLES)


def render_saved(views: Sequence[Mapping[str, Any]]) -> str:
    """Render one file that replays runs and needs nothing else.

    Args:
        views: What `RunView.to_dict` gives of each run, images inside of it.
    """
    title = " · ".join(view["label"] for view in views)
    saved = _make(join_live_style(), views, is_page=True)
    return _render(f"{title} - onehalf", saved)


def make_replay(view: Mapping[str, Any]) -> Replay:
    """Make the parts by which another page replays a run; their style rules nothing else on it."""
    inner = join_styles(*STYLES) + NAMED_ELSEWHERE
    style = f"{join_styles(COLOURS)}#watch {{\n{inner}}}\n"
    return _make(style, [view], is_page=False)


def _make(style: str, views: Sequence[Mapping[str, Any]], *, is_page: bool) -> Replay:
    """Make the parts of a page that has its runs inside."""
    script = join_live_script()
    return Replay(
        body=_body(is_page=is_page),
        style=Markup(style),
        script=Markup(script),
        data=_embed(views),
        script_hash=Markup(hash_source(script)),
        style_hash=Markup(hash_source(style)),
    )


def _render(title: str, saved: Replay | None) -> str:
    environment = Environment(
        loader=PackageLoader("onehalf.web", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    template = environment.get_template("watch.html.jinja")
    return template.render(title=title, saved=saved, body=_body(is_page=True)).lstrip()


def _body(*, is_page: bool) -> Markup:
    """The elements of the page; as a page of its own, it takes keys, the title and the address."""
    page = " data-page" if is_page else ""
    return Markup(read_source("watch.body.html").replace(" data-page", page))


def _embed(views: Sequence[Mapping[str, Any]]) -> Markup:
    """Write views as JSON that can't end the element it is in."""
    text = json.dumps(views, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))
