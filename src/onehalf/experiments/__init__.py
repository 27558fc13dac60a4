"""One file per claim of the derivation: what the theory gives, what is measured, a figure.

They run in the order of the derivation (docs/explanation/derivation.md), which names each of
them next to its formulas.
"""

from onehalf.experiments.base import AbstractExperiment
from onehalf.experiments.classification import Classification
from onehalf.experiments.convexity import Convexity
from onehalf.experiments.danskin import Danskin
from onehalf.experiments.dirac_gan import DiracGAN
from onehalf.experiments.divergences import Divergences
from onehalf.experiments.equilibrium import Equilibrium
from onehalf.experiments.figure_one import FigureOne
from onehalf.experiments.folds import Folds
from onehalf.experiments.generator_path import GeneratorPath
from onehalf.experiments.ideal_loop import IdealLoop
from onehalf.experiments.jsd_metric import JSDMetric
from onehalf.experiments.known_answers import KnownAnswers
from onehalf.experiments.learned_d import LearnedD
from onehalf.experiments.least_kl import LeastKL
from onehalf.experiments.min_max import MinMax
from onehalf.experiments.minibatch import Minibatch
from onehalf.experiments.modes import Modes
from onehalf.experiments.original_2014 import Original2014
from onehalf.experiments.overfit_d import OverfitD
from onehalf.experiments.parzen import Parzen
from onehalf.experiments.pointwise_maximum import PointwiseMaximum
from onehalf.experiments.saturation import Saturation
from onehalf.experiments.steps_of_d import StepsOfD
from onehalf.experiments.uniform_shift import UniformShift

__all__ = [  # noqa: RUF022
    "AbstractExperiment",
    "FigureOne",
    "Equilibrium",
    "Minibatch",
    "Classification",
    "LearnedD",
    "OverfitD",
    "MinMax",
    "Divergences",
    "LeastKL",
    "Folds",
    "PointwiseMaximum",
    "KnownAnswers",
    "UniformShift",
    "GeneratorPath",
    "JSDMetric",
    "Danskin",
    "IdealLoop",
    "StepsOfD",
    "Saturation",
    "Convexity",
    "DiracGAN",
    "Parzen",
    "Modes",
    "Original2014",
]
