"""What a fit keeps at each evaluation to show its course, as small arrays by name."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

__all__ = ["Snapshots"]

MOST = 64
"""Snapshots that are kept; of more, every second one goes."""

Arrays = Mapping[str, np.ndarray]
"""Arrays by name."""


@dataclass(frozen=True)
class Snapshots:
    """The snapshots of a fit: what all of them share, and what belongs to each."""

    shared: Arrays
    """The axes, and the training rows counted on them."""
    each: tuple[Arrays, ...] = ()
    """One for each evaluation: `t`, and by name an array whose first axis is that of seeds."""

    def add(self, snapshot: Arrays) -> "Snapshots":
        """Add a snapshot; of too many, every second one goes, but not the last."""
        each = (*self.each, snapshot)
        if len(each) > MOST:
            each = each[len(each) % 2 == 0 :: 2]
        return Snapshots(self.shared, each)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All of it, by name; `from_arrays` is the way back."""
        arrays = {f"shared.{name}": value for name, value in self.shared.items()}
        for name in self.each[0] if self.each else ():
            arrays[f"each.{name}"] = np.stack([each[name] for each in self.each])
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "Snapshots":
        """What `to_arrays` gave."""
        shared, stacked = (
            {
                name.removeprefix(start): value
                for name, value in arrays.items()
                if name.startswith(start)
            }
            for start in ("shared.", "each.")
        )
        count = min(map(len, stacked.values()), default=0)
        each = [{name: value[at] for name, value in stacked.items()} for at in range(count)]
        return cls(shared, tuple(each))
