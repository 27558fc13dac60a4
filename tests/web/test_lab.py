"""`onehalf lab`: the page, and the points of a file in it."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from onehalf._errors import Refusal
from onehalf.cli import app
from onehalf.web import read_points, render_lab
from onehalf.web.lab import MOST
from onehalf.web.modules import join_modules


@pytest.fixture
def write(tmp_path):
    def write_lines(*lines):
        file = tmp_path / "points.csv"
        file.write_text("\n".join(lines) + "\n")
        return str(file)

    return write_lines


def test_one_column_is_data_on_a_line(write):
    points = read_points(write("age", "1", "2", "4"))
    assert points.rows.tolist() == [[1], [2], [4]]
    assert points.note == "points.csv, column age; 3 rows."
    assert points.to_dict()["dim"] == 1


def test_the_first_two_columns_of_numbers_are_taken_and_incomplete_rows_left_out(write):
    points = read_points(write("name,a,b,c", "x,1,5,9", "y,2,,9", "z,3,8,9"))
    assert points.rows.tolist() == [[1, 5], [3, 8]]
    assert points.note == (
        "points.csv, columns a and b; 1 row without a number was left out; 2 rows."
    )


def test_the_page_gets_rows_of_mean_0_and_deviation_1_and_their_units(write):
    given = read_points(write("a,b", "10,1", "20,2", "60,6")).to_dict()
    scaled = np.reshape(given["points"], (3, 2))
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-4)
    restored = scaled * given["std"] + given["mean"]
    np.testing.assert_allclose(restored, [[10, 1], [20, 2], [60, 6]], atol=0.01)


def test_of_a_million_rows_a_sample_is_taken_and_said(tmp_path):
    file = tmp_path / "many.npy"
    np.save(file, np.random.default_rng(0).normal(size=(1_000_000, 2)))
    points = read_points(str(file))
    assert len(points.rows) == MOST
    assert "5,000 of 1,000,000 rows, drawn at random (seed 0)" in points.note
    assert len(render_lab(points)) < 1_500_000
    assert (read_points(str(file)).rows == points.rows).all()


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (
            ["a,b", "red,x", "blue,y"],
            "expected one or two columns of numbers; got words in a and",
        ),
        (["a", "1", "1"], "column a: expected numbers that differ; got 1 in each row"),
        (["a,b", "1,", ",2"], "expected at least 2 rows of finite numbers; got 0"),
    ],
)
def test_points_that_no_game_can_be_played_with(write, lines, sentence):
    with pytest.raises(Refusal, match=sentence):
        read_points(write(*lines))


def test_a_name_of_a_column_can_not_end_the_script(write):
    page = render_lab(read_points(write("</script><b>,b", "1,2", "3,5")))
    assert "</script><b>" not in page
    assert page.count("</script>") == 3


def test_the_script_of_the_page_leaves_no_import():
    script = join_modules("lab/lab.js")
    assert not any(line.startswith(("import ", "export ")) for line in script.splitlines())
    assert script.index("const game_losses =") < script.index("const game_theory =")


def test_the_command_writes_the_page_and_says_so(write, tmp_path):
    file = tmp_path / "pages" / "lab.html"
    points = write("a,b", "1,2", "3,5")
    words = ["lab", "-o", str(file), "--data", points, "--no-open", "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["bytes"] == len(file.read_bytes()) < 1_500_000
    assert found["data"] == "points.csv, columns a and b; 2 rows."
    assert "it needs no other file" in done.stderr


@pytest.mark.parametrize("words", [["-o", "lab.png"], ["--data", "missing.csv"]])
def test_the_command_refuses_before_it_writes(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["lab", "--no-open", *words])
    assert isinstance(done.exception, Refusal)
    assert list(tmp_path.iterdir()) == []
