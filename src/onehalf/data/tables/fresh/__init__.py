"""New values for columns that are not learned, keys and personal data: of the form seen, and none of the data's."""

from onehalf.data.tables.fresh.columns import FreshColumns

__all__ = ["FreshColumns"]
