"""Pages that live in a browser: the lab, a game to play with.

`game/` is the game itself, in plain JavaScript; `drawing/` draws on canvases; `lab/` is the page.
`modules.py` joins their modules into one script.
"""

from onehalf.web.lab import Points, read_points, render_lab

__all__ = ["Points", "read_points", "render_lab"]
