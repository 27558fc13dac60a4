"""What the figures of a report are drawn from."""

from dataclasses import dataclass

__all__ = ["Calibration", "LogRatios", "PlotData", "Wealth"]


@dataclass(frozen=True, kw_only=True)
class LogRatios:
    """Histograms of the critics' log ratios, in nats."""

    edges: tuple[float, ...]
    real: tuple[float, ...]
    """The share of the data's rows in each bar."""
    other: tuple[float, ...]
    """The share of the other sample's rows in each bar."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The mean D of the rows in each of ten bins of D, and the share of data among them."""

    D: tuple[float, ...]
    real: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Wealth:
    """The log e-value by the number of pairs."""

    pairs: tuple[int, ...]
    log_e: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class PlotData:
    """What the figures of a report are drawn from."""

    log_ratio: LogRatios
    calibration: Calibration
    wealth: Wealth
