"""Draw the distance of samples over the steps of a training."""

from matplotlib.figure import Figure

from onehalf.evaluation.result import Steps
from onehalf.figures.style import BAND, GOAL, SAMPLES, STRONG, add_legend, new_figure

__all__ = ["draw_steps"]


def draw_steps(found: Steps) -> Figure:
    """Draw the estimate of the JSD with its band, the certified bounds, and the estimate for data against data.

    >>> from onehalf.evaluation.result import Step
    >>> two = [
    ...     Step(step=s, n_other=9, jsd_lower=0.1, jsd_estimate=0.2, jsd_se=0.01, band=(0.17, 0.23))
    ...     for s in (1, 2)
    ... ]
    >>> found = Steps(alpha=0.05, n_rows=9, steps=tuple(two), baseline=None, sentences=())
    >>> draw_steps(found).axes[0].get_legend_handles_labels()[1]
    ['estimate', 'band of all steps', 'certified']
    """
    figure, axes = new_figure("step", "JSD, nats")
    steps = [each.step for each in found.steps]
    low, high = zip(*(each.band for each in found.steps), strict=True)
    estimates = [each.jsd_estimate for each in found.steps]
    axes.plot(steps, estimates, color=BAND, linewidth=STRONG, label="estimate")
    axes.fill_between(steps, low, high, color=BAND, alpha=0.25, label="band of all steps")
    lower = [each.jsd_lower for each in found.steps]
    axes.plot(steps, lower, "o", color=SAMPLES, label="certified")
    if found.baseline:
        axes.axhline(found.baseline.jsd_estimate, label="data against data", **GOAL)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    add_legend(figure)
    return figure
