"""The page of `onehalf watch` in a real browser: saved, and live from a server."""

import contextlib
import dataclasses
import re
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from browsing import wait_until
from onehalf.views import RunReader, RunView
from onehalf.views.drawing import encode_sheet
from onehalf.views.pictures import (
    Column,
    ColumnsFrame,
    ColumnsPicture,
    ImagesFrame,
    ImagesPicture,
    LineFrame,
    LinePicture,
    Pair,
    PlaneFrame,
    PlanePicture,
)
from onehalf.views.view import CertificateView, Evaluations, History, Kept, Rounds, Seconds
from onehalf.web.server import WatchServer
from onehalf.web.watch_page import make_replay, render_live, render_saved
from onehalf.web.watched import WatchedRun

READY = "document.getElementById('name')?.textContent.length > 0"
ROUNDS = (100, 200, 300, 400)
SIZE = 6
rng = np.random.default_rng(0)


def shares(*shape):
    drawn = rng.dirichlet(np.ones(np.prod(shape))).reshape(shape).round(4)
    return tuple(map(tuple, drawn.tolist())) if drawn.ndim > 1 else tuple(drawn.tolist())


def line_picture(rounds):
    edges = tuple(np.linspace(-3, 3, 41).round(3).tolist())
    frames = [
        LineFrame(
            t=t, p_g=shares(40), D=shares(40), D_star=(None, *shares(39)), walk=shares(33)
        )
        for t in rounds
    ]
    z = tuple(np.linspace(-2, 2, 33).tolist())
    return LinePicture(
        name="x1",
        edges=edges,
        p_data=shares(40),
        p_data_known=shares(40),
        z=z,
        frames=tuple(frames),
    )


def plane_picture(rounds):
    edges = tuple(np.linspace(-2, 2, SIZE + 1).tolist())
    cells = SIZE**2
    frames = [
        PlaneFrame(
            t=t,
            x=shares(9),
            y=shares(9),
            D=shares(cells),
            D_fine=shares((2 * SIZE - 1) ** 2),
            D_star=None,
        )
        for t in rounds
    ]
    return PlanePicture(
        names=("height", "weight"),
        x_edges=edges,
        y_edges=edges,
        p_data=shares(cells),
        p_data_known=None,
        data_x=shares(9),
        data_y=shares(9),
        frames=tuple(frames),
    )


def table_picture(rounds):
    words = Column(name="job", bars="words", labels=("a", "b"), edges=(), data=(0.5, 0.5))
    numbers = Column(
        name="age",
        bars="numbers",
        labels=("0", "1", "missing"),
        edges=(0.0, 1.0),
        data=(0.9, 0.1),
    )
    pair = Pair(
        names=("job", "age"),
        difference=0.2,
        baseline=0.1,
        labels=(("a", "b"), ("low", "high")),
        data=shares(2, 2),
        samples=shares(2, 2),
    )
    frames = [
        ColumnsFrame(
            t=t, samples=(shares(2), shares(2)), differences=(0.1, t / 1000), pairs=(pair,)
        )
        for t in rounds
    ]
    return ColumnsPicture(kind="table", columns=(words, numbers), total=2, frames=tuple(frames))


def images_picture(rounds, address):
    frames = tuple(ImagesFrame(t=t, sheet=address(t)) for t in rounds)
    return ImagesPicture(height=4, width=4, count=9, data_sheet=address(None), frames=frames)


def make_sheet(t):
    images = np.full((9, 4, 4), 0.0 if t is None else t / 500, np.float32)
    return encode_sheet(images, (0.0, 1.0))


def make_view(label, picture, rounds=ROUNDS, **parts):
    """A run after some rounds, made up."""
    n = len(rounds)
    nats = tuple(np.linspace(0.3, 0.1, n).tolist())
    known = {
        "name": label,
        "label": label,
        "revision": f"{label}-{n}",
        "state": "training",
        "is_at_work": True,
        "sentence": f"Training: round {rounds[-1]} of 800.",
        "onehalf": "1.0",
        "saved_at": 0.0,
        "source": "x.npy",
        "rounds": Rounds(done=rounds[-1], planned=800, extended_at=0, next_evaluation=500),
        "seconds": Seconds(so_far=12.0, evaluating=3.0, left=15.0, total=14.0),
        "players": "neural",
        "loss": "NonSaturating",
        "value_at_equilibrium": -np.log(4).item(),
        "seeds": 1,
        "seed": 0,
        "history": History(
            t=rounds,
            seconds=nats,
            V=tuple(np.linspace(-1.2, -1.35, n).tolist()),
            D_x=(0.7,) * n,
            D_Gz=(0.3,) * n,
            gradient_D=(1.0,) * n,
            gradient_G=(3.0,) * n,
        ),
        "evaluations": Evaluations(t=rounds, estimate=nats, se=(0.01,) * n, lower=(0.05,) * n),
        "null": Kept(t=100, estimate=0.002, se=0.003),
        "kept": Kept(t=rounds[-1], estimate=nats[-1], se=0.01),
        "picture": picture,
    }
    return RunView(**known | parts)


