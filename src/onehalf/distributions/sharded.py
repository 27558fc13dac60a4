"""Batches and rows that are shared out over devices: each works on its part of every batch, and may hold but a part of
all rows.
"""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.experimental.multihost_utils import broadcast_one_to_all
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Int

from onehalf._blocks import blocks
from onehalf._typing import PRNGKey, Samples
from onehalf.distributions.base import AbstractData, AbstractRows, Batch

__all__ = [
    "ShardedBatches",
    "ShardedRows",
    "make_mesh",
    "replicate",
    "share_batches",
    "share_rows",
    "take_local",
]

Tree = TypeVar("Tree")

AXIS = "batch"
"""The name of the mesh's one axis."""

MOST_WHOLE = 2**28
"""Bytes of rows up to which each device has all of them, so that no step has to fetch any."""

SENT = 2**26
"""Bytes that are sent to other processes at a time."""


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
        return self.share_out(self.inner.batch(key, n))

    def share_out(self, batch: Batch) -> Batch:
        """Say, inside a compiled function, that each device has a part of this batch."""
        return eqx.filter_shard(batch, NamedSharding(self.mesh, PartitionSpec(AXIS)))

    def keep_whole(self, tree: Tree) -> Tree:
        """Say, inside a compiled function, that each device has all of these arrays."""
        return eqx.filter_shard(tree, NamedSharding(self.mesh, PartitionSpec()))


class ShardedRows(AbstractRows, ShardedBatches):
    """The same rows, of which each device of a mesh holds an equal part, or all; `share_rows` makes them.

    A batch may take any rows: each device sends those that it has. `inner` may have further rows at its end, so that
    the parts are equal; they are never drawn.
    """

    count: int = eqx.field(static=True)
    """The number of rows."""

    def __len__(self) -> int:
        return self.count

    def at(self, key: PRNGKey, row: Int[Array, " m"]) -> Samples:
        """Draw an example from each of these rows, shared out."""
        return self.batch_at(key, row).x

    def batch_at(self, key: PRNGKey, row: Int[Array, " m"]) -> Batch:
        """Draw an example from each of these rows, with its condition, shared out."""
        row = self.keep_whole(row)
        fetched = self._rows.map_rows(lambda rows: self.keep_whole(rows[row]))
        return self.share_out(fetched.batch_at(key, jnp.arange(len(row))))

    def map_rows(self, change: Callable[[Array], Array]) -> "ShardedRows":
        """Other rows, as many."""
        return ShardedRows(self._rows.map_rows(change), self.mesh, self.count)

    @property
    def _rows(self) -> AbstractRows:
        """The rows, and perhaps further ones."""
        rows: Any = self.inner
        return rows

    @property
    def is_apart(self) -> bool:
        """Whether each device holds a part of the rows, rather than all."""
        return any(
            not leaf.is_fully_replicated
            for leaf in jax.tree.leaves(eqx.filter(self.inner, eqx.is_array))
        )


def share_batches(p: AbstractData, mesh: Mesh) -> ShardedBatches:
    """Share out the batches of a distribution that all processes have, and its rows if they are many."""
    if isinstance(p, ShardedBatches):
        return p
    if isinstance(p, AbstractRows):
        return share_rows(p, len(p), mesh)
    return ShardedBatches(replicate(p, mesh), mesh)


def share_rows(
    p_data: AbstractRows, count: int, mesh: Mesh, *, is_whole: bool = False
) -> ShardedRows:
    """Give each device of all processes its part of the rows of process 0, or all of them.

    Args:
        p_data: The rows on process 0; elsewhere the same distribution without rows.
        count: The rows on process 0.
        mesh: All devices.
        is_whole: Whether each device gets all rows, even if they take more than 256 MiB.
    """
    is_apart = not is_whole and count * _row_bytes(p_data) > MOST_WHOLE
    sharding = NamedSharding(mesh, PartitionSpec(AXIS) if is_apart else PartitionSpec())
    spread = p_data.map_rows(lambda rows: _spread(rows, count, sharding))
    return ShardedRows(replicate(spread, mesh), mesh, count)


def _row_bytes(p_data: AbstractRows) -> int:
    """The bytes of a row as it is stored."""
    sizes: list[int] = []

    def add(rows: Array) -> Array:
        sizes.append(rows.dtype.itemsize * math.prod(rows.shape[1:]))
        return rows

    p_data.map_rows(add)
    return sum(sizes)


def _spread(rows: Array, count: int, sharding: NamedSharding) -> Array:
    """Send the rows of process 0 to all processes; each keeps those of its devices."""
    parts = 1 if sharding.is_fully_replicated else sharding.mesh.size
    shape = (-(-count // parts) * parts, *rows.shape[1:])
    each = shape[0] // parts
    places = sharding.addressable_devices_indices_map(shape).values()
    starts = [at[0].start or 0 for at in places if at is not None]
    first, last = min(starts), max(starts) + each
    own = np.zeros((last - first, *shape[1:]), rows.dtype)
    row_bytes = rows.dtype.itemsize * math.prod(shape[1:])
    for block in blocks(count, SENT // max(1, row_bytes)):
        nothing = np.zeros((block.stop - block.start, *shape[1:]), rows.dtype)
        received = broadcast_one_to_all(np.asarray(rows[block]) if len(rows) else nothing)
        start, stop = max(first, block.start), min(last, block.stop)
        if start < stop:
            own[start - first : stop - first] = received[
                start - block.start : stop - block.start
            ]
    return jax.make_array_from_process_local_data(sharding, own, shape)


def replicate(tree: Tree, mesh: Mesh) -> Tree:
    """Put a copy of each array on every device; all processes must have the same arrays."""
    everywhere = NamedSharding(mesh, PartitionSpec())

    def put(leaf: Any) -> Any:
        if not eqx.is_array(leaf) or leaf.sharding.device_set == set(mesh.devices.flat):
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
