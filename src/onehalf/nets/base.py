"""What every player is."""

from abc import abstractmethod

import equinox as eqx

from onehalf._typing import PRNGKey, Sample

__all__ = ["AbstractNet"]


class AbstractNet(eqx.Module):
    """A function from one example to one example, with parameters. As D its output is one logit, of shape ().

    To add one, take `key, in_shape, out_shape` first, so that every member can be built alike (the law tests do).
    """

    in_shape: eqx.AbstractVar[tuple[int, ...]]
    out_shape: eqx.AbstractVar[tuple[int, ...]]

    @abstractmethod
    def __call__(self, x: Sample, *, key: PRNGKey | None = None) -> Sample:
        """The output for one example of shape in_shape; `key` is for dropout, and None switches dropout off."""
