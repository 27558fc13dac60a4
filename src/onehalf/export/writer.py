"""Write a model file, and its description beside it."""

import hashlib
import importlib.util
import json
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from onehalf._errors import refuse
from onehalf._files import write_file
from onehalf.distributions.base import Pushforward
from onehalf.export.decoder import Decoder
from onehalf.export.description import Column, Description, Input, Label, describe_noise

__all__ = ["SUFFIXES", "check_target", "describe_path", "write"]

SUFFIXES = {".onnx": "onnx", ".stablehlo": "flatbuffers"}
"""The endings of model files, and the package that each needs."""

VERSIONS = {"onnx": ("onehalf", "onnx"), "stablehlo": ("onehalf", "jax")}
"""The packages whose versions the description has."""

INSTALL = "Install it: pip install 'onehalf[export]'"


def describe_path(path: Path) -> Path:
    """Where the description of a model file is: `model.onnx.json` for `model.onnx`."""
    return path.with_name(f"{path.name}.json")


def check_target(path: Path) -> None:
    """Refuse a file that can't be written, before any work.

    >>> check_target(Path("model.pt"))
    Traceback (most recent call last):
    onehalf._errors.Refusal: model.pt: expected a name that ends in .onnx or .stablehlo; got .pt.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        expected = f"a name that ends in {' or '.join(SUFFIXES)}"
        refuse(str(path), expected=expected, got=suffix or "no ending")
    about = describe_path(path)
    for file in (path, about):
        is_there = file.exists() or file.is_symlink()
        if is_there and not (file == about and _is_abandoned(about, path)):
            hint = "Remove it, or choose another name."
            refuse(str(file), expected="a new file", got="one that exists", hint=hint)
    if importlib.util.find_spec(SUFFIXES[suffix]) is None:
        expected = f"the package {SUFFIXES[suffix]}"
        refuse("export", expected=expected, got="an environment without it", hint=INSTALL)


def _is_abandoned(about: Path, path: Path) -> bool:
    """Whether this is the description of a model file that never came, as its export was killed."""
    if path.exists() or about.is_symlink() or not about.is_file():
        return False
    try:
        found = json.loads(about.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("file") == path.name and "sha256" in found


def write(
    path: Path, p_g: Pushforward, decoder: Decoder, *, is_corrected: bool = False
) -> Description:
    """Write G with its decoding, after the description; returns the latter.

    A description without a model file is what a killed export leaves; the next one to the same name takes its place.

    Args:
        path: A new file, .onnx or .stablehlo.
        p_g: The generator and its noise.
        decoder: Its rows in the user's units.
        is_corrected: Whether samples are corrected by D, which the file has no part of.

    Raises:
        Refusal: The file can't be written, or the model can't be exported.
    """
    check_target(path)
    format_ = path.suffix.lower().removeprefix(".")
    model = (_make_onnx if format_ == "onnx" else _make_stablehlo)(p_g, decoder)
    description = Description(
        file=path.name,
        sha256=hashlib.sha256(model.content).hexdigest(),
        format=format_,
        versions={name: version(name) for name in VERSIONS[format_]},
        inputs=model.inputs,
        noise=describe_noise(p_g.p_z),
        labels=model.labels,
        label_shares=tuple(decoder.shares),
        columns=model.columns,
        left_out=decoder.left_out,
        is_corrected=is_corrected,
    )
    text = json.dumps(description.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
    try:
        write_file(describe_path(path), f"{text}\n".encode())
        write_file(path, model.content)
    except BaseException:
        if not path.exists():
            describe_path(path).unlink(missing_ok=True)
        raise
    return description


class _Model(NamedTuple):
    """The bytes of a model file, and what it takes and gives."""

    content: bytes
    inputs: tuple[Input, ...]
    labels: tuple[Label, ...]
    columns: tuple[Column, ...]


def _make_onnx(p_g: Pushforward, decoder: Decoder) -> _Model:
    """Values of labels go in, and all columns come out."""
    from onehalf.export.graph import Graph
    from onehalf.export.networks import add_network

    graph = Graph()
    z = graph.add_input("z", "float32", ("n", *p_g.p_z.shape))
    c = decoder.add_conditions(graph)
    n = graph.add("Shape", z, start=0, end=1)
    columns = decoder.add_rows(graph, add_network(p_g.G, graph, z, c), n)
    inputs = tuple(Input(port.name, port.type, port.shape) for port in graph.inputs)
    return _Model(graph.to_bytes(), inputs, tuple(decoder.labels), columns)


def _make_stablehlo(p_g: Pushforward, decoder: Decoder) -> _Model:
    """The places of labels go in, and rows without labels come out."""
    from onehalf.export.stablehlo import to_stablehlo

    if not decoder.traced_columns:
        expected = "a .onnx file for a table, which may have words"
        refuse("export", expected=expected, got=".stablehlo")
    content = to_stablehlo(p_g, decoder)
    labels = tuple(replace(label, by_place=True) for label in decoder.labels)
    z = Input("z", "float32", ("n", *p_g.p_z.shape))
    given = (Input(label.input, "int32", ("n",)) for label in labels)
    return _Model(content, (z, *given), labels, decoder.traced_columns)
