"""How a measurement of more rows than fit into memory was made."""

from dataclasses import dataclass

__all__ = ["Streamed"]


@dataclass(frozen=True, kw_only=True)
class Streamed:
    """What was learned from, what was bet on, and what all else is computed from, of rows that were read in batches."""

    drawn_real: int
    """Rows of the data, drawn at random, from which all is computed but the bounds, the estimate and the evidence."""
    drawn_other: int
    """The same of the other sample."""
    learned: int
    """Rows of each sample that critics learned from; they are among those that were drawn."""
    bet: int
    """Pairs of further rows that were bet on."""
    together: int
    """Pairs whose gains are added up before each bet."""
    batch_size: int
    """The most rows that are read at a time."""

    @property
    def sentence(self) -> str:
        """All of it in words."""
        return (
            f"Critics learned from {self.learned:,} rows of each sample, drawn at random, and bet on {self.bet:,} "
            f"pairs of the others, read in batches of up to {self.batch_size:,}. All but the bounds, the estimate and "
            f"the evidence is from {self.drawn_real:,} rows of the data and {self.drawn_other:,} of the other sample, "
            "drawn at random."
        )
