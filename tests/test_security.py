"""No code in data, none on pages, none from files: what SECURITY.md promises."""

import ast
import base64
import hashlib
import html.parser
import re
from pathlib import Path

import matplotlib.figure
import pyarrow as pa
import pyarrow.parquet
import pytest

from helpers import run_cli
from onehalf.data.tables.schema import Schema
from onehalf.data.tables.writer import disarm_formulas, pack_table
from onehalf.report import page
from onehalf.sections.base import Bullets, Section, embed_svg

SOURCES = Path(__file__).parents[1] / "src" / "onehalf"

FORBIDDEN_NAMES = {"eval", "exec", "compile", "__import__"}
"""Functions that run text as code."""

FORBIDDEN_MODULES = {
    *("pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "yaml"),
    *("subprocess", "socket", "urllib", "http", "requests", "ctypes"),
}
"""Modules that read objects from bytes, start programs, or open connections."""

EXCEPTIONS = [("_watching.py", "subprocess"), ("parquet.py", "urllib"), ("server.py", "socket")]
"""`onehalf watch` listens on this machine, `fit --watch` starts it, and `urllib.parse` reads the names of folders."""

FORBIDDEN_CALLS = {
    ("os", "system"),
    ("os", "popen"),
    ("tempfile", "mktemp"),
    ("joblib", "load"),
}

CLOCKS = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow")}
"""Clocks that jump when a system's time is set; what takes time is measured by others."""

ATTACKS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</svg><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "{{7*7}}",
    "javascript:alert(1)",
    "a' onmouseover='alert(1)",
)
"""Names and words that try to become a part of a page."""

REACHES_OUT = re.compile(r"^(?!#|data:image/(png|webp);base64,)")
"""Addresses that are not inside of the page."""


def read_trees():
    """The syntax tree of each file of the package."""
    for path in sorted(SOURCES.rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def test_nothing_is_unpickled_evaluated_or_started():
    found = []
    for path, tree in read_trees():
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.Import):
                names = [each.name.partition(".")[0] for each in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [(node.module or "").partition(".")[0]]
            found += [(path.name, name) for name in names if name in FORBIDDEN_MODULES]
            if isinstance(node, ast.Call):
                found += [(path.name, name) for name in name_calls(node)]
    assert sorted(found) == EXCEPTIONS


def name_calls(node):
    """What a call does that no part of this package may do."""
    function = node.func
    if isinstance(function, ast.Name) and function.id in FORBIDDEN_NAMES:
        yield function.id
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        if (function.value.id, function.attr) in FORBIDDEN_CALLS:
            yield function.attr
        if function.value.id == "np" and function.attr in ("load", "save"):
            usual = ast.Constant(value=function.attr == "save")  # NumPy's default
            allowed = {each.arg: each.value for each in node.keywords}.get(
                "allow_pickle", usual
            )
            if not (isinstance(allowed, ast.Constant) and allowed.value is False):
                yield f"{function.attr} with allow_pickle"


def test_no_clock_is_read_that_jumps():
    for path, tree in read_trees():
        if path.match("views/state.py"):  # compares with the time of a file, to be shown
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert (node.value.id, node.attr) not in CLOCKS, path


def test_the_search_for_code_finds_it():
    for text in (
        "eval('1')",
        "np.save(f, x)",
        "np.load(f, allow_pickle=True)",
        "os.system('ls')",
    ):
        assert list(name_calls(ast.parse(text).body[0].value)), text


def find_policies(text):
    """The security policies of a page."""
    return re.findall(r'http-equiv="Content-Security-Policy"\s+content="([^"]+)"', text)


PAGES = sorted(set(SOURCES.rglob("*.jinja")) - set(SOURCES.rglob("web/*.jinja")))
"""Pages whose policy is written in the template; that of the lab is tested in tests/web."""


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_page_has_a_policy_that_allows_no_script_but_its_own(path):
    text = path.read_text(encoding="utf-8")
    (policy,) = find_policies(text)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    ]
    assert rules.get("script-src", "") == " ".join(hashes)


class Page(html.parser.HTMLParser):
    """What of a page would run or be fetched."""

    def __init__(self, text):
        super().__init__()
        self.harm = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag in ("script", "iframe", "object", "embed", "link", "base", "form"):
            self.harm.append(tag)
        for name, value in attributes:
            if name.startswith("on"):
                self.harm.append(name)
            if name in ("src", "href", "xlink:href") and REACHES_OUT.match(value or ""):
                self.harm.append(f"{name}={value}")


def test_the_search_for_harm_finds_it():
    assert Page(ATTACKS[0]).harm == ["script"]
    assert Page('<p a="' + ATTACKS[1]).harm == ["src=x", "onerror"]


def test_text_is_escaped_on_pages_and_figures():
    figure = matplotlib.figure.Figure()
    figure.subplots().set_title(ATTACKS[2])
    drawn = embed_svg(figure, ATTACKS[1])
    block = Bullets(list(ATTACKS))
    text = page._render(ATTACKS[0], [Section(ATTACKS[2], [block])]) + drawn
    assert Page(text).harm == []
    assert text.count("alert(1)") > len(ATTACKS)


@pytest.mark.slow
def test_names_and_words_never_become_a_part_of_a_page(tmp_path):
    words = [ATTACKS[row % len(ATTACKS)] for row in range(84)]
    for name, shift in (("real", 0), ("<script>alert(2)</script>", 3)):
        names = {
            attack: [(row * 7 + shift * row) % 11 / 2 for row in range(84)]
            for attack in ATTACKS[:3]
        }
        table = pa.table(names | {ATTACKS[3]: words[shift:] + words[:shift]})
        pa.parquet.write_table(table, tmp_path / f"{name.replace('/', '_')}.parquet")
    files = sorted(tmp_path.iterdir())
    out = tmp_path / "page.html"
    done = run_cli("measure", *files, "--html", out)
    assert done.code == 0, done.stderr
    text = out.read_text(encoding="utf-8")
    assert Page(text).harm == []
    assert len(find_policies(text)) == 1
    assert "alert(1)" in text


def test_safe_cells_are_words_to_a_spreadsheet():
    words = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx", "\uff1d1", "plain", None]
    table = pa.table({"=w": words, "n": [-1.5] * 8, "c": pa.array(words).dictionary_encode()})
    safe = disarm_formulas(table)
    expected = [f"'{word}" for word in words[:6]] + ["plain", None]
    assert safe.to_pydict() == {"'=w": expected, "n": [-1.5] * 8, "c": expected}
    assert pack_table(safe, ".csv").decode().startswith("'=w,n,c\n'=1+1,-1.5,'=1+1\n")


def test_formulas_are_warned_about_and_numbers_are_not():
    table = pa.table(
        {
            "a": ["=1+1", "b"] * 9,
            "b": ["-", "-5", "+49 151", "x"] * 4 + ["-- none --", "y"],
            "@c": ["u", "v"] * 9,
        }
    )
    warned = " ".join(Schema.infer(table).warnings)
    assert "'a' holds words that spreadsheets execute (the first: '=1+1' in row 1)." in warned
    assert "'@c' is a name that spreadsheets execute." in warned
    assert "'b' holds words that spreadsheets execute" not in warned


def test_safe_cells_are_for_text_files_only(tmp_path):
    done = run_cli("sample", tmp_path, "-o", "x.parquet", "--safe-cells")
    assert done.code == 2
    assert (
        "safe-cells: expected a name that ends in .csv or .tsv; got x.parquet." in done.stderr
    )
