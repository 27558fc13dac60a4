"""`onehalf watch` and `fit --watch` as a person calls them, in processes of their own."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from urllib.parse import urlsplit

import numpy as np
import pytest

from helpers import fit_cheaply, run_cli
from onehalf.cli._watching import open_watch


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    np.save(folder / "x.npy", np.random.default_rng(0).normal(size=(150, 6)))
    fit_cheaply(folder / "run", folder / "x.npy", rounds=100)
    return folder / "run"


def start(*words):
    command = [sys.executable, "-m", "onehalf", "watch", *map(str, words), "--json"]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )


def read(address, path=""):
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    connection.request("GET", parts.path + path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def test_the_address_is_printed_and_ctrl_c_ends_it_at_once(run):
    with start(run) as process:
        printed = json.loads(process.stdout.readline())
        assert printed["address"].startswith(f"http://127.0.0.1:{printed['port']}/")
        assert printed["runs"] == [str(run)]
        status, body = read(printed["address"], "run/0.json")
        assert (status, json.loads(body)["state"]) == (200, "finished")
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0
    assert stdout == ""
    assert stderr.splitlines() == [
        f"Watch: {printed['address']}",
        "Ctrl-C ends it; runs go on.",
        "The page has ended: `onehalf watch` was stopped.",
    ]


def test_a_port_in_use_is_a_sentence(run):
    with start(run) as process:
        port = json.loads(process.stdout.readline())["port"]
        done = run_cli("watch", run, "--port", port)
        process.terminate()
        process.communicate(timeout=60)
    assert done.code == 2
    assert done.stderr.startswith(f"onehalf: port {port}: expected a free port; got ")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda folder: folder / "none", "expected the folder of a run; got none"),
        (lambda folder: folder, "expected the folder of a run; got no recipe.json in it"),
        (lambda folder: folder / "x.txt", "expected the folder of a run"),
    ],
)
def test_what_is_no_run_is_refused(tmp_path, make, sentence):
    (tmp_path / "x.txt").write_text("x")
    done = run_cli("watch", make(tmp_path))
    assert done.code == 2
    assert sentence in done.stderr


def test_a_run_of_a_version_that_can_not_be_read_is_refused_by_its_name(run, tmp_path):
    recipe = json.loads((run / "recipe.json").read_text())
    del recipe["sha256"]
    recipe |= {"format": 1, "versions": {"onehalf": "0.0.3"}}
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    done = run_cli("watch", tmp_path)
    assert done.code == 2
    assert "got one written by onehalf 0.0.3" in done.stderr


@pytest.mark.parametrize("name", ["run/replay.html", "run/sub/replay.html"])
def test_a_replay_is_never_saved_into_a_run(run, name):
    before = sorted(run.iterdir())
    done = run_cli("watch", run, "--save", run.parent / name)
    assert done.code == 2
    assert f"expected a file outside of any run; got one in {run}" in done.stderr
    assert sorted(run.iterdir()) == before


def test_help_says_what_it_does():
    text = " ".join(run_cli("watch", "--help").stdout.split())
    assert "live while they train" in text
    assert "Nothing is ever written to a run" in text
    for option in ("--port", "--no-open", "--linger", "--json"):
        assert option in text
    assert "ssh -L" in text


def test_fit_opens_the_page_in_a_process_that_outlives_it(run, tmp_path, monkeypatch):
    seen = []
    popen = subprocess.Popen

    def remember(*words, **options):
        seen.append(popen(*words, **options))
        return seen[-1]

    monkeypatch.setattr("onehalf.cli._watching.subprocess.Popen", remember)
    words = ["--rounds", 100, "--no-evaluation", "--batch", 16]
    done = run_cli("fit", run.parent / "x.npy", "--out", tmp_path / "new", *words, "--watch")
    (process,) = seen
    try:
        assert done.code == 0, done.stderr
        address = done.stderr.split("Watch: ")[1].split()[0]
        assert process.poll() is None
        deadline = time.monotonic() + 60
        while json.loads(read(address, "run/0.json")[1])["state"] != "finished":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert os.getpgid(process.pid) != os.getpgid(0)
    finally:
        process.terminate()
        process.wait(20)


def test_a_page_that_can_not_be_opened_is_a_sentence(run, monkeypatch, capsys):
    monkeypatch.setattr("onehalf.cli._watching.sys.executable", "/bin/false")
    open_watch(run, is_opened=False)
    assert "The run can't be watched" in capsys.readouterr().err
