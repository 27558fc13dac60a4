"""What the report draws of the bets: log ratios in bars, the calibration of D, and the curve of wealth."""

import numpy as np
from scipy import special

from onehalf.evaluation.certificate.certificate import Certificate
from onehalf.evaluation.pairing import PairedSamples
from onehalf.evaluation.result import Calibration, LogRatios, PlotData, Wealth

__all__ = ["collect_plot_data"]

BARS = 40
"""Bars of the histogram of log ratios, on the page."""

BINS = 10
"""Bins of D in the calibration."""

POINTS = 200
"""Points of the curve of wealth."""


def collect_plot_data(paired: PairedSamples, certificate: Certificate) -> PlotData:
    """Log ratios in bars, D's calibration in ten bins of D, and the curve of log wealth."""
    l_real, l_other = paired.log_ratios(*certificate.logits)
    both = np.concatenate([l_real, l_other])
    low, high = np.quantile(both, [0.001, 0.999])
    edges = np.linspace(low - 1e-6, high + 1e-6, BARS + 1)
    bars = [
        np.histogram(np.clip(logits, low, high), edges)[0] / len(logits)
        for logits in (l_real, l_other)
    ]
    D, weight = (
        special.expit(both),
        np.repeat([0.5 / len(l_real), 0.5 / len(l_other)], [len(l_real), len(l_other)]),
    )
    # rows of equal D are taken from both samples in turn
    order = np.lexsort(
        (np.concatenate([np.arange(len(each)) / len(each) for each in (l_real, l_other)]), D)
    )
    bins = [part for part in np.array_split(order, min(BINS, len(order))) if len(part)]
    is_real = np.arange(len(both)) < len(l_real)
    some = np.unique(np.linspace(0, len(certificate.wealth) - 1, POINTS).astype(int))
    return PlotData(
        log_ratio=LogRatios(
            edges=tuple(edges.tolist()),
            real=tuple(bars[0].tolist()),
            other=tuple(bars[1].tolist()),
        ),
        calibration=Calibration(
            D=tuple(float(np.average(D[part], weights=weight[part])) for part in bins),
            real=tuple(float(np.average(is_real[part], weights=weight[part])) for part in bins),
        ),
        wealth=Wealth(
            pairs=tuple(((some + 1) * certificate.together).tolist()),
            log_e=tuple(certificate.wealth[some].tolist()),
        ),
    )
