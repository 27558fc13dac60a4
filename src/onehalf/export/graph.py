"""An ONNX graph, node by node: operands are names of earlier results, or arrays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import onnx
from onnx import helper, numpy_helper

from onehalf._errors import refuse

__all__ = ["Graph", "Operand", "Port"]

OPSET = 20
"""The operators of ONNX 1.15 (2023): the first with `Gelu`, and with strings in `Equal`."""

IR_VERSION = 9
"""The file format of the same version."""

MOST_BYTES = 2**31 - 1
"""A message of Protocol Buffers, as which a model is written, is no longer."""

Operand: TypeAlias = str | np.ndarray | np.generic
"""The name of a result, or a constant."""


@dataclass(frozen=True)
class Port:
    """An input or an output of a graph."""

    name: str
    type: str
    """As NumPy calls it; 'string' is a text."""
    shape: tuple[int | str, ...]
    """'n' is the number of rows."""


class Graph:
    """A graph to which nodes are added.

    >>> graph = Graph()
    >>> x = graph.add_input("x", "float32", ("n", 2))
    >>> graph.add_output("y", graph.add("Mul", x, np.float32([2, 3])), "float32", ("n", 2))
    'y'
    >>> len(graph.to_bytes()) > 0
    True
    """

    def __init__(self) -> None:
        self.inputs: list[Port] = []
        self.outputs: list[Port] = []
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._results = 0

    def add(self, operator: str, *operands: Operand, **attributes: Any) -> str:
        """Add a node with one result, and return the result's name."""
        names = [each if isinstance(each, str) else self.constant(each) for each in operands]
        result = self._name_result()
        self._nodes.append(helper.make_node(operator, names, [result], **attributes))
        return result

    def repeat(
        self,
        most: int,
        states: Mapping[str, str],
        add_pass: Callable[[str, Sequence[str]], tuple[str, Sequence[str]]],
    ) -> list[str]:
        """Add a loop, and return the names of its states after the last pass.

        Args:
            most: Passes, at most.
            states: The states before the first pass, and their types.
            add_pass: Adds the nodes of one pass. It gets the number of the pass, from 0, and the states, and returns
                whether another pass follows, and the new states.
        """
        outside, self._nodes = self._nodes, []
        types = [("int64", []), ("bool", []), *((type_, None) for type_ in states.values())]
        names = [self._name_result() for _ in types]
        another, changed = add_pass(names[0], names[2:])
        results = [self.add("Identity", each) for each in (another, *changed)]
        given = zip(names, types, strict=True)
        found = zip(results, types[1:], strict=True)
        inputs, outputs = (
            [
                helper.make_tensor_value_info(name, _element_type(type_), shape)
                for name, (type_, shape) in ports
            ]
            for ports in (given, found)
        )
        body = helper.make_graph(self._nodes, "pass", inputs, outputs)
        self._nodes = outside
        after = [self._name_result() for _ in states]
        before = [self.constant(np.array(most)), "", *states]
        self._nodes.append(helper.make_node("Loop", before, after, body=body))
        return after

    def constant(self, array: Any) -> str:
        """Add a constant, and return its name; an array of objects is one of strings."""
        array = np.asarray(array)
        name = f"/constant{len(self._constants)}"
        if array.dtype.kind in "OU":
            words: Any = [str(word).encode() for word in array.ravel()]
            tensor = helper.make_tensor(name, onnx.TensorProto.STRING, array.shape, words)
        else:
            tensor = numpy_helper.from_array(array.copy(), name)
        self._constants.append(tensor)
        return name

    def cast(self, operand: Operand, type_: str) -> str:
        """Convert numbers to another type, as NumPy or 'bfloat16' calls it."""
        return self.add("Cast", operand, to=_element_type(type_))

    def join(self, parts: list[str]) -> str:
        """Put matrices side by side."""
        return parts[0] if len(parts) == 1 else self.add("Concat", *parts, axis=1)

    def part(self, operand: str, start: int, stop: int) -> str:
        """The columns of a matrix from one place up to another."""
        ends = (np.array([start]), np.array([stop]), np.array([1]))
        return self.add("Slice", operand, *ends)

    def column(self, operand: str, place: int) -> str:
        """One column of a matrix, as a vector."""
        return self.add("Gather", operand, np.array(place), axis=1)

    def add_input(self, name: str, type_: str, shape: tuple[int | str, ...]) -> str:
        """Add an input, and return its name."""
        self.inputs.append(Port(name, type_, shape))
        return name

    def add_output(
        self, name: str, operand: str, type_: str, shape: tuple[int | str, ...]
    ) -> str:
        """Give a result out under a name, or one like it if this one is taken; returns the name."""
        taken = {port.name for port in (*self.inputs, *self.outputs)}
        while not name or name in taken or name.startswith("/"):
            name = f"_{name}"
        self._nodes.append(helper.make_node("Identity", [operand], [name]))
        self.outputs.append(Port(name, type_, shape))
        return name

    def _name_result(self) -> str:
        """A name that no other result has."""
        self._results += 1
        return f"/{self._results - 1}"

    def to_bytes(self) -> bytes:
        """The model file.

        Raises:
            Refusal: It would be longer than the format allows.
        """
        size = sum(constant.ByteSize() for constant in self._constants)
        if size > MOST_BYTES:
            expected = (
                f"a model of at most {MOST_BYTES / 1e9:.1f} GB, as ONNX has no larger ones"
            )
            refuse("export", expected=expected, got=f"{size / 1e9:.1f} GB")
        graph = helper.make_graph(
            self._nodes,
            "onehalf",
            [_value_info(port) for port in self.inputs],
            [_value_info(port) for port in self.outputs],
            self._constants,
        )
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(
            graph, producer_name="onehalf", opset_imports=opsets, ir_version=IR_VERSION
        )
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString()


def _value_info(port: Port) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(port.name, _element_type(port.type), port.shape)


def _element_type(type_: str) -> int:
    if type_ in ("string", "bfloat16"):
        return onnx.TensorProto.DataType.Value(type_.upper())
    return helper.np_dtype_to_tensor_dtype(np.dtype(type_))
