"""Several devices and processes play the same game as one: the same rows, the same players, one run on disk."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from helpers import assert_refused, run_cli
from onehalf import runs
from onehalf.runs.checkpoint import _to_arrays

COMMON = ("--batch", "24", "--seed", "0", "--no-evaluation")
"""Options of all fits here; 24 rows are shared out among 1, 2, 3 or 4 devices."""

SAME_GAME = """
import equinox as eqx, jax, jax.numpy as jnp, jax.random as jr, numpy as np
import onehalf as oh
from onehalf import training
from onehalf.distributions.base import Latent
from onehalf.distributions.empirical import Empirical
from onehalf.distributions.sharded import replicate
from onehalf.nets.mlp import MLP
game = oh.Game(Empirical(jr.normal(jr.key(5), (301, 2))), Latent(normal=3), m=24)
D = MLP(jr.key(1), (2,), (), width=8, depth=1)
G = MLP(jr.key(2), (3,), (2,), width=8, depth=1)
state = oh.init(game, D, G)
sharded = training.shard_batches(game)
key, placed = replicate((jr.key(0), state), sharded.p_data.mesh)
scan = training._rounds.lower((key, sharded), placed, 50).compile()
one = oh.train(jr.key(0), game, state, 50, every=50)
two, _ = scan((key, sharded), placed, 50)
for a, b in zip(*(jax.tree.leaves(eqx.filter(each, eqx.is_array)) for each in (one, two)), strict=True):
    assert b.sharding.is_fully_replicated and len(b.sharding.device_set) == len(jax.devices()) > 1
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-5, atol=1e-6)
text = scan.compiled.as_text()
assert " all-reduce(" in text and "all-gather" not in text and "all-to-all" not in text
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


def test_two_devices_play_the_game_of_one_and_exchange_gradients_alone():
    flags = "--xla_force_host_platform_device_count=2"
    done = subprocess.run(
        [sys.executable, "-c", SAME_GAME],
        env=environment(XLA_FLAGS=flags),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("program", [SAME_GAME, SAME_SEEDS], ids=["game", "seeds"])
def test_several_processes_play_what_one_plays(program, count):
    # on a busy machine a process may be silent for long
    join = (
        "import jax; jax.distributed.initialize('{}', {}, {}, heartbeat_timeout_seconds=600)\n"
    )
    address = free_address()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", join.format(address, count, number) + program],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(count)
    ]
    for code, _, errors in wait_for(processes):
        assert code == 0, errors


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


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("distributed")
    rng = np.random.default_rng(0)
    np.save(folder / "x.npy", rng.normal(size=(400, 2)))
    np.save(folder / "other.npy", rng.normal(size=(400, 2)))
    return folder


def start(folder: Path, name: str, *words: str, **more: str) -> subprocess.Popen[str]:
    # trees have no minibatches
    common = COMMON if name.endswith(".npy") else COMMON[2:]
    command = [sys.executable, "-m", "onehalf", "fit", name, *common, *words]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_together(folder: Path, names: list[str], *words: str) -> list[subprocess.Popen[str]]:
    """Start a process for each of these files, all at one fit."""
    count = str(len(names))
    given = ("--distributed", "--coordinator", free_address(), "--processes", count)
    return [
        start(folder, name, *words, *given, "--process", str(number))
        for number, name in enumerate(names)
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
    """The exit code, the output and the errors of each."""
    ended = []
    for process in processes:
        out, errors = process.communicate(timeout=600)
        ended.append((process.returncode, out, errors))
    return ended


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
    return start_together(folder, ["x.npy"] * 2, *words)


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
    ended = wait_for(start_together(folder, ["x.npy"] * 2, *words, "--out", "four-by-two"))
    assert {code for code, _, _ in ended} == {0}, ended
    assert_same_players(folder / "four-by-one", folder / "four-by-two", 1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("killed", [0, 1])
def test_when_one_is_killed_the_others_end_and_the_run_resumes(folder, killed):
    out = f"killed-{killed}"
    words = ("--rounds", "100000", "--out", out)
    processes = start_together(folder, ["x.npy"] * 2, *words)
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
    resumed = start_together(folder, ["x.npy"] * 3, *words)
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
def test_processes_with_other_data_all_say_so(folder):
    processes = start_together(
        folder, ["x.npy", "other.npy"], "--rounds", "50", "--out", "differ"
    )
    for code, _, errors in wait_for(processes):
        assert code == 2
        assert "hash of the data: expected the same on all processes" in errors
    assert not (folder / "differ").exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1])
def test_a_process_that_stays_alone_says_so(folder, number):
    given = ("--distributed", "--coordinator", free_address(), "--processes", "2")
    process = start(folder, "x.npy", *given, "--process", str(number), "--join-timeout", "2")
    ((code, _, errors),) = wait_for([process])
    assert code == 2
    assert "expected 2 processes within 2 s" in errors


@pytest.mark.slow
def test_trees_are_refused(folder):
    (folder / "x.csv").write_text("a,b\n" + "\n".join(f"{i % 7},{i % 3}" for i in range(300)))
    words = ("--players", "trees", "--rounds", "1", "--out", "trees")
    for code, _, errors in wait_for(start_together(folder, ["x.csv"] * 2, *words)):
        assert code == 2, errors
        assert "--distributed: expected players that are networks" in errors
