"""The device that networks train on: what JAX finds, or what was asked for."""

import os
from typing import Annotated

import typer

from onehalf._errors import refuse
from onehalf._registry import choose
from onehalf._text import join_names

__all__ = ["Device", "choose_device", "describe_device"]

DEVICES = ("cpu", "gpu", "tpu")
"""What JAX computes on."""

Device = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(DEVICES),
        help="Where networks train. Default: what JAX finds (a TPU or a GPU, else the CPU).",
    ),
]


def choose_device(name: str | None, players: str | None = None) -> None:
    """Compute on this device from now on; None leaves it to JAX, which must not have computed yet.

    Args:
        name: One of DEVICES.
        players: What the players are made of.

    Raises:
        Refusal: JAX finds no such device, or trees are to train there.
    """
    if name is None:
        return
    choose("device", name, DEVICES)
    if players == "trees" and name != "cpu":
        refuse("device", expected="cpu, where trees train", got=name)
    import jax

    if name == "cpu":
        jax.config.update("jax_platforms", "cpu")
        return
    found = jax.devices()[0].platform
    if found != name:
        there = join_names(dict.fromkeys([found, "cpu"]))
        hint = "For NVIDIA's: pip install 'jax[cuda13]'." if name == "gpu" else ""
        refuse("device", expected=f"one that JAX finds here ({there})", got=name, hint=hint)


def describe_device() -> str:
    """Name the device that JAX computes on: 'the CPU (2 cores)', 'a GPU (NVIDIA H100)'."""
    import jax

    device = jax.devices()[0]
    if device.platform == "cpu":
        return f"the CPU ({os.cpu_count()} cores)"
    return f"a {device.platform.upper()} ({device.device_kind})"
