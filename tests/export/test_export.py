"""Model files: an ONNX runtime alone gives the rows that the model gives for the same noise."""

import dataclasses
import hashlib
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pandas as pd
import pytest
from jax import export as jax_export

from exporting import (
    KEY,
    PEOPLE,
    RNG,
    ROWS,
    draw_latents,
    make_feed,
    make_model,
    make_models,
    plain,
    run,
)
from killing import Killed, Killer
from onehalf import Refusal
from onehalf.export import describe_path
from onehalf.export.graph import Graph
from onehalf.export.networks import add_network
from onehalf.export.search import Steps
from onehalf.model import GenerativeModel
from onehalf.model.batches import draw_batch
from onehalf.nets import MLP, ConvolutionalG
from onehalf.nets.bounded import Bounded
from onehalf.nets.mlp import ACTIVATIONS
from onehalf.runs import Stopped, StopSignals

ROOT = Path(__file__).parents[2]

RUNTIME = """
import sys
import numpy as np
import onnxruntime

for name in sys.argv[1:]:
    given = np.load(f"{name}.given.npz")
    feed = {key: each.astype(object) if each.dtype.kind == "U" else each for key, each in given.items()}
    session = onnxruntime.InferenceSession(f"{name}.onnx")
    outputs = [output.name for output in session.get_outputs()]
    found = {key: each.astype(str) if each.dtype == object else each
             for key, each in zip(outputs, session.run(outputs, feed))}
    np.savez(f"{name}.found.npz", **found)
assert not {"jax", "onehalf"} & set(sys.modules)
"""
"""A program that has no part of this package."""


class Case(NamedTuple):
    """A model, what its file was given, and what the file and the model gave."""

    model: GenerativeModel
    description: Any
    found: dict[str, np.ndarray]
    rows: Any


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    made = {}
    for name, model in make_models().items():
        description = model.export(folder / f"{name}.onnx")
        drawn = draw_batch(model.p_g, KEY, ROWS)
        rows = model.domain.decode(model.preprocessor.inverse_transform(drawn))
        feed = make_feed(description, draw_latents(model.p_g, KEY), rows, drawn.x)
        np.savez(folder / f"{name}.given.npz", **feed)
        made[name] = (model, description, rows)
    paths = [str(folder / name) for name in made]
    subprocess.run([sys.executable, "-c", RUNTIME, *paths], check=True)
    return {
        name: Case(model, description, dict(np.load(folder / f"{name}.found.npz")), rows)
        for name, (model, description, rows) in made.items()
    }


@pytest.mark.parametrize("name", ["points", "words", "images", "people"])
def test_a_runtime_alone_gives_the_rows_of_the_model(cases, name):
    case = cases[name]
    assert len(case.found) == len(case.description.columns)
    for column in case.description.columns:
        found, expected = case.found[column.output], plain(case.rows, column)
        assert found.shape == expected.shape
        assert found.dtype.kind == expected.dtype.kind
        if column.type == "string":
            assert (found == expected).all(), column.name
            continue
        found, expected = found.astype(float), expected.astype(float)
        is_same = np.isclose(found, expected, rtol=1e-5, atol=1e-5, equal_nan=True)
        # where a float lies half-way between two whole numbers, its last digit decides
        assert is_same.mean() > 0.99, column.name
        assert is_same.all() or np.nanmax(np.abs(found - expected)) <= 1, column.name


def test_trees_give_the_same_rows_to_the_last_bit(cases):
    case = cases["trees"]
    net: Any = case.model.p_g.G
    assert len(net.tilts) == 2
    assert net.draws > 1.5
    for column in case.description.columns:
        assert np.array_equal(*_comparable(case, column)), column.name
    (noise,) = case.description.noise
    assert (noise.law, noise.size) == ("unit", 3)
    assert not case.description.is_corrected


def _comparable(case: Case, column: Any) -> list[np.ndarray]:
    """The values of the file and of the model; NaN as a number."""
    pair = (case.found[column.output], plain(case.rows, column))
    return [each if column.type == "string" else np.nan_to_num(each, nan=-1e9) for each in pair]


def test_samples_with_a_seed_are_those_of_their_noise(cases, tmp_path):
    model = cases["points"].model
    model.export(tmp_path / "points.onnx")
    latents = draw_latents(model.p_g, jr.fold_in(KEY, 0))  # the key of the first batch
    found = run(tmp_path / "points.onnx", z=np.asarray(latents.x))
    assert np.allclose(found["x"], model.draw(KEY, ROWS).x, rtol=1e-5, atol=1e-5)


def test_a_label_that_the_graph_does_not_know_is_an_error_of_the_runtime(
    cases, tmp_path, capfd
):
    case = cases["words"]
    case.model.export(tmp_path / "words.onnx")
    z = np.zeros((1, *case.model.p_g.p_z.shape), np.float32)
    assert run(tmp_path / "words.onnx", z=z, **{"given.kind": np.array(["é"], object)})[
        "y"
    ] == ["é"]
    with pytest.raises(Exception, match="out of data bounds"):
        run(tmp_path / "words.onnx", z=z, **{"given.kind": np.array(["ä"], object)})
    capfd.readouterr()  # what the runtime says


