"""Watching real runs: one that is being written, its report, and the pictures of the page in the docs."""

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from browsing import wait_until
from helpers import fit_cheaply, run_cli
from onehalf.web.server import WatchServer

READY = "document.getElementById('name')?.textContent.length > 0"
ROUNDS = "1500"
FITS = {
    "ring": ("ring",),
    "ring-k3": ("ring", "--k", "3"),
    "uniform": ("uniform",),
    "digits": ("digits",),
}
"""The data and options of each run."""

SHOWN = {
    "plane": ("ring",),
    "line": ("uniform",),
    "images": ("digits",),
    "two": ("ring", "ring-k3"),
}
"""Which runs each picture shows."""

IN_DOCS = ("line", "images", "two")


@pytest.fixture(scope="module")
def cheap_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cheap") / "run"
    fit_cheaply(folder, "uniform")
    return folder


def test_save_writes_one_file_of_all_runs(cheap_run, tmp_path, open_page):
    code, out, err = run_cli("watch", cheap_run, "--save", "replay.html", cwd=tmp_path)
    assert (code, out) == (0, "")
    assert "it needs no other file" in err
    page = open_page((tmp_path / "replay.html").as_uri(), READY)
    assert page.inner_text("#round") == "round 200 of 200"
    assert page.inner_text("#connection").startswith("Saved from run.")


def test_save_refuses_another_ending_before_anything_is_read(cheap_run, tmp_path):
    code, _, err = run_cli("watch", cheap_run, "--save", "replay.pdf", cwd=tmp_path)
    assert code == 2
    assert ".html" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_report_replays_its_run_and_can_be_read_without_scripts(
    cheap_run, browser, open_page
):
    code, *_ = run_cli("report", cheap_run)
    assert code == 0
    report = cheap_run / "report.html"
    assert report.stat().st_size < 6_000_000
    policy = re.search(r'content="(default-src[^"]+)"', report.read_text())[1]
    assert re.search(r"; script-src 'sha256-[^']+'; style-src ", policy)
    address = report.as_uri()
    page = open_page(address, "document.getElementById('watch') !== null")
    page.click("summary:has-text('Training')")
    wait_until(page, "document.getElementById('round').textContent === 'round 200 of 200'")
    assert page.locator(".picture canvas").first.is_visible()
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(address)
    plain.click("summary:has-text('Training')")
    plain.click("summary:has-text('The same curves')")
    assert plain.is_visible("svg[aria-label^='A curve of V']")
    context.close()


def watch(*folders):
    server = WatchServer(folders)
    thread = threading.Thread(target=server.serve_until_done)
    thread.start()
    return server, thread


def start_fit(folder, rounds, *options):
    words = [sys.executable, "-m", "onehalf", "fit", *options, "--out", str(folder)]
    return subprocess.Popen(
        [*words, "--rounds", rounds, "--seed", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.slow
def test_a_page_follows_a_fit_from_its_start_to_its_end(open_page, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    server, thread = watch(folder)
    try:
        page = open_page(server.address, READY)
        fit = start_fit(folder, "400", "uniform")
        for state in ("Training", "Finished"):
            shown = f"document.getElementById('sentence').textContent.includes('{state}')"
            for _ in range(600):
                if page.evaluate(shown):
                    break
                page.wait_for_timeout(2000)
            assert page.evaluate(shown), page.inner_text("#sentence")
            page.reload()
            wait_until(page, READY)
        assert page.inner_text("#round") == "round 400 of 400"
        assert fit.wait() == 0
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def real_runs(tmp_path_factory):
    """Fits of real length; `ONEHALF_RUNS` names a folder that has them already."""
    folder = Path(os.environ.get("ONEHALF_RUNS") or tmp_path_factory.mktemp("runs"))
    for name, options in FITS.items():
        if not (folder / name).exists():
            assert start_fit(folder / name, ROUNDS, *options).wait() == 0
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", SHOWN)
def test_pictures_of_the_page(name, real_runs, open_page, tmp_path):
    """With `ONEHALF_IMAGES=docs/images` they are those of the docs."""
    images = Path(os.environ.get("ONEHALF_IMAGES") or tmp_path)
    server, thread = watch(*(real_runs / run for run in SHOWN[name]))
    try:
        for width, scheme in ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")):
            size = {"width": width, "height": 900}
            page = open_page(server.address, READY, viewport=size, color_scheme=scheme)
            wait_until(
                page, "/^round [1-9]/.test(document.getElementById('round').textContent)"
            )
            page.wait_for_timeout(500)
            assert page.evaluate("document.documentElement.scrollWidth") == width
            is_shown = name in IN_DOCS and (width, scheme) == (1280, "light")
            file = (
                images / f"watch-{name}.png" if is_shown else tmp_path / f"{width}-{scheme}.png"
            )
            page.screenshot(path=file, full_page=True)
            labels = page.locator("canvas:visible").evaluate_all(
                "all => all.map(each => each.getAttribute('aria-label'))"
            )
            assert len(labels) >= 4
            assert all(re.search(r"\w{3}", label or "") for label in labels)
    finally:
        server.should_exit = True
        thread.join()
