"""What a round costs on one process and on several: milliseconds, and the bytes that they exchange.

    python bench/processes.py                      tables of 2 processes on this machine, over gloo on loopback
    python bench/processes.py --processes 4

Each process has one thread and one core if there are as many; docs/explanation/scale.md says what follows from it.
"""

import argparse
import os
import re
import socket
import subprocess
import sys
import time

SIZES = ((128, 2, 256), (256, 3, 256), (256, 3, 2048), (1024, 3, 256), (1024, 3, 2048))
"""Width and depth of both players, and the batch."""

ROUNDS = 5
"""In one compiled scan."""

REPEATS = 40
"""Of which the fastest counts: on a machine with other work, that is the one that was least disturbed."""

HOW = ("alone", "whole", "apart")
"""One process; several, each with all rows; several, each with a part of them."""

BYTES = {"u8": 1, "f32": 4, "s32": 4, "u32": 4, "pred": 1}


def count_bytes(text: str) -> int:
    """The bytes that the all-reduces of a compiled scan take in: each is in the body, so these are those of a round."""
    total = 0
    for shapes in re.findall(r"= (.*?) all-reduce(?:-start)?\(", text):
        for kind, dims in re.findall(r"(\w+)\[([\d,]*)\]", shapes):
            size = 1
            for dim in filter(None, dims.split(",")):
                size *= int(dim)
            total += size * BYTES[kind]
    return total


def play(how: str, width: int, depth: int, batch: int) -> None:
    """Print the parameters, the milliseconds of a round and its bytes."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    import jax.random as jr

    from onehalf import training
    from onehalf.distributions import sharded
    from onehalf.distributions.base import Latent
    from onehalf.distributions.empirical import Empirical
    from onehalf.nets.mlp import MLP

    p_data = Empirical(jnp.zeros((20_000, 16)))
    game = training.Game(p_data, Latent(normal=16), m=batch)
    D = MLP(jr.key(1), (16,), (), width=width, depth=depth)
    G = MLP(jr.key(2), (16,), (16,), width=width, depth=depth)
    # copies, as the scan is given its buffers for good
    state = training.init(game, D, G)
    state = jax.tree.map(lambda leaf: jnp.copy(leaf) if eqx.is_array(leaf) else leaf, state)
    key = jr.key(0)
    if how != "alone":
        if how == "apart":
            sharded.MOST_WHOLE = 0
        game = training.shard_batches(game)
        key, state = sharded.replicate((key, state), game.p_data.mesh)
    scan = training._rounds.lower((key, game), state, ROUNDS).compile()
    took = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        state, info = scan((key, game), state, ROUNDS)
        jax.block_until_ready((eqx.filter(state, eqx.is_array), info))
        took.append(time.perf_counter() - began)
    parameters = sum(each.size for each in jax.tree.leaves(eqx.filter((D, G), eqx.is_array)))
    if jax.process_index() == 0:
        exchanged = count_bytes(scan.compiled.as_text())
        print(f"{parameters},{1000 * min(took) / ROUNDS:.3f},{exchanged}")


def run_as_process(
    how: str, number: int, processes: int, address: str, size: list[int]
) -> None:
    """Be one of the processes."""
    import jax

    if processes > 1:
        jax.distributed.initialize(address, processes, number)
        # JAX waits two minutes for the devices of the others, which a busy machine may need to import the package
        jax.devices()
    play(how, *size)


def measure(how: str, processes: int, size: tuple[int, int, int]) -> list[float]:
    """Start the processes; returns the parameters, milliseconds and bytes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu"}
    words = [str(processes), address, *map(str, size)]
    started = [
        subprocess.Popen(
            [sys.executable, __file__, "--as", how, str(number), *words],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(processes)
    ]
    outputs = [process.communicate()[0] for process in started]
    line = next(line for line in outputs[0].splitlines() if re.fullmatch(r"[\d.,]+", line))
    return [float(each) for each in line.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=2)
    n = parser.parse_args().processes
    print(
        "| width x depth | parameters | batch | bytes a round | with rows | ms, 1 process "
        f"| ms, {n} | with rows |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for size in SIZES:
        (parameters, alone, _), (_, whole, gradients), (_, apart, both) = (
            measure(how, 1 if how == "alone" else n, size) for how in HOW
        )
        width, depth, batch = size
        print(
            f"| {width} x {depth} | {parameters:,.0f} | {batch:,} | {gradients:,.0f} | {both:,.0f} "
            f"| {alone:.2f} | {whole:.2f} | {apart:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    if "--as" in sys.argv:
        how, number, processes, address, *size = sys.argv[sys.argv.index("--as") + 1 :]
        run_as_process(how, int(number), int(processes), address, [int(each) for each in size])
    else:
        main()
