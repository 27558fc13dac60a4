"""Columns that look like personal data: found by their name and by their values."""

from onehalf.data.tables.personal.detector import Personal, find_personal

__all__ = ["Personal", "find_personal"]
