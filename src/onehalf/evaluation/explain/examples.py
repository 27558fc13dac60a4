"""The rows that tell most of two samples."""

import numpy as np

from onehalf.evaluation.certificate.certificate import Certificate
from onehalf.evaluation.explain.regions import most_telling
from onehalf.evaluation.pairing import PairedSamples
from onehalf.evaluation.result import Examples, RowExample
from onehalf.evaluation.rows import EvaluationRows
from onehalf.evaluation.samples import Samples

__all__ = ["find_examples"]

LISTED = 20
"""The most telling rows of each side that are listed."""


def find_examples(
    paired: PairedSamples, certificate: Certificate, samples: Samples
) -> Examples:
    """The most telling rows by their numbers in the user's files, with their log ratio in nats; tables with cells."""
    l_real, l_other = paired.log_ratios(*certificate.logits)
    real_places, other_places = paired.judged_places(certificate)
    chosen = most_telling(l_real, l_other, LISTED)
    columns = samples.encoder.columns

    def examples(
        name: str, rows: EvaluationRows, log_ratios: np.ndarray, places: np.ndarray
    ) -> tuple[RowExample, ...]:
        return tuple(
            RowExample(
                row=int(places[i]),
                log_ratio=float(log_ratios[i]),
                cells=columns.show_row(rows.x[places[i]]) or None,
            )
            for i in chosen[name]
        )

    return Examples(
        missing=examples("missing", samples.real, l_real, real_places),
        unexpected=examples("unexpected", samples.other, l_other, other_places),
        convincing=examples("convincing", samples.other, l_other, other_places),
    )