class Reader(RunReader):
    """A run that changes when a test says so."""

    def __init__(self, view):
        super().__init__(Path(view.name), view.label)
        self.now = view

    def fingerprint(self):
        return self.now.revision

    def view(self):
        return self.now

    def sheet(self, t):
        return make_sheet(t)


@contextlib.contextmanager
def serve(*readers):
    server = WatchServer([])
    server.watched.runs = [WatchedRun(reader) for reader in readers]
    thread = threading.Thread(target=server.serve_until_done)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield server
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def runs():
    return [
        make_view("line", line_picture(ROUNDS)).to_dict(),
        make_view("plane", plane_picture(ROUNDS[:3]), ROUNDS[:3]).to_dict(),
        make_view("table", table_picture(ROUNDS)).to_dict(),
    ]


@pytest.fixture(scope="module")
def save(tmp_path_factory):
    def write(*views):
        file = tmp_path_factory.mktemp("saved") / "runs.html"
        file.write_text(render_saved(views), encoding="utf-8")
        return file.as_uri()

    return write


def read_round(page):
    return page.inner_text("#round")


def wait_for_round(page, t):
    wait_until(page, f"document.getElementById('round').textContent.startsWith('round {t} of')")


def test_a_saved_run_is_replayed_by_button_slider_and_keys(open_page, save, runs):
    page = open_page(save(runs[0]), READY, reduced_motion="no-preference")
    wait_for_round(page, 400)
    page.click("#play")
    wait_for_round(page, 100)
    assert page.inner_text("#play") == "❚❚ Pause"
    wait_for_round(page, 200)
    page.click("#play")
    page.focus("#slider")
    page.keyboard.press("ArrowRight")
    wait_for_round(page, 300)
    assert "Round 300: V " in page.inner_text("[data-chart=V] .reading")
    assert page.inner_text(".picture .when") == "After round 300."
    page.focus("body")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("ArrowLeft")
    wait_for_round(page, 200)
    page.click("#latest")
    wait_for_round(page, 400)
    assert "t=" not in page.evaluate("location.hash")


def test_a_link_restores_the_round_the_runs_and_the_language(open_page, save, runs):
    address = save(*runs)
    page = open_page(address, READY)
    wait_for_round(page, 400)
    page.click("[data-run='1']")
    page.focus("#slider")
    page.keyboard.press("ArrowLeft")
    wait_for_round(page, 300)
    assert page.locator(".picture:visible h3").all_inner_texts() == ["A line", "C table"]
    other = open_page(page.evaluate("location.href") + "&language=zh", READY)
    wait_until(other, "document.getElementById('round').textContent.startsWith('第 300 轮')")
    assert other.locator("[data-run]:checked").count() == 2


def test_several_runs_are_compared_in_a_table(open_page, save, runs):
    page = open_page(save(*runs), READY)
    rows = page.locator("#runs tbody tr").all_inner_texts()
    assert [row.split("\t")[0] for row in rows] == ["A line", "B plane", "C table"]
    assert "0.100 ± 0.010\t0.002 ± 0.003" in rows[0]
    assert page.inner_text("[data-chart=D] .reading").count("D(x) 0.700") == 3


def test_a_live_page_follows_its_runs_and_stays_where_it_is_put(open_page):
    reader = Reader(make_view("line", line_picture(ROUNDS[:2]), ROUNDS[:2]))
    with serve(reader) as server:
        page = open_page(server.address, READY)
        other = open_page(server.address, READY)
        wait_for_round(page, 200)
        page.focus("#slider")
        page.keyboard.press("ArrowLeft")
        wait_for_round(page, 100)
        reader.now = make_view("line", line_picture(ROUNDS), sentence="Training: nearly done.")
        wait_until(page, "document.getElementById('sentence').textContent.includes('nearly')")
        wait_for_round(other, 400)
        assert read_round(page) == "round 100 of 800"
        page.reload()
        wait_until(page, READY)
        wait_for_round(page, 100)
        page.click("#latest")
        wait_for_round(page, 400)
        reader.now = dataclasses.replace(
            reader.now, revision="damaged", state="damaged", sentence="state.x is damaged."
        )
        wait_until(other, "document.getElementById('sentence').textContent.includes('damaged')")
        assert other.title() == "damaged · line"
        wait_for_round(other, 400)
    wait_until(page, "document.getElementById('connection').textContent.includes('has ended')")


