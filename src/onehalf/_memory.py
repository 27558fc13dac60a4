"""The memory of this machine."""

import os

__all__ = ["total_memory"]


def total_memory() -> int:
    """The bytes of memory that the machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
