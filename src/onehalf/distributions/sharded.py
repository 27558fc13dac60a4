"""Batches that are shared out over devices: each holds and works on its part of every batch."""

from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from onehalf._typing import PRNGKey, Samples
from onehalf.distributions.base import AbstractData, Batch

__all__ = ["ShardedBatches", "make_mesh", "replicate", "take_local"]

Tree = TypeVar("Tree")

AXIS = "batch"
"""The name of the mesh's one axis."""


def make_mesh() -> Mesh:
    """All devices of all processes, in a row."""
    return Mesh(np.array(jax.devices()), (AXIS,))


class ShardedBatches(AbstractData):
    """The same distribution: its batches are the same rows, and each device of a mesh has an equal part of them.

    What is computed from a batch is computed where its rows are, and a mean over it, such as a gradient, becomes a sum
    over the devices (XLA's partitioner). Keys settle the rows, not devices: there may be any number of these.
    """

    inner: AbstractData
    mesh: Mesh = eqx.field(static=True)

    @property
    def shape(self) -> tuple[int, ...]:
        """That of an example of the distribution."""
        return self.inner.shape

    @property
    def condition_size(self) -> int:
        """That of the distribution."""
        return self.inner.condition_size

    def sample(self, key: PRNGKey, n: int) -> Samples:
        """Draw n examples, shared out."""
        return self.batch(key, n).x

    def batch(self, key: PRNGKey, n: int) -> Batch:
        """Draw n examples with their conditions, shared out."""
        apart = NamedSharding(self.mesh, PartitionSpec(AXIS))
        x, c = self.inner.batch(key, n)
        constrain: Any = jax.lax.with_sharding_constraint
        return Batch(constrain(x, apart), constrain(c, apart))

    def keep_whole(self, tree: Tree) -> Tree:
        """Say, inside a compiled function, that each device has all of these arrays."""
        return eqx.filter_shard(tree, NamedSharding(self.mesh, PartitionSpec()))


def replicate(tree: Tree, mesh: Mesh) -> Tree:
    """Put a copy of each array on every device; all processes must have the same arrays."""
    everywhere = NamedSharding(mesh, PartitionSpec())

    def put(leaf: Any) -> Any:
        if not eqx.is_array(leaf):
            return leaf
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jr.wrap_key_data(put(jr.key_data(leaf)), impl=jr.key_impl(leaf))
        value = np.asarray(leaf)
        return jax.make_array_from_callback(value.shape, everywhere, lambda at: value[at])

    return jax.tree.map(put, tree)


def take_local(tree: Tree) -> Tree:
    """Take the copy of each array that this process has, out of those that `replicate` made."""
    return jax.tree.map(
        lambda leaf: leaf.addressable_data(0) if eqx.is_array(leaf) else leaf, tree
    )
