"""Dataclasses to JSON and back, and the JSON schema of what they hold.

One converter for all results. Metadata of a field give it another name in JSON, `{"json": "class"}`, or leave it out
where it is None, `OMIT_NONE`. Tuples become lists, named tuples too, and numbers that are not finite become null, for
JSON has no word for them.
"""

import ast
import dataclasses
import inspect
import itertools
import math
import sys
import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

__all__ = ["OMIT_NONE", "Schema", "from_json", "json_schema", "to_json"]

Schema = dict[str, Any]
"""A JSON schema, or a part of one."""

OMIT_NONE = {"omit_none": True}
"""Metadata of a field that JSON leaves out where it is None."""

PRIMITIVES = {bool: "boolean", int: "integer", float: "number", str: "string"}
"""The JSON type of each type of Python."""


def to_json(value: Any) -> Any:
    """Convert dataclasses to plain JSON values, recursively.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Share:
    ...     label: str = dataclasses.field(metadata={"json": "class"})
    ...     interval: tuple[float, float]
    >>> to_json(Share("cat", (0.25, math.inf)))
    {'class': 'cat', 'interval': [0.25, None]}
    """
    if dataclasses.is_dataclass(value):
        return {
            _name(field): to_json(entry)
            for field in dataclasses.fields(value)
            if (entry := getattr(value, field.name)) is not None or not _is_omitted(field)
        }
    if isinstance(value, dict):
        return {name: to_json(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.item() if isinstance(value, np.generic) else value


def from_json(kind: Any, value: Any) -> Any:
    """Convert plain JSON values to a type that `to_json` made them from; absent fields get their defaults.

    >>> from_json(tuple[float, float | None], [1, None])
    (1.0, None)
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _from_union(arguments, value)
    if kind is float:
        return math.nan if value is None else float(value)
    if origin is tuple:
        kinds = _kinds(arguments, len(value))
        return tuple(from_json(each, entry) for each, entry in zip(kinds, value, strict=True))
    if origin is dict:
        return {name: from_json(arguments[1], entry) for name, entry in value.items()}
    if _is_named_tuple(kind):
        kinds = get_type_hints(kind).values()
        return kind(*(from_json(*pair) for pair in zip(kinds, value, strict=True)))
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(
            **{
                field.name: from_json(hints[field.name], value.get(_name(field)))
                for field in dataclasses.fields(kind)
                if _name(field) in value or _is_omitted(field)
            }
        )
    return value


def json_schema(kind: type, title: str) -> Schema:
    """Describe the JSON of a dataclass as a JSON schema (draft 2020-12); docstrings of fields become descriptions."""
    definitions: Schema = {}
    schema = _schema(kind, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **schema,
        "$defs": dict(sorted(definitions.items())),
    }


def _name(field: Any) -> str:
    return field.metadata.get("json") or field.name


def _is_omitted(field: Any) -> bool:
    """Whether JSON leaves the field out where it is None."""
    return field.metadata.get("omit_none", False)


def _is_named_tuple(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields")


def _kinds(arguments: tuple[Any, ...], length: int) -> tuple[Any, ...]:
    """The type of each entry of a tuple."""
    return (arguments[0],) * length if arguments[-1] is Ellipsis else arguments


def _from_union(arguments: tuple[Any, ...], value: Any) -> Any:
    """None, a list as the tuple among the types, or else the only structured type; plain values stay."""
    plain = [kind for kind in arguments if kind is not type(None)]
    if value is None or len(plain) == 1:
        return None if value is None else from_json(plain[0], value)
    wanted = list if isinstance(value, list) else dict if isinstance(value, dict) else None
    for kind in arguments:
        is_list = get_origin(kind) is tuple or _is_named_tuple(kind)
        is_object = get_origin(kind) is dict or dataclasses.is_dataclass(kind)
        if (wanted is list and is_list) or (wanted is dict and is_object):
            return from_json(kind, value)
    return value


def _schema(kind: Any, definitions: Schema) -> Schema:
    """The schema of a type; dataclasses go to the definitions, and are referred to."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is type(None):
        return {"type": "null"}
    if kind in PRIMITIVES:
        return {"type": PRIMITIVES[kind]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(each, definitions) for each in arguments]}
    if origin is tuple or _is_named_tuple(kind):
        return _array_schema(arguments or tuple(get_type_hints(kind).values()), definitions)
    if origin is dict:
        # a score that is not a finite number is null
        entries = _schema(arguments[1], definitions)
        nullable = {"type": ["number", "null"]} if entries == {"type": "number"} else entries
        return {"type": "object", "additionalProperties": nullable}
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}  # its name is taken before its parts are described
        definitions[kind.__name__] = _object_schema(kind, definitions)
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _array_schema(arguments: tuple[Any, ...], definitions: Schema) -> Schema:
    if arguments[-1] is Ellipsis:
        return {"type": "array", "items": _schema(arguments[0], definitions)}
    return {
        "type": "array",
        "prefixItems": [_schema(each, definitions) for each in arguments],
        "minItems": len(arguments),
        "maxItems": len(arguments),
    }


def _object_schema(kind: Any, definitions: Schema) -> Schema:
    hints, docs = get_type_hints(kind), dict(_field_docs(kind))
    fields = dataclasses.fields(kind)
    properties = {}
    for field in fields:
        described = {"description": docs[field.name]} if field.name in docs else {}
        properties[_name(field)] = {**described, **_schema(hints[field.name], definitions)}
    return {
        "description": inspect.cleandoc(kind.__doc__ or "").split("\n\n", maxsplit=1)[0],
        "type": "object",
        "properties": properties,
        "required": [_name(field) for field in fields if not _is_omitted(field)],
        "additionalProperties": False,
    }


def _field_docs(kind: type) -> Iterator[tuple[str, str]]:
    """The docstring below each field of a class and of its bases."""
    for base in reversed(kind.__mro__[:-1]):
        source = inspect.getsource(sys.modules[base.__module__])
        (body,) = (
            node.body
            for node in ast.parse(source).body
            if isinstance(node, ast.ClassDef) and node.name == base.__name__
        )
        for field, below in itertools.pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr):
                (name, doc) = ast.unparse(field.target), ast.literal_eval(below.value)
                yield name, " ".join(doc.split())
