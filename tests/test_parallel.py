"""Tasks run where a user's joblib backend takes them, and what comes out does not depend on it."""

import os
import signal
import threading

import joblib
import numpy as np
import pandas as pd
import pytest

import onehalf as oh
from onehalf._parallel import run_tasks
from onehalf.players.trees.chain import Chain
from onehalf.players.trees.scales import ColumnFacts
from onehalf.runs.checkpoint import _to_arrays


def make_table(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    a = rng.normal(size=n).round(2)
    return pd.DataFrame({"a": a, "b": rng.integers(0, 5, n), "c": np.where(a > 0, "x", "y")})


def fit_chain() -> dict[str, np.ndarray]:
    cells = np.random.default_rng(0).integers(0, 4, (200, 3)).astype(np.float64)
    facts = [ColumnFacts(is_word=True), ColumnFacts(is_word=True), ColumnFacts(is_word=False)]
    return Chain.fit(cells, facts, floor=10, seed=0).to_arrays()


def assert_same_arrays(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert list(one) == list(other)
    for name in one:
        assert one[name].dtype == other[name].dtype
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_results_come_in_the_order_of_the_tasks_from_any_backend():
    tasks = [lambda place=place: (place, os.getpid()) for place in range(6)]
    with joblib.parallel_config(backend="loky", n_jobs=2):
        done = list(run_tasks(tasks))
    assert [place for place, _ in done] == list(range(6))
    assert os.getpid() not in {pid for _, pid in done}


def test_a_task_runs_only_when_asked_for_where_nothing_is_set():
    ran = []
    results = run_tasks([lambda: ran.append(1), lambda: ran.append(2)])
    next(results)
    assert ran == [1]


@pytest.mark.parametrize(
    "backend", ["sequential", "threading", pytest.param("loky", marks=pytest.mark.slow)]
)
def test_a_chain_is_the_same_on_every_backend(backend):
    base = fit_chain()
    with joblib.parallel_config(backend=backend, n_jobs=2):
        assert_same_arrays(fit_chain(), base)


@pytest.fixture(scope="module")
def cluster():
    """A cluster of two worker processes, and a client of it."""
    import distributed

    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def fit_trees() -> tuple[dict[str, np.ndarray], str]:
    """All arrays of a fit of two seeds with its evaluations, and its certificate without the time it took."""
    gan = oh.GAN(players="trees", rounds=2, seeds=2, random_state=0).fit(make_table(400))
    certificate = gan.certificate_.to_dict() | {"seconds": None}
    return _to_arrays(gan.fit_), str(certificate)


@pytest.fixture(scope="module")
def base():
    return fit_trees()


@pytest.mark.slow
def test_a_fit_on_a_cluster_is_that_on_one_core(cluster, base):
    with joblib.parallel_config(backend="dask"):
        arrays, certificate = fit_trees()
        assert os.getpid() not in set(run_tasks([os.getpid] * 4))
    assert_same_arrays(arrays, base[0])
    assert certificate == base[1]


@pytest.mark.slow
def test_a_worker_that_dies_changes_nothing(cluster, base):
    stopped = threading.Event()
    killed = []

    def kill_a_busy_worker() -> None:
        pids = cluster.run(os.getpid)
        while not stopped.wait(0.05):
            for address, tasks in cluster.processing().items():
                if tasks and not killed:
                    os.kill(pids[address], signal.SIGKILL)
                    killed.append(pids[address])

    killer = threading.Thread(target=kill_a_busy_worker)
    killer.start()
    try:
        with joblib.parallel_config(backend="dask"):
            arrays, certificate = fit_trees()
    finally:
        stopped.set()
        killer.join()
    assert killed
    assert_same_arrays(arrays, base[0])
    assert certificate == base[1]


@pytest.mark.slow
def test_a_measurement_on_a_cluster_is_that_on_one_core(cluster):
    rng = np.random.default_rng(0)
    real, other = rng.normal(size=(600, 2)), rng.normal(size=(600, 2))
    base = oh.measure(real=real, other=other).to_dict()
    with joblib.parallel_config(backend="dask"):
        found = oh.measure(real=real, other=other).to_dict()
    assert str(found | {"seconds": None}) == str(base | {"seconds": None})
