"""Options of `onehalf fit`, generated from the declarations of the hyper-parameters."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from onehalf._declaration import About
from onehalf._registry import spoken
from onehalf.hyperparameters import Hyperparameters

__all__ = ["with_hyperparameters"]

SEED = 0
"""What `random_state` is on the command line, if not given: there, every fit is reproducible."""


def with_hyperparameters(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each hyper-parameter that has one; it receives them as `**keywords`."""
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in inspect.signature(command).parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    options = [
        _make_option(field)
        for field in dataclasses.fields(Hyperparameters)
        if field.metadata["about"].option
    ]

    @functools.wraps(command)
    def run(**keywords: Any) -> None:
        command(**keywords)

    first = [parameter.default is not inspect.Parameter.empty for parameter in own].count(False)
    signature = inspect.Signature([*own[:first], *options, *own[first:]])
    run.__signature__ = signature  # type: ignore[attr-defined]
    run.__annotations__ = {
        parameter.name: parameter.annotation for parameter in signature.parameters.values()
    }
    del run.__wrapped__
    return run


def _make_option(field: dataclasses.Field[Any]) -> inspect.Parameter:
    """The parameter of a function from which typer makes the option."""
    about: About = field.metadata["about"]
    default: Any = SEED if field.name == "random_state" else field.default
    kind = about.kind or field.type
    help_text = about.meaning
    if about.words:
        help_text += f" One of {', '.join(map(spoken, about.words))}."
    if about.default:
        help_text += f" Default: {about.default}."
    option = typer.Option(about.option, metavar=about.metavar or None, help=help_text)
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=spoken(default) if about.words and default else default,
        annotation=Annotated[kind if default is not None else kind | None, option],
    )
