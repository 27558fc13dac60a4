from .certificate.certificate import Certificate, certify
from .certificate.monitor import SequentialMonitor, monitor
from .measurement import compare
from .result import Measurement

__all__ = [
    "Certificate",
    "Measurement",
    "SequentialMonitor",
    "certify",
    "compare",
    "monitor",
]
