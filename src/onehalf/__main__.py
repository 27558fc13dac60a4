"""`onehalf` and `python -m onehalf`: the command line, which a signal ends in a sentence from its first import on."""

from onehalf.runs.signals import end_at_signals

__all__ = ["main"]


def main() -> None:
    """Run the command line, and end the process."""
    with end_at_signals(is_last=True):
        # typer and the commands take a third of a second
        from onehalf import cli

        cli.main()


if __name__ == "__main__":
    main()
