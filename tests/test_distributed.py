"""Several devices and processes play the same game as one: the same rows, the same players, one run on disk."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import equinox as eqx
import jax
import numpy as np
import pyarrow as pa
import pytest

from helpers import assert_refused, run_cli
from onehalf import fitting, runs
from onehalf.data.dataset import from_objects
from onehalf.domains import infer_domain
from onehalf.hyperparameters import FitOptions
from onehalf.runs import together
from onehalf.runs.checkpoint import _to_arrays

COMMON = ("--batch", "24", "--seed", "0", "--no-evaluation")
"""Options of all fits here; 24 rows are shared out among 1, 2, 3 or 4 devices."""

PATIENCE = 3600
"""Seconds after which a process is ended: a busy machine is no fault, but a test that never ends is one."""

PROGRAM = ("-m", "onehalf")

APART = (
    "-c",
    "from onehalf.distributions import sharded; sharded.MOST_WHOLE = 0; "
    "from onehalf.cli import main; main()",
)
"""The same command, which shares out rows however few there are."""

SAME_GAME = """
import dataclasses, sys
import equinox as eqx, jax, jax.numpy as jnp, jax.random as jr, numpy as np
import onehalf as oh
from onehalf import training
from onehalf.distributions import sharded
from onehalf.distributions.base import Latent
from onehalf.distributions.conditional import Conditional, ConditionalLatent
from onehalf.distributions.empirical import Empirical
from onehalf.nets.mlp import MLP
is_apart, epochs = "apart" in sys.argv, "epochs" in sys.argv
sharded.SENT = 999
if is_apart:
    sharded.MOST_WHOLE = 0
