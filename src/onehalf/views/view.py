"""All that there is to show of a run, as one value."""

from dataclasses import dataclass
from typing import Any, Literal

from onehalf.evaluation.serialization import json_schema, to_json
from onehalf.views.pictures import Picture

__all__ = [
    "SCHEMA_VERSION",
    "SHIFT_FREE_LOSSES",
    "CertificateView",
    "Evaluations",
    "History",
    "Kept",
    "Rounds",
    "RunState",
    "RunView",
    "Seconds",
    "schema",
]

SCHEMA_VERSION = 1
"""Of the JSON; a key that exists keeps its meaning within a version."""

SHIFT_FREE_LOSSES = ("Wasserstein", "Relativistic")
"""With these losses D is determined only up to a shift, so that D = 1/2 is no goal."""

RunState = Literal[
    "waiting",
    "training",
    "evaluating",
    "finished",
    "interrupted",
    "diverged",
    "damaged",
    "vanished",
]
"""What a run is at: before its first rounds; in its rounds; at its certificate; at its end; stopped before it; ended by
numbers that are not finite; unreadable; gone from the disk."""

Gaps = tuple[float | None, ...]
"""Numbers; null where there is none."""


@dataclass(frozen=True, kw_only=True)
class Rounds:
    """Rounds of a run."""

    done: int
    planned: int
    """In all; with `minutes`, by the latest plan."""
    extended_at: int
    """The round after which more rounds were last asked for; 0 if that never happened."""
    next_evaluation: int | None
    """The round of the next evaluation; null after the last one, or without evaluations."""


@dataclass(frozen=True, kw_only=True)
class Seconds:
    """Times of a run, when it was last saved."""

    so_far: float
    """Rounds and evaluations."""
    evaluating: float
    """Of these, evaluations."""
    left: float | None
    """Until the last round, by the speed of the later half of the history, and within the `minutes` that were asked
    for; null where nothing is known, as after the first rounds, which have the time to compile."""
    total: float
    """All of it so far: reading and encoding the data, rounds and evaluations, and the comparison with test rows."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """An evaluation of one seed on validation rows."""

    t: int
    """The round."""
    estimate: float
    """JSD in nats; below 0, the critic was misled by chance."""
    se: float
    """Its standard error."""


@dataclass(frozen=True, kw_only=True)
class History:
    """Means over the rounds up to each `t`, for the seed that is shown; lists of one length."""

    t: tuple[int, ...]
    seconds: Gaps
    V: Gaps
    """V = E[log D(x)] + E[log(1 - D(G(z)))], in nats."""
    D_x: Gaps
    D_Gz: Gaps
    gradient_D: Gaps | None
    """Norms of gradients; null of players that have none."""
    gradient_G: Gaps | None


@dataclass(frozen=True, kw_only=True)
class Evaluations:
    """Evaluations on validation rows, for the seed that is shown; lists of one length."""

    t: tuple[int, ...]
    estimate: Gaps
    """JSD in nats."""
    se: Gaps
    lower: Gaps
    """Certified: at least this much, at all evaluations at once, with 95 % confidence."""


@dataclass(frozen=True, kw_only=True)
class CertificateView:
    """The comparison with test rows, at the end of a run."""

    outcome: str
    """'they differ', 'no difference found' or 'too few rows to tell'."""
    sentence: str
    jsd_lower: float | None
    jsd_estimate: float | None
    jsd_se: float | None
    p_value: float | None


@dataclass(frozen=True, kw_only=True)
class RunView:
    """What there is to show of a run."""

    schema_version: int = SCHEMA_VERSION
    name: str
    """The name of the run's folder."""
    label: str
    """The same, with as much of its path as tells runs that are shown together apart."""
    revision: str
    """Changes whenever anything else in here does."""
    state: RunState
    is_at_work: bool
    """Whether a fit is at work in the folder."""
    sentence: str
    """The state in a few plain sentences: rounds, time left, held-out nats, and what happens next."""
    onehalf: str | None
    """The version that wrote the run."""
    saved_at: float | None
    """When it was last saved, in seconds since 1970."""
    source: str | None
    """The name of the data."""
    rounds: Rounds | None
    """Null before the first save, as is all that follows."""
    seconds: Seconds | None = None
    players: str | None = None
    """'neural' or 'trees'."""
    loss: str | None = None
    value_at_equilibrium: float | None = None
    """V where D is 1/2 everywhere, -log 4; null where the loss leaves D open up to a shift."""
    seeds: int = 0
    seed: int | None = None
    """The seed that is shown: the one that is sampled from."""
    history: History | None = None
    evaluations: Evaluations | None = None
    null: Kept | None = None
    """The same evaluation for data against data."""
    kept: Kept | None = None
    """The evaluation whose G is kept."""
    certificate: CertificateView | None = None
    picture: Picture | None = None
    notes: tuple[str, ...] = ()
    """What can't be shown, and why."""

    def to_dict(self) -> dict[str, Any]:
        """Make plain values for JSON, null for numbers that are not finite."""
        return to_json(self)


def schema() -> dict[str, Any]:
    """Describe the JSON of a view as a JSON schema."""
    return json_schema(RunView, "RunView")