def test_sheets_of_images_are_fetched_beside_the_page(open_page, errors):
    def address(t):
        return f"0/sheet/{'data' if t is None else t}.png"

    reader = Reader(make_view("digits", images_picture(ROUNDS, address)))
    with serve(reader) as server:
        page = open_page(server.address, READY)
        wait_until(page, "document.querySelectorAll('.picture canvas[style]').length === 2")
        level = (
            "document.querySelector('.picture canvas').getContext('2d')"
            ".getImageData(1, 1, 1, 1).data[0]"
        )
        assert page.evaluate(level) == pytest.approx(255 * 400 / 500, abs=2)
        page.focus("#slider")
        page.keyboard.press("Home")
        wait_until(page, f"Math.abs({level} - 51) < 3")
    # the browser's advice on how to read a canvas
    errors[:] = [error for error in errors if "willReadFrequently" not in error]


def test_a_lost_connection_is_said_and_comes_back(open_page, errors):
    reader = Reader(make_view("line", line_picture(ROUNDS[:2]), ROUNDS[:2]))
    with serve(reader) as server:
        page = open_page(server.address, READY)
        page.route("**/events", lambda route: route.abort())
        page.reload()
        wait_until(
            page, "document.getElementById('connection').textContent.includes('is lost')"
        )
        reader.now = make_view("line", line_picture(ROUNDS))
        page.unroute("**/events")
        wait_for_round(page, 400)
        assert page.is_hidden("#connection")
    errors[:] = [error for error in errors if "ERR_FAILED" not in error]


def test_a_run_before_its_first_rounds_has_a_sentence_alone(open_page):
    empty = RunView(
        name="new",
        label="new",
        revision="0",
        state="waiting",
        is_at_work=True,
        sentence="Waiting for the first rounds.",
        onehalf=None,
        saved_at=None,
        source=None,
        rounds=None,
    )
    reader = Reader(empty)
    with serve(reader) as server:
        page = open_page(server.address, READY)
        wait_until(
            page, "document.getElementById('sentence').textContent.startsWith('Waiting')"
        )
        assert page.is_hidden("#parts")
        reader.now = make_view("new", None, ROUNDS[:1], notes=("No pictures were kept.",))
        wait_for_round(page, 100)
        assert page.inner_text(".picture .note") == "No pictures were kept."


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(open_page, save, runs, scheme):
    size = {"width": 390, "height": 844}
    page = open_page(save(*runs), READY, viewport=size, is_mobile=True, color_scheme=scheme)
    wait_for_round(page, 400)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_every_state_has_a_sentence_in_chinese(open_page, save):
    certificate = CertificateView(
        outcome="they differ",
        sentence="",
        jsd_lower=0.05,
        jsd_estimate=0.1,
        jsd_se=0.01,
        p_value=0.01,
    )
    states = RunView.__dataclass_fields__["state"].type.__args__
    views = [
        make_view(state, None, state=state, certificate=certificate).to_dict()
        for state in states
    ]
    page = open_page(save(*views) + "#language=zh", READY)
    cells = page.locator("#runs tbody td:nth-child(2)").all()
    assert len(cells) == len(states) == 8
    for cell in cells:
        sentence = cell.get_attribute("title")
        assert re.search("[一-鿿]", sentence)
        assert not re.search("[{}]|undefined|null", sentence)


def test_without_scripts_the_page_says_what_it_needs(browser, save, runs):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(save(runs[0]))
    assert "needs a browser of 2023 or later" in page.inner_text("#no-script")
    context.close()


def test_the_policy_of_a_saved_page_allows_its_own_script_and_style_alone(runs):
    page = render_saved(runs)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
    assert "unsafe" not in policy
    assert policy.count("'sha256-") == 2
    assert not re.search("https?:", page)
    assert not re.search(r"<script>|<style|style=", render_live())


def test_the_name_of_a_run_can_not_end_the_script(runs):
    page = render_saved([runs[0] | {"label": "</script><b>"}])
    assert "</script><b>" not in page
    assert "<title>&lt;/script&gt;&lt;b&gt; - onehalf</title>" in page


def test_a_replay_inside_of_another_page_rules_its_own_elements_alone(runs):
    style = make_replay(runs[0]).style
    outside = re.sub(r"#watch \{.*", "", style, flags=re.DOTALL)
    assert set(re.findall(r"^([^@\s][^{]*) \{", outside, re.MULTILINE)) == {":root"}