images = jr.randint(jr.key(5), (301, 2, 3), 0, 256).astype(jnp.uint8)
rows = Empirical(images, jnp.asarray(0.01), jnp.linspace(-1, 1, 256))
p_data = Conditional(rows, jr.randint(jr.key(6), (301, 1), 0, 3), (3,))
p_z = ConditionalLatent(Latent(normal=3), jnp.eye(3), jnp.ones(3) / 3)
game = oh.Game(p_data, p_z, m=24, epochs=epochs)
D = MLP(jr.key(1), (2, 3), (), width=8, depth=1, condition_size=3)
G = MLP(jr.key(2), (3,), (2, 3), width=8, depth=1, condition_size=3)
state = oh.init(game, D, G)
sent = p_data if jax.process_index() == 0 else p_data.map_rows(lambda rows: rows[:0])
shared = sharded.share_rows(sent, 301, sharded.make_mesh())
n = len(jax.devices())
held = {part.data.shape[0] for part in shared.inner.rows.x.addressable_shards}
assert held == {-(-301 // n) if is_apart else 301}, held
two_game = training.shard_batches(dataclasses.replace(game, p_data=shared))
key, placed = sharded.replicate((jr.key(0), state), shared.mesh)
scan = training._rounds.lower((key, two_game), placed, 50).compile()
one = oh.train(jr.key(0), game, state, 50, every=50)
two, _ = scan((key, two_game), placed, 50)
for a, b in zip(*(jax.tree.leaves(eqx.filter(each, eqx.is_array)) for each in (one, two)), strict=True):
    assert b.sharding.is_fully_replicated and len(b.sharding.device_set) == n > 1
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-5, atol=1e-6)
text = scan.compiled.as_text()
assert " all-reduce(" in text
assert not any(word in text for word in ("all-gather", "all-to-all", "collective-permute"))
rows_sent = [line for line in text.splitlines() if " all-reduce(" in line and "u8[24,2,3]" in line]
assert len(rows_sent) == is_apart, rows_sent
"""

SAME_SEEDS = """
import equinox as eqx, jax, numpy as np
from onehalf import fitting
from onehalf.data.dataset import from_objects
from onehalf.domains import infer_domain
from onehalf.hyperparameters import FitOptions
from onehalf.training import iterate
dataset = from_objects(np.random.default_rng(0).normal(size=(301, 2)))
options = FitOptions(seeds=4, m=23, width=8, rounds=50, rate_D=2e-4, rate_G=2e-4, random_state=0)
domain = infer_domain(dataset)
fit, data = fitting.start(domain, domain.encode(dataset), options.check())
((one, info),) = iterate(fit.recipe.keys("play"), data.players.game, fit.state, 50, every=50)
both, means = data.players.play(fit.state, 50)
for a, b in zip(*(jax.tree.leaves(eqx.filter(each, eqx.is_array)) for each in (one, both)), strict=True):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-4, atol=1e-5)
np.testing.assert_allclose(np.mean(info.V, axis=0), means["V"], rtol=1e-5)
"""


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu", **more}


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.mark.parametrize("words", [["whole"], ["apart", "epochs"]], ids=["whole", "apart"])
def test_two_devices_play_the_game_of_one_and_exchange_gradients_and_rows(words):
    flags = "--xla_force_host_platform_device_count=2"
    done = subprocess.run(
        [sys.executable, "-c", SAME_GAME, *words],
        env=environment(XLA_FLAGS=flags),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize(
    ("program", "words"),
    [(SAME_GAME, ["whole"]), (SAME_GAME, ["apart"]), (SAME_SEEDS, [])],
    ids=["game", "rows", "seeds"],
)
def test_several_processes_play_what_one_plays(program, words, count):
    # on a busy machine a process may be silent for long, and take minutes to import the package: JAX waits two of them
    # for the devices of the others, so these are exchanged before
    join = (
        "import jax; jax.distributed.initialize('{}', {}, {}, heartbeat_timeout_seconds=3600)\n"
        "jax.devices()\n"
    )
    address = free_address()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", join.format(address, count, number) + program, *words],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(count)
    ]
    assert_all_succeed(processes)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--processes", "2"), "--processes: expected --distributed beside it; got 2."),
        (
            ("--distributed", "--coordinator", "host"),
            "--coordinator: expected HOST:PORT; got host.",
        ),
        (
            ("--distributed", "--processes", "2", "--process", "2"),
            "--process: expected a number from 0 to 1; got 2.",
        ),
    ],
)
def test_options_that_do_not_go_together_are_refused_before_any_work(words, sentence):
    assert_refused(run_cli("fit", "ring", *words), sentence)


ROWS = {
    "points": (np.random.default_rng(0).normal(size=(60, 2)), (), {}),
    "labelled images": (
        (
            np.random.default_rng(0).integers(0, 256, (60, 5, 4), dtype=np.uint8),
            np.arange(60) % 3,
        ),
        ("kind",),
        {},
    ),
    "labelled table": (
        pa.table(
            {"a": [i % 7 * 1.5 for i in range(60)], "b": ["xyz"[i % 3] for i in range(60)]}
        ),
        ("b",),
        {"players": "neural"},
    ),
    "table with a rule": (
        pa.table({"a": [i % 7 for i in range(60)], "b": [i % 7 + i % 5 for i in range(60)]}),
        (),
        {"players": "neural", "constraints": "a <= b"},
    ),
}


@pytest.mark.parametrize(("values", "labels", "more"), ROWS.values(), ids=ROWS)
def test_a_process_without_data_knows_what_rows_it_will_be_sent(values, labels, more):
    dataset = from_objects(values)
    options = FitOptions(rounds=1, random_state=0, label=list(labels) or None, **more)
    domain = infer_domain(dataset, options.labels, constraints=options.chosen_constraints)
    fit, data = fitting.start(domain, domain.encode(dataset), options.check())
    other, count = together._unpack_fit(*together._pack_fit(fit, len(data.splits.train)))
    assert count == len(data.splits.train)
    sent, awaited = data.players.game, other.players.game
    rows = []
    sent.p_data.map_rows(lambda each: rows.append(id(each)) or each)
    leaves, others = (
        jax.tree.leaves(eqx.filter(game, eqx.is_array)) for game in (sent, awaited)
    )
    assert jax.tree.structure(awaited.p_data) == jax.tree.structure(sent.p_data)
    for one, two in zip(leaves, others, strict=True):
        assert one.dtype == two.dtype
        if id(one) in rows:
            assert two.shape == (0, *one.shape[1:])
        else:
            np.testing.assert_array_equal(one, two)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("distributed")
    rng = np.random.default_rng(0)
    np.save(folder / "x.npy", rng.normal(size=(400, 2)))
    np.save(folder / "images.npy", rng.integers(0, 256, (400, 5, 4), dtype=np.uint8))
    return folder


def start(
    folder: Path, name: str, *words: str, program: Sequence[str] = PROGRAM, **more: str
) -> subprocess.Popen[str]:
    # trees have no minibatches, and a recipe has its own
    common = COMMON if {"trees", "--recipe"}.isdisjoint(words) else COMMON[2:]
    return subprocess.Popen(
        [sys.executable, *program, "fit", name, *common, *words],
        cwd=folder,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_together(
    folder: Path, name: str, count: int, *words: str, program: Sequence[str] = PROGRAM
) -> list[subprocess.Popen[str]]:
    """Start processes at one fit; only process 0 can read the file."""
    given = ("--distributed", "--coordinator", free_address(), "--processes", str(count))
    return [
        start(folder, file, *words, *given, "--process", str(number), program=program)
        for number, file in enumerate([name, *["elsewhere.npy"] * (count - 1)])
    ]


def start_by_slurm(folder: Path, count: int, *words: str) -> list[subprocess.Popen[str]]:
    """Start processes with the variables that Slurm sets, on this machine."""
    job = {"SLURM_JOB_ID": str(os.getpid()), "SLURM_STEP_NODELIST": "localhost"}
    job["SLURM_NTASKS"] = str(count)
    return [
        start(
            folder,
            "x.npy",
            *words,
            "--distributed",
            **job,
            SLURM_PROCID=str(number),
            SLURM_LOCALID=str(number),
        )
        for number in range(count)
    ]


def assert_all_alive(processes: list[subprocess.Popen[str]]) -> None:
    time.sleep(0.2)
    assert all(process.poll() is None for process in processes)


def wait_for(processes: list[subprocess.Popen[str]]) -> list[tuple[int, str, str]]:
    """The exit code, the output and the errors of each; all are read at once, so that none waits for a full pipe."""
    with ThreadPoolExecutor(len(processes)) as pool:
        return list(pool.map(read_to_end, processes))


def read_to_end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        out, errors = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        out, errors = process.communicate()
    return process.returncode, out, errors


def assert_all_succeed(processes: list[subprocess.Popen[str]]) -> None:
    """What one process says of its end may be the fault of another: show all."""
    ended = wait_for(processes)
    said = [
        f"process {number}, exit code {code}:\n{errors}"
        for number, (code, _, errors) in enumerate(ended)
    ]
    assert not any(code for code, _, _ in ended), "\n".join(said)


@pytest.fixture(scope="module")
def alone(folder) -> Path:
    """A run of two rounds by one process."""
    ((code, _, errors),) = wait_for(
        [start(folder, "x.npy", "--rounds", "2", "--out", "alone", "--keep-test", "a.npy")]
    )
    assert code == 0, errors
    return folder / "alone"


def assert_same_players(one: Path, other: Path, tolerance: float) -> None:
    one_fit, other_fit = runs.load(one), runs.load(other)
    assert one_fit.rounds == other_fit.rounds
    assert one_fit.data_hash == other_fit.data_hash
    arrays, others = _to_arrays(one_fit), _to_arrays(other_fit)
    assert list(arrays) == list(others)
    for name in arrays:
        np.testing.assert_allclose(
            arrays[name], others[name], rtol=tolerance, atol=tolerance, err_msg=name
        )


def start_two(folder: Path, *words: str) -> list[subprocess.Popen[str]]:
    return start_together(folder, "x.npy", 2, *words)


def start_four_by_slurm(folder: Path, *words: str) -> list[subprocess.Popen[str]]:
    return start_by_slurm(folder, 4, *words)


@pytest.mark.slow
@pytest.mark.parametrize("start_all", [start_two, start_four_by_slurm])
def test_several_processes_fit_what_one_does(folder, alone, start_all):
    out, kept = start_all.__name__, f"{start_all.__name__}.npy"
    words = ("--rounds", "2", "--out", out, "--keep-test", kept, "--json")
    ended = wait_for(start_all(folder, *words))
    assert {code for code, _, _ in ended} == {0}, ended
    assert ended[0][1].startswith('{"run"')
    assert {out for _, out, _ in ended[1:]} == {""}
    assert_same_players(alone, folder / out, 1e-5)
    assert (folder / kept).read_bytes() == (folder / "a.npy").read_bytes()


@pytest.mark.slow
def test_seeds_are_shared_out_among_processes(folder):
    # 23 rows can't be cut into equal parts: each minibatch stays on one process
    words = ("--rounds", "2", "--seeds", "4", "--batch", "23")
    ((code, _, errors),) = wait_for([start(folder, "x.npy", *words, "--out", "four-by-one")])
    assert code == 0, errors
    ended = wait_for(start_together(folder, "x.npy", 2, *words, "--out", "four-by-two"))
    assert {code for code, _, _ in ended} == {0}, ended
    assert_same_players(folder / "four-by-one", folder / "four-by-two", 1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("data", ["images.npy", "table.csv"])
def test_rows_that_are_shared_out_give_the_same_players(folder, data):
    lines = (f"{i % 7 * 1.5},{'abc'[i % 3]},{i * 37 % 101}" for i in range(400))
    (folder / "table.csv").write_text("\n".join(["a,b,c", *lines, ""]))
    words = ("--rounds", "2", "--players", "neural")
    ((code, _, errors),) = wait_for([start(folder, data, *words, "--out", f"{data}-1")])
    assert code == 0, errors
    together = start_together(folder, data, 2, *words, "--out", f"{data}-2", program=APART)
    ended = wait_for(together)
    assert {code for code, _, _ in ended} == {0}, ended
    assert "Each of the 2 devices holds a part of the training rows" in ended[0][2]
    assert_same_players(folder / f"{data}-1", folder / f"{data}-2", 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("killed", [0, 1])
def test_when_one_is_killed_the_others_end_and_the_run_resumes(folder, killed):
    out = f"killed-{killed}"
    words = ("--rounds", "100000", "--out", out)
    processes = start_together(folder, "x.npy", 2, *words)
    history = folder / out / "rows.jsonl"
    while not history.exists():
        assert_all_alive(processes)
    processes[killed].send_signal(signal.SIGKILL)
    survivor = processes[1 - killed]
    # 30 s is what docs promise of an idle machine
    _, errors = survivor.communicate(timeout=120)
    assert survivor.returncode == 3, errors
    assert "another process of this fit has ended" in errors
    wait_for([processes[killed]])
    t = runs.load(folder / out).rounds
    assert t >= 100
    # the rates fall with the number of rounds, so a run that ends sooner has others: refused
    ((code, _, errors),) = wait_for([start(folder, "x.npy", "--rounds", "50", "--out", out)])
    assert code == 2, errors
    resumed = start_together(folder, "x.npy", 3, *words)
    before = history.stat().st_mtime_ns
    while history.stat().st_mtime_ns == before:
        assert_all_alive(resumed)
    resumed[0].send_signal(signal.SIGTERM)
    ended = wait_for(resumed)
    assert ended[0][0] == 143, ended
    # they are let go, or find in the middle of a round that process 0 has gone
    assert {code for code, _, _ in ended[1:]} <= {0, 3}, ended
    assert runs.load(folder / out).rounds > t


@pytest.mark.slow
def test_processes_with_other_options_all_say_so(folder):
    given = ("--distributed", "--coordinator", free_address(), "--processes", "2")
    processes = [
        start(
            folder, "x.npy", "--out", "differ", *given, "--process", number, "--rounds", rounds
        )
        for number, rounds in [("0", "50"), ("1", "60")]
    ]
    for code, _, errors in wait_for(processes):
        assert code == 2
        assert "rounds: expected the same on all processes; got 50 on process 0" in errors
    assert not (folder / "differ" / "recipe.json").exists()


@pytest.mark.slow
def test_data_that_process_0_refuses_are_refused_by_all(folder):
    for code, _, errors in wait_for(start_together(folder, "missing.npy", 2, "--rounds", "2")):
        assert code == 2
        assert "missing.npy: expected a file; got nothing there" in errors


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1])
def test_a_process_that_stays_alone_says_so(folder, number):
    given = ("--distributed", "--coordinator", free_address(), "--processes", "2")
    process = start(folder, "x.npy", *given, "--process", str(number), "--join-timeout", "2")
    ((code, _, errors),) = wait_for([process])
    assert code == 2
    assert "expected 2 processes within 2 s" in errors


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "words", "sentence"),
    [
        ("x.csv", ("--players", "trees"), "--distributed: expected players that are networks"),
        (
            "images.npy",
            ("--recipe", "mnist-2014"),
            "--distributed: expected a fit without --recipe; got --recipe mnist-2014.",
        ),
    ],
)
def test_trees_and_preset_recipes_are_refused(folder, data, words, sentence):
    (folder / "x.csv").write_text("a,b\n" + "\n".join(f"{i % 7},{i % 3}" for i in range(300)))
    words = (*words, "--rounds", "1", "--out", f"refused-{data}")
    for code, _, errors in wait_for(start_together(folder, data, 2, *words)):
        assert code == 2, errors
        assert sentence in errors
