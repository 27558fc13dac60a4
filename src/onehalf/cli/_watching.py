"""`fit --watch`: open the page on a run in a process of its own."""

import json
import subprocess
import sys
import webbrowser
from pathlib import Path

from onehalf.cli._common import say

__all__ = ["open_watch"]


def open_watch(folder: Path, *, is_opened: bool) -> None:
    """Start `onehalf watch` beside a fit; it outlives the fit, and ends when nobody has its page open any more.

    Args:
        folder: The run.
        is_opened: Whether to open the page in a browser.
    """
    command = [sys.executable, "-P", "-m", "onehalf", "watch", str(folder), "--json"]
    process = subprocess.Popen(
        [*command, "--no-open"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Ctrl-C is for the fit
        start_new_session=True,
    )
    assert process.stdout
    assert process.stderr
    with process.stdout, process.stderr:
        line = process.stdout.readline()
        if not line:
            why = process.stderr.read().decode().strip()
            process.wait()
            say(f"The run can't be watched. {why}".rstrip())
            return
    address = json.loads(line)["address"]
    say(
        f"Watch: {address}\nThe page stays after the fit, until nobody has had it open for 10 minutes."
    )
    if is_opened:
        webbrowser.open(address)