def test_the_description_says_all_that_a_program_needs(cases):
    about = json.loads(json.dumps(cases["people"].description.to_dict()))
    ends = [part["start"] + part["size"] for part in about["noise"]]
    assert [part["start"] for part in about["noise"]] == [0, *ends[:-1]]
    (z, *_) = about["inputs"]
    assert z["shape"] == ["n", ends[-1]]
    assert [column["name"] for column in about["columns"]] == list(PEOPLE)
    columns = {column["name"]: column for column in about["columns"]}
    assert columns["z"]["output"] == "_z"  # z is the noise
    assert columns["grade"]["values"] == ["bad", "good"]
    assert columns["sex"]["missing"] == ""
    assert columns["seen"]["unit"] == "nanoseconds" or columns["seen"]["unit"] == "microseconds"
    assert {label["name"]: label["values"] for label in about["labels"]} == {
        "sex": ["F", "M", ""],
        "size": [14, 15, 17],
    }
    assert sum(each["share"] for each in about["label_shares"]) == pytest.approx(1)


@pytest.mark.parametrize("name", ["images", "words"])
def test_stablehlo_gives_the_same_arrays(cases, name, tmp_path):
    case = cases[name]
    path = tmp_path / f"{name}.stablehlo"
    about = case.model.export(path)
    assert json.loads(describe_path(path).read_text())["format"] == "stablehlo"
    arguments = [np.asarray(draw_latents(case.model.p_g, KEY).x)]
    for label in about.labels:
        arguments.append(np.searchsorted(label.values, case.rows.y).astype(np.int32))
    found = jax_export.deserialize(bytearray(path.read_bytes())).call(*arguments)["x"]
    expected = case.rows.x if name == "words" else case.rows
    assert found.dtype == expected.dtype
    difference = np.abs(np.asarray(found).astype(float) - expected.astype(float))
    assert (difference > 1e-5).mean() < 1e-3


NETS = {
    **{name: MLP(KEY, (3,), (2,), width=5, activation=name) for name in ACTIVATIONS},
    "waves": MLP(KEY, (3,), (), width=5, features=4, condition_size=2),
    "image": MLP(KEY, (3,), (4, 5), width=5),
    "grey": ConvolutionalG(KEY, (3,), (9, 11), width=2, condition_size=2),
    "half": ConvolutionalG(KEY, (3,), (8, 8, 3), width=2, half=True),
    "bounded": Bounded(MLP(KEY, (3,), (2,), width=5), -jnp.ones(2), jnp.ones(2), jnp.zeros(2)),
}


@pytest.mark.parametrize("name", NETS)
def test_a_graph_computes_what_the_network_computes(name, tmp_path):
    net = NETS[name]
    z, c = (RNG.normal(size=(7, size)).astype(np.float32) for size in (3, net.condition_size))
    graph = Graph()
    given = graph.add_input("c", "float32", ("n", 2)) if net.condition_size else None
    y = add_network(net, graph, graph.add_input("z", "float32", ("n", 3)), given)
    graph.add_output("y", y, "float32", ("n", *net.out_shape))
    found = run(graph.to_bytes(), z=z, **({"c": c} if given else {}))["y"]
    expected = jax.jit(lambda z, c: jax.vmap(net)(z, c))(z, c)
    assert np.allclose(found, expected, rtol=1e-4, atol=3e-2 if name == "half" else 1e-5)


@pytest.mark.parametrize("numbers", [[], [0.5], [-1.0, 0.0, 0.5, 0.5, 2.0, 3.0, 4.0]])
def test_a_place_among_numbers_is_that_of_numpy(numbers):
    table = np.array(numbers, float)
    graph = Graph()
    x = graph.add_input("x", "float64", ("n", 1))
    graph.add_output("place", Steps([table]).search(graph, x), "int64", ("n", 1))
    asked = np.concatenate([table, table + 0.1, [-9.0, 9.0]])
    found = run(graph.to_bytes(), x=asked[:, None])["place"][:, 0]
    assert (found == np.searchsorted(table, asked, side="right")).all()


def test_a_model_that_is_too_large_for_the_format_is_refused(cases, tmp_path, monkeypatch):
    monkeypatch.setattr("onehalf.export.graph.MOST_BYTES", 100)
    with pytest.raises(Refusal, match="as ONNX has no larger ones; got"):
        cases["trees"].model.export(tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_a_network_of_another_kind_is_refused():
    class Other:
        pass

    with pytest.raises(
        Refusal, match="expected a generator of the package's networks; got Other"
    ):
        add_network(Other(), Graph(), "z", None)


@pytest.mark.parametrize(
    ("package", "suffix"), [("onnx", "onnx"), ("flatbuffers", "stablehlo")]
)
def test_a_missing_package_is_one_sentence(cases, tmp_path, monkeypatch, package, suffix):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        Refusal, match=rf"expected the package {package}; .* 'onehalf\[export\]'"
    ):
        cases["points"].model.export(tmp_path / f"m.{suffix}")
    assert not list(tmp_path.iterdir())


