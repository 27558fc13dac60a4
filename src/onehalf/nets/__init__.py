"""Players: one example in, one example or one logit out; batches are `jax.vmap` outside.

No layer keeps running batch statistics, so a network is a pure function of its parameters, its
input and a key.
"""

from onehalf.nets.base import AbstractNet
from onehalf.nets.convolutional import ConvolutionalD, ConvolutionalG
from onehalf.nets.mlp import MLP

__all__ = ["MLP", "AbstractNet", "ConvolutionalD", "ConvolutionalG"]
