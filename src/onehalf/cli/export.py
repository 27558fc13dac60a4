"""`onehalf export`: write the generator of a run into a file for other programs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onehalf._text import join_names
from onehalf.cli._common import AsJson, Run, print_json, say, set_up_jax

if TYPE_CHECKING:
    import onehalf.export

__all__ = ["export"]


def export(
    run: Run,
    to: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="A new file: .onnx for any program with an ONNX runtime, .stablehlo (arrays and images) for JAX.",
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Write the generator of a run into one file, for programs without onehalf.

    Noise, and the labels of the run, go in; rows come out in the units of the data. A description of both is written to
    FILE.json.

    Example: onehalf export runs/digits-1 --to digits.onnx
    """
    from onehalf import runs
    from onehalf._files import check_writable
    from onehalf.export import check_target, describe_path

    check_target(to)
    runs.load_domain(run)
    check_writable(to.resolve().parent)
    set_up_jax()
    description = runs.load_model(run, say).export(to)
    if as_json:
        print_json(description.to_dict())
    for sentence in _describe(description):
        say(sentence)
    say(f"Written: {to} and {describe_path(to)}")


def _describe(description: "onehalf.export.Description") -> list[str]:
    """Say what the file lacks."""
    sentences = []
    if description.left_out:
        sentences.append(f"The file has no {join_names(description.left_out)}: not learned.")
    if description.is_corrected:
        sentences.append(
            "The file has the generator alone: `onehalf sample` also corrects its samples by a discriminator, which "
            "brings them nearer to the data."
        )
    return sentences
