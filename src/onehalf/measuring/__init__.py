"""D as a measuring instrument: how far p_g is from p_data, judged on rows that neither player has seen."""

from onehalf.measuring.certificate import Certificate, Watch, certify, watch
from onehalf.measuring.measurement import Measurement, measure

__all__ = ["Certificate", "Measurement", "Watch", "certify", "measure", "watch"]
