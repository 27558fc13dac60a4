"""The lab in a real browser: the page is opened as a file, and everything on it is used."""

import re

import numpy as np
import pytest

from browsing import wait_until
from onehalf.web import read_points, render_lab

READY = "document.getElementById('numbers').children.length > 0"
PIECES = ("won", "plane", "collapse", "saturation", "dirac", "steps", "strong", "folds")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    file = tmp_path_factory.mktemp("lab") / "lab.html"
    file.write_text(render_lab(), encoding="utf-8")
    return file.as_uri()


@pytest.fixture
def open_lab(open_page):
    return lambda address, **options: open_page(address, READY, **options)


@pytest.fixture
def page(open_lab, address):
    return open_lab(address)


def read_numbers(page):
    return page.locator("#numbers dd").all_inner_texts()


def wait_for_round(page, text):
    wait_until(page, f"document.getElementById('round').textContent.includes('{text}')")


def wait_for_hash(page, text):
    wait_until(page, f"location.hash.includes('{text}')")


def choose(page, name, value):
    page.locator(f"[name={name}]").select_option(value)


def enter(page, name, value):
    field = page.locator(f"[name={name}]")
    field.fill(value)
    field.press("Tab")


def test_steps_of_each_player_and_a_rewind_to_the_same_start(page):
    start = read_numbers(page)
    page.click("#step-D")
    wait_for_round(page, "round 0 · D 1 steps, G 0")
    page.click("#step-G")
    wait_for_round(page, "round 0 · D 1 steps, G 1")
    moved = read_numbers(page)
    assert moved != start
    page.click("#rewind")
    wait_for_round(page, "round 0")
    wait_until(page, f"document.querySelector('#numbers dd').textContent === '{start[0]}'")
    assert read_numbers(page) == start
    page.click("#step-D")
    page.click("#step-G")
    wait_for_round(page, "D 1 steps, G 1")
    assert read_numbers(page) == moved


def test_it_plays_pauses_and_changes_while_it_plays(page):
    page.click("#play")
    wait_until(page, "parseInt(document.getElementById('round').textContent.slice(6)) > 3")
    assert page.inner_text("#play") == "❚❚ Pause"
    enter(page, "k", "1")
    choose(page, "loss", "hinge")
    choose(page, "widthG", "4")
    page.wait_for_timeout(300)
    page.click("#play")
    page.wait_for_timeout(200)
    paused = page.inner_text("#round")
    page.wait_for_timeout(300)
    assert page.inner_text("#round") == paused
    assert page.inner_text("#play") == "▶ Play"


def test_a_link_opens_the_same_game(page, open_lab):
    page.click("[data-piece=dirac]")
    page.click("[data-change='penalty=R1']")
    enter(page, "gamma", "0,5")
    wait_for_hash(page, "gamma=0.5")
    page.click("#step-both")
    wait_for_round(page, "round 1")
    other = open_lab(page.evaluate("location.href"))
    assert other.input_value("[name=gamma]") == "0.5"
    assert other.get_attribute("[data-change='penalty=R1']", "aria-pressed") == "true"
    wait_for_round(other, "round 1")
    assert read_numbers(other) == read_numbers(page)
    for each in (page, other):
        each.click("#step-both")
        wait_for_round(each, "round 2")
    assert read_numbers(other) == read_numbers(page)


def test_a_link_goes_on_where_the_game_is(page, open_lab):
    page.click("[data-piece=steps]")
    page.click("#step-both")
    wait_for_round(page, "round 1")
    enter(page, "k", "4")
    page.click("#play")
    wait_until(page, "parseInt(document.getElementById('round').textContent.slice(6)) > 5")
    page.click("#play")
    wait_for_hash(page, "moves=k-1*1*k-4*")
    page.wait_for_timeout(300)
    other = open_lab(page.evaluate("location.href"))
    wait_for_round(other, page.inner_text("#round"))
    wait_until(other, "document.getElementById('play').textContent.includes('Play')")
    assert read_numbers(other) == read_numbers(page)
    assert other.evaluate("location.hash") == page.evaluate("location.hash")
    other.click("#rewind")
    wait_until(other, "!location.hash.includes('moves=')")


