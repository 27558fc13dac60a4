"""What a file must be before it is opened: a regular one, whose content fits into memory."""

from pathlib import Path

from onehalf._errors import refuse

__all__ = ["MOST_BYTES", "check_bytes", "check_file"]

MOST_BYTES = 3 * 2**30
"""The most memory for what is unpacked from a file; encoding it takes up to four times as much."""


def check_file(path: Path) -> None:
    """Refuse what is no regular file: reading a pipe or a device may never end.

    >>> check_file(Path("nowhere.npy"))
    Traceback (most recent call last):
    onehalf._errors.Refusal: nowhere.npy: expected a file; got nothing there.
    """
    if path.is_file():
        return
    got = "nothing there"
    if path.exists():
        got = "a folder" if path.is_dir() else "a pipe or a device"
    refuse(str(path), expected="a file", got=got)


def check_bytes(path: Path, needed: int, about: str, hint: str = "") -> None:
    """Refuse a file that takes more memory when it is unpacked.

    Args:
        path: The file.
        needed: The bytes that it takes.
        about: What these are, as in "of shape (3, 4)".
        hint: What to do about it.
    """
    if needed > MOST_BYTES:
        expected = f"at most {MOST_BYTES / 2**30:g} GiB, decoded"
        got = f"{needed / 2**30:,.1f} GiB {about}"
        refuse(str(path), expected=expected, got=got, hint=hint)
