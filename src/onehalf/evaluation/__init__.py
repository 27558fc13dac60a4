"""D as a measuring instrument: how far p_g is from p_data, judged on rows that neither player has seen."""

from onehalf.evaluation.certificate.certificate import Certificate, certify
from onehalf.evaluation.certificate.monitor import SequentialMonitor, monitor
from onehalf.evaluation.measurement import Measurement, measure

__all__ = ["Certificate", "Measurement", "SequentialMonitor", "certify", "measure", "monitor"]
