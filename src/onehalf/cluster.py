"""Several processes at one fit: they join, make sure that they do the same, and follow the first one.

Process 0, the leader, decides: how many rounds, at what rates, when to stop. It sends each order, and the state that it
starts from, to all others; they keep nothing in between. So clocks, evaluations and files are process 0's alone, and a
run may be continued by any number of processes.
"""

import itertools
import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp

from onehalf._errors import Refusal, refuse

__all__ = [
    "HEARTBEAT",
    "LostProcess",
    "broadcast",
    "choose_own",
    "compare",
    "gather",
    "is_joined",
    "is_leader",
    "join",
    "receive",
    "run_together",
    "send",
]

HEARTBEAT = 20
"""Seconds without a sign of life after which JAX takes a process for dead, and ends the others."""

POLL = 10_000
"""Milliseconds between looks for an order; nothing is lost in between."""

PATIENCE = 600_000
"""Milliseconds that processes wait for each other once they have joined."""

Tree = TypeVar("Tree")
Result = TypeVar("Result")


class LostProcess(RuntimeError):
    """Another process has ended, or can't be reached."""


_order_numbers = itertools.count()
"""The number of the next order, the same on all processes."""


def join(
    coordinator: str | None,
    processes: int | None,
    process: int | None,
    *,
    timeout: int,
) -> None:
    """Join the processes of a cluster, before JAX has computed anything; the process ends if that takes too long.

    Args:
        coordinator: HOST:PORT of process 0; None is what JAX finds of Slurm, Open MPI, Kubernetes or a TPU, as for the
            other two.
        processes: How many there are.
        process: The number of this one, from 0.
        timeout: Seconds after which the process ends with exit code 2.

    Raises:
        Refusal: There is no cluster that JAX knows.
    """
    # JAX would end the process by itself then, with a C++ stack trace
    timer = threading.Timer(timeout, _give_up, (coordinator, processes, process, timeout))
    timer.daemon = True
    timer.start()
    try:
        jax.distributed.initialize(
            coordinator,
            processes,
            process,
            initialization_timeout=2 * timeout,
            heartbeat_timeout_seconds=HEARTBEAT,
            shutdown_timeout_seconds=HEARTBEAT,
        )
    except (ValueError, RuntimeError) as error:
        refuse(
            "--distributed",
            expected="a cluster that JAX detects (Slurm, Open MPI, Kubernetes, TPU), or all of --coordinator "
            "HOST:PORT, --processes N and --process I",
            got="neither",
            hint=f"JAX says: {error}",
        )
    finally:
        timer.cancel()


def _give_up(
    coordinator: str | None, processes: int | None, process: int | None, timeout: int
) -> NoReturn:
    """End this process, as not all have joined."""
    where = coordinator or "the coordinator that JAX detected"
    others = "not all other processes" if process == 0 else "no answer"
    sys.stderr.write(
        f"onehalf: {where}: expected {processes or 'all'} processes within {timeout} s; got {others}. Start all of "
        "them within that time, and check that the address can be reached from each.\n"
    )
    sys.stderr.flush()
    os._exit(2)


def is_joined() -> bool:
    """Whether this process has joined others."""
    return jax.distributed.is_initialized()


def is_leader() -> bool:
    """Whether this is process 0, or the only one."""
    return not is_joined() or jax.process_index() == 0


def compare(facts: Mapping[str, str]) -> None:
    """Make sure that all processes have the same facts, such as the versions of packages.

    Raises:
        Refusal: They differ; all processes say so, and name the first fact that does.
    """
    store, me = _store(), jax.process_index()
    store.key_value_set(f"onehalf/facts/{me:06}", json.dumps(dict(facts)))
    try:
        store.wait_at_barrier("onehalf/facts", PATIENCE)
    except jax.errors.JaxRuntimeError as error:
        raise LostProcess(str(error)) from error
    gathered = sorted(store.key_value_dir_get("onehalf/facts/"))
    difference = find_difference([json.loads(each) for _, each in gathered])
    if difference:
        raise Refusal(difference)


def find_difference(by_process: list[Mapping[str, str]]) -> str:
    """Name the first fact in which a process differs from process 0; '' if none does.

    >>> find_difference([{"seeds": "4"}, {"seeds": "4"}])
    ''
    >>> find_difference([{"jax": "0.10.2"}, {"jax": "0.10.3"}])
    'jax: expected the same on all processes; got 0.10.2 on process 0, 0.10.3 on process 1.'
    """
    first = by_process[0]
    for name in first:
        for process, facts in enumerate(by_process):
            if facts.get(name) != first[name]:
                return (
                    f"{name}: expected the same on all processes; got {first[name]} on process 0, "
                    f"{facts.get(name)} on process {process}."
                )
    return ""


def send(order: Mapping[str, Any]) -> None:
    """Send an order to the other processes, if this is the leader of any."""
    if is_joined() and is_leader():
        name = f"onehalf/order/{next(_order_numbers)}"
        _store().key_value_set(name, json.dumps(dict(order)))


def receive() -> dict[str, Any]:
    """Wait for the leader's next order, for as long as it lives."""
    store, name = _store(), f"onehalf/order/{next(_order_numbers)}"
    while True:
        try:
            return json.loads(store.blocking_key_value_get(name, POLL))
        except jax.errors.JaxRuntimeError as error:
            if "DEADLINE_EXCEEDED" not in str(error):
                raise LostProcess(str(error)) from error


def broadcast(tree: Tree) -> Tree:
    """Return the leader's arrays on every process; those of the others only say what shapes there are."""
    from jax.experimental import multihost_utils

    arrays, rest = eqx.partition(tree, eqx.is_array)
    arrays = run_together(lambda: multihost_utils.broadcast_one_to_all(arrays))
    return eqx.combine(jax.tree.map(jnp.asarray, arrays), rest)


def choose_own(count: int) -> slice | None:
    """Which of that many equal tasks are this process's; None if they can't be shared out evenly."""
    processes = jax.process_count()
    if count % processes:
        return None
    each = count // processes
    return slice(each * jax.process_index(), each * (jax.process_index() + 1))


def gather(tree: Tree) -> Tree:
    """Put the parts of all processes, of equal shapes, end to end along the first axis; every process gets all."""
    from jax.experimental import multihost_utils

    arrays, rest = eqx.partition(tree, eqx.is_array)
    whole = run_together(lambda: multihost_utils.process_allgather(arrays, tiled=True))
    return eqx.combine(jax.tree.map(jnp.asarray, whole), rest)


def run_together(work: Callable[[], Result]) -> Result:
    """Do what needs all processes.

    Raises:
        LostProcess: One of them has ended in the middle.
    """
    try:
        return jax.block_until_ready(work())
    except (ValueError, RuntimeError) as error:
        # what XLA raises then depends on the transport: gloo's errors are ValueErrors
        if any(word in str(error) for word in ("Gloo", "NCCL", "UNAVAILABLE", "peer")):
            raise LostProcess(str(error)) from error
        raise


def _store() -> Any:
    """The coordinator's key-value store, which has no public name in JAX."""
    from jax._src import distributed

    return distributed.global_state.client
