"""Pages that live in a browser: the lab, a game to play with, and `onehalf watch`, a page on runs.

`game/` is the game itself, in plain JavaScript; `drawing/` draws on canvases; `lab/` and `watch/` are the pages.
`modules.py` joins their modules into one script.
"""

from onehalf.web.lab import Points, read_points, render_lab

__all__ = ["Points", "read_points", "render_lab"]
