"""D as a measuring instrument: how far p_g is from p_data, judged on rows that neither player has seen."""

from onehalf.measuring.critics import HeldOut, held_out

__all__ = ["HeldOut", "held_out"]
