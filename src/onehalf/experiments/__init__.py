"""One file per claim of the derivation: what the theory gives, what is measured, and a picture.

They run in the order of the derivation (docs/explanation/derivation.md), which names each of them beside its formulas.
"""

from onehalf.experiments.base import AbstractExperiment
from onehalf.experiments.uniform_shift import UniformShift

__all__ = [
    "AbstractExperiment",
    "UniformShift",
]