def export_until(killer, model, path, left):
    """Export, and stop from one file operation on; whether it came to that."""
    killer.folder, killer.left = path.parent, left
    try:
        model.export(path)
    except (Killed, Stopped):
        return True
    finally:
        killer.left = None
    return False


@pytest.mark.filterwarnings(
    "ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning"
)
def test_an_export_that_is_killed_at_any_file_operation_is_made_by_the_next_one(
    cases, tmp_path, monkeypatch
):
    model = cases["points"].model
    model.export(tmp_path / "m.onnx")
    expected = [path.read_bytes() for path in list_exported(tmp_path)]
    killer = Killer(monkeypatch)
    n = 0
    while export_until(killer, model, tmp_path / f"{n}" / "m.onnx", n):
        path = tmp_path / f"{n}" / "m.onnx"
        if path.exists():
            with pytest.raises(Refusal, match=r"m.onnx: expected a new file"):
                model.export(path)
        else:
            model.export(path)
        assert [each.read_bytes() for each in list_exported(path.parent)] == expected, n
        n += 1
    assert n > 10


@pytest.mark.parametrize("times", [1, 2])
def test_an_export_that_is_interrupted_leaves_both_files_or_none(
    cases, tmp_path, monkeypatch, times
):
    model = cases["points"].model
    killer = Killer(
        monkeypatch, lambda number: number <= times and signal.raise_signal(signal.SIGINT)
    )
    before = signal.getsignal(signal.SIGINT)
    n = 0
    counts = []
    is_stopped = True
    while is_stopped:
        # a stop before may have ignored it, and so may who started the tests
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with StopSignals():
            is_stopped = export_until(killer, model, tmp_path / f"{n}" / "m.onnx", n)
        counts.append(len(list((tmp_path / f"{n}").glob("*"))))
        n += 1
    signal.signal(signal.SIGINT, before)
    assert set(counts) == {0, 2}
    assert n > 10


def list_exported(folder):
    """The description and the model of an export, which has left nothing else."""
    files = sorted(folder.iterdir(), reverse=True)
    files = [path for path in files if not path.is_dir()]
    assert [path.name for path in files] == ["m.onnx.json", "m.onnx"]
    sha256 = json.loads(files[0].read_bytes())["sha256"]
    assert sha256 == hashlib.sha256(files[1].read_bytes()).hexdigest()
    return files


@pytest.mark.parametrize(
    "text", ["mine", "[]", '{"file": "other.onnx", "sha256": ""}', "[" * 99999]
)
def test_a_lone_file_beside_is_written_over_only_if_an_export_left_it(cases, tmp_path, text):
    describe_path(tmp_path / "m.onnx").write_text(text)
    with pytest.raises(Refusal, match=r"m.onnx.json: expected a new file; got one that exists"):
        cases["points"].model.export(tmp_path / "m.onnx")
    assert describe_path(tmp_path / "m.onnx").read_text() == text


def test_samples_with_rules_and_tables_for_stablehlo_are_refused(cases, tmp_path):
    low = np.arange(ROWS) % 50
    table = pd.DataFrame({"low": low, "high": low + RNG.integers(1, 9, ROWS)})
    model = make_model(table, constraints="low < high")
    with pytest.raises(
        Refusal, match=r"expected a fit without rules; got one with 'low < high'"
    ):
        model.export(tmp_path / "m.onnx")
    with pytest.raises(Refusal, match=r"expected a .onnx file for a table"):
        cases["people"].model.export(tmp_path / "m.stablehlo")
    assert not list(tmp_path.iterdir())


def test_a_correction_by_D_is_left_out_and_said(cases, tmp_path):
    model = dataclasses.replace(cases["points"].model)
    object.__setattr__(model, "refinement", object())
    assert model.export(tmp_path / "m.onnx").is_corrected
    assert not cases["points"].description.is_corrected


def test_the_server_of_the_how_to_page_answers(cases, tmp_path):
    page = (ROOT / "docs" / "how-to" / "export.md").read_text(encoding="utf-8")
    code = page.split("<!-- server -->\n```python\n")[1].split("```")[0]
    cases["points"].model.export(tmp_path / "model.onnx")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", code, str(tmp_path / "model.onnx"), str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        try:
            answer = fetch(f"http://localhost:{port}/?n=3")
        finally:
            server.kill()
    assert np.shape(answer["x"]) == (3, 2)


def fetch(address: str) -> dict[str, Any]:
    """What a server answers that may not have started yet."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(address) as answer:
                return json.load(answer)
        except urllib.error.URLError:
            time.sleep(0.1)
    pytest.fail("no answer")