def test_data_can_be_drawn_by_pointer_and_by_keyboard(page, open_lab):
    choose(page, "data", "drawn")
    page.wait_for_selector("body.is-drawn[data-view=plane]")
    box = page.locator("#game").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 150, steps=6)
    page.mouse.up()
    wait_for_hash(page, "points=")
    drawn = page.evaluate("location.hash")
    page.focus("#game")
    for key in ("ArrowLeft", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    wait_until(page, f"location.hash.length === {len(drawn) + 4}")
    other = open_lab(page.evaluate("location.href"))
    assert other.evaluate("location.hash") == page.evaluate("location.hash")
    page.click("#clear")
    wait_until(page, "!location.hash.includes('points=')")


def test_a_number_that_can_not_be_is_refused_in_a_sentence(page):
    enter(page, "k", "many")
    assert page.get_attribute("[name=k]", "aria-invalid") == "true"
    note = page.inner_text("#settings-note")
    assert note == "k, steps of D a round: a whole number from 1 to 50."
    enter(page, "k", "2")
    assert page.get_attribute("[name=k]", "aria-invalid") is None
    wait_for_hash(page, "k=2")


@pytest.mark.parametrize("data", ["three", "ring"])
def test_a_game_that_diverges_says_so_and_can_be_rewound(open_lab, address, data):
    rules = "loss=wasserstein&optimiser=sgd&rateD=1&rateG=1&k=5&m=8&noise=normal_1"
    page = open_lab(f"{address}#data={data}&{rules}")
    page.click("#play")
    wait_until(page, "document.getElementById('verdict').textContent.includes('diverged')")
    page.click("#rewind")
    wait_until(page, "document.getElementById('verdict').textContent.startsWith('Press Play')")


def test_slow_motion_says_what_happens(page):
    page.select_option("#speed", "slow")
    page.click("#play")
    wait_until(page, "document.getElementById('now').textContent.includes('turn')")
    assert "turn, step 1 of 3. Draw m = 256 data: x" in page.inner_text("#now")
    assert page.locator("#flow .active").all_inner_texts() == ["x"]


def test_the_page_speaks_chinese(open_lab, address):
    page = open_lab(address, locale="zh-CN")
    assert "两个网络的博弈" in page.inner_text("h1")
    assert page.get_attribute("html", "lang") == "zh-Hans"
    page.select_option("#language", "en")
    assert page.inner_text("h1") == "onehalf lab: a game of two networks"
    wait_for_hash(page, "language=en")


def test_the_page_fits_a_phone(open_lab, address):
    size = {"width": 390, "height": 844}
    page = open_lab(address, viewport=size, has_touch=True, is_mobile=True)
    for piece in ("won", "plane"):
        page.click(f"[data-piece={piece}]")
        wait_until(page, "document.body.dataset.view")
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_without_scripts_the_page_says_what_it_needs(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert "needs a browser of 2023 or later that runs JavaScript" in page.inner_text(
        "#no-script"
    )
    context.close()


def test_points_of_a_file_are_the_data(open_lab, tmp_path):
    rng = np.random.default_rng(0)
    lines = [f"{a:.2f},{b:.1f}" for a, b in rng.normal([170, 70], [10, 15], (50, 2))]
    (tmp_path / "points.csv").write_text("height,weight\n" + "\n".join(lines))
    file = tmp_path / "lab.html"
    file.write_text(render_lab(read_points(str(tmp_path / "points.csv"))), encoding="utf-8")
    page = open_lab(file.as_uri())
    assert page.input_value("[name=data]") == "rows"
    assert page.inner_text("#rows-note").startswith(
        "Your file: points.csv, columns height and w"
    )


@pytest.mark.slow
@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_set_piece_plays(open_lab, address, piece, scheme):
    page = open_lab(address, color_scheme=scheme, reduced_motion="reduce")
    page.click(f"[data-piece={piece}]")
    for button in page.locator("#piece [data-change]").all():
        button.click()
    page.click("#play")
    wait_until(page, "parseInt(document.getElementById('round').textContent.slice(6)) > 2")
    assert len(page.inner_text("#verdict")) > 20


@pytest.mark.slow
def test_ten_frames_a_second(open_lab, address):
    page = open_lab(address + "#data=ring")
    page.evaluate(
        "() => { window.frames = 0; new MutationObserver(() => { window.frames += 1; })"
        ".observe(document.getElementById('numbers'), { childList: true }); }"
    )
    page.click("#play")
    page.wait_for_timeout(2000)
    counts = []
    for _ in range(6):
        counts.append(page.evaluate("window.frames"))
        page.wait_for_timeout(1000)
    assert max(np.diff(counts)) >= 10  # the best second: other tests share the processors


def test_the_policy_allows_the_pages_own_script_and_style_alone():
    page = render_lab()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
    assert "unsafe" not in policy
    assert policy.count("'sha256-") == 2
    assert "https:" not in page
    assert "http:" not in page
