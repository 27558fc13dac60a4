"""The section of a page about samples of several checkpoints."""

from onehalf import figures
from onehalf.evaluation.result import Step, Steps
from onehalf.evaluation.wording import at_least, confidence, digits
from onehalf.sections.base import Bullets, Figure, Section, Table, embed_svg

__all__ = ["steps_section"]

CAPTION = (
    "The distance of each checkpoint's samples from the same rows of data. The line is the "
    "estimate, the band its range for all steps at once (approximate), the dots are certified: "
    "with {confidence} confidence no distance is below its dot. The dashed line is the estimate for "
    "data against data. How to read it: where the line falls, critics see less of a difference; "
    "what they do not see may be more."
)

HEADER = ("step", "samples", "JSD at least (nats)", "estimate", "band")


def steps_section(found: Steps) -> Section:
    """Draw nats over steps, and list them."""
    figure = Figure(
        embed_svg(figures.draw_steps(found), "The estimated JSD over steps, with its band"),
        CAPTION.format(confidence=confidence(found.alpha)),
        "Nats over steps",
    )
    table = Table(HEADER, [_list_step(each) for each in found.steps])
    return Section("", [figure, table, Bullets(found.sentences[-1:])])


def _list_step(each: Step) -> list[str]:
    return [
        f"{each.step:,}",
        f"{each.n_other:,}",
        at_least(each.jsd_lower),
        digits(each.jsd_estimate, each.jsd_se),
        f"{digits(each.band[0])} to {digits(each.band[1])}",
    ]
