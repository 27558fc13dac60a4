"""state.safetensors: all that changes while a fit runs, in one file under one hash, and the same of the save before.

The arrays are the file's tensors. Everything else is JSON in its metadata, after the hash of both.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors
import safetensors.numpy

from onehalf._errors import Refusal, refuse
from onehalf._files import keep_file, write_file

__all__ = [
    "PREVIOUS",
    "STATE",
    "DamagedState",
    "StateFile",
    "read_newest",
    "read_state",
    "write_state",
]

STATE = "state.safetensors"
PREVIOUS = "state.previous.safetensors"

METADATA = "onehalf"
"""The entry of the metadata."""

NONE_WHOLE = "No older state is whole; `onehalf fit` into another folder trains anew."

DAMAGED = (
    safetensors.SafetensorError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What the readers raise at a file that is not as it was written, or that a stranger wrote."""


class DamagedState(Refusal):
    """A state that is missing, or not as it was written."""


class StateFile(NamedTuple):
    """What a file of a state holds."""

    path: Path
    arrays: dict[str, np.ndarray]
    about: dict[str, Any]
    """Everything else."""


def write_state(
    folder: Path, arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]
) -> None:
    """Write the state, and keep the one that was there as the previous one; an equal one stays as it is."""
    path = folder / STATE
    text = json.dumps(about)
    content = safetensors.numpy.save(
        dict(arrays), {METADATA: f"{_digest(arrays, text)}\n{text}"}
    )
    if path.exists():
        if path.read_bytes() == content:
            return
        keep_file(path, folder / PREVIOUS)
    write_file(path, content)


def read_newest(folder: Path) -> StateFile:
    """Read the newest state of a run that is whole: where that is not the last one, its path is that of `PREVIOUS`.

    Raises:
        DamagedState: None is whole.
        Refusal: It can't be read by this user.
    """
    try:
        return read_state(folder / STATE)
    except DamagedState as damage:
        try:
            return read_state(folder / PREVIOUS)
        except DamagedState:
            raise DamagedState(f"{damage} {NONE_WHOLE}") from None


def read_state(path: Path) -> StateFile:
    """Read a state.

    Raises:
        DamagedState: There is none, or it is not as it was written.
        Refusal: It can't be read by this user.
    """
    if not path.is_file():
        raise _damaged(path, "the saved players", "no such file")
    try:
        path.open("rb").close()
    except OSError as error:
        refuse(str(path), expected="a file that can be read", got=error.strerror)
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {})[METADATA]
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return StateFile(path, arrays, _read_about(arrays, text))
    except DAMAGED:
        raise _damaged(
            path, "a file as onehalf wrote it", "a truncated or altered one"
        ) from None


def _damaged(path: Path, expected: str, got: str) -> DamagedState:
    """What to raise of a state."""
    return DamagedState(f"{path}: expected {expected}; got {got}.")


def _read_about(arrays: Mapping[str, np.ndarray], text: str) -> dict[str, Any]:
    """Read what is beside the arrays; raises one of `DAMAGED` unless the hash is right."""
    if text.startswith("{"):
        # format 3 had the hash in the JSON, and in the hash the arrays alone
        about = json.loads(text)
        sha256 = about["sha256"]
        found = _digest_of_format_3(arrays)
    else:
        sha256, _, text = text.partition("\n")
        found = _digest(arrays, text)
        about = json.loads(text)
    if sha256 != found:
        raise ValueError(sha256)
    return about


def _digest(arrays: Mapping[str, np.ndarray], text: str) -> str:
    """The hash of everything in the file."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name}\0{array.dtype}\0{array.shape}\0".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _digest_of_format_3(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()
