"""Whatever happens to the Lease, the connection and the clocks: never two leaders, always one soon.

A Lease in memory, many short lives: electors step when they like, the API server fails or answers
late, and somebody edits the Lease or deletes it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remedyd.cluster.elector import Elector
from remedyd.errors import ClusterRejected, ClusterUnavailable, NotFound, OutcomeUnknown
from remedyd.model import ManualClock
from support.labserver import NOW

TAKEOVER = 15.0
ODD_DURATIONS = (-5, 0, None, "15", 15.7, "soon", True, 45, 2**31 - 1, [], float("nan"))
LONG = {"45": 45.0, str(2**31 - 1): 60.0, "15.7": 15.7}
"""Of the durations those beyond the promise."""
ODD_TIMES = (
    None, "", "2026-11-05T12:00:00Z", "2026-11-05T12:00:00.123456Z",
    "2026-11-05T13:00:00.123456789+01:00", "yesterday", 12, "9999-12-31T23:59:59Z",
)  # fmt: skip
ODD_HOLDERS = (None, "", "somebody-else", 7, "e1")
ODD_COUNTS = (None, -1, "3", "many", 2**40, 1.5)


@dataclass
class Time:
    """Seconds that pass for everybody alike."""

    seconds: float = 100.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Leases:
    """One Lease; the next request may fail before or after it took effect, or take its time."""

    time: Time
    lease: dict[str, Any] | None = None
    version: int = 1
    trouble: str = ""
    delay: float = 0.0
    waits: list[float] = field(default_factory=list)

    def _passes(self, act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        trouble, self.trouble = self.trouble, ""
        delay, self.delay = self.delay, 0.0
        if trouble == "refused":
            raise ClusterUnavailable("no connection")
        if trouble == "error":
            raise ClusterRejected("internal", status=500, reason="InternalError")
        if trouble == "late":
            self.time.seconds += delay
        answer = act()
        if trouble == "lost":
            raise OutcomeUnknown("no answer")
        if trouble == "slow":
            self.time.seconds += delay
        return answer

    def get(self, kind: str, namespace: str, name: str) -> dict[str, Any]:
        """Read."""
        return self._passes(self._read)

    def _read(self) -> dict[str, Any]:
        if self.lease is None:
            raise NotFound("there is no Lease")
        spec = self.lease["spec"]
        spec = dict(spec) if isinstance(spec, dict) else spec
        return {"metadata": {"resourceVersion": str(self.version)}, "spec": spec}

    def create(self, kind: str, namespace: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create, once."""

        def act() -> dict[str, Any]:
            if self.lease is not None:
                raise ClusterRejected("exists", status=409, reason="AlreadyExists")
            return self.put(body["spec"])

        return self._passes(act)

    def replace(self, kind: str, namespace: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """Replace under the resourceVersion."""

        def act() -> dict[str, Any]:
            if self.lease is None:
                raise NotFound("there is no Lease")
            if body["metadata"]["resourceVersion"] != str(self.version):
                raise ClusterRejected("changed", status=409, reason="Conflict")
            return self.put(body["spec"])

        return self._passes(act)

    def put(self, spec: Any) -> dict[str, Any]:
        """Store, as anybody may."""
        self.lease = {"spec": dict(spec) if isinstance(spec, dict) else spec}
        self.version += 1
        return {"metadata": {"resourceVersion": str(self.version)}, "spec": spec}


@dataclass
class Scene:
    """Three electors; each machine has a wall clock of its own, hours apart."""

    time: Time = field(default_factory=Time)

    def __post_init__(self) -> None:
        self.api = Leases(self.time)
        skews = (timedelta(hours=-9), timedelta(0), timedelta(days=400))
        self.electors = [
            Elector(
                self.api, ManualClock(NOW + skew), "n", "l", f"e{number}",
                passing=self.time, jitter=Random(number),
            )
            for number, skew in enumerate(skews)
        ]  # fmt: skip

    def leaders(self) -> int:
        return sum(elector.leading for elector in self.electors)

    def live(self, seconds: float, awake: list[Elector]) -> float | None:
        """Let each step when its pause is over; return after how long one leads, None: never."""
        begun, due = self.time.seconds, [self.time.seconds] * len(awake)
        while self.time.seconds < begun + seconds:
            for number, elector in enumerate(awake):
                if self.time.seconds >= due[number]:
                    elector.step()
                    due[number] = self.time.seconds + elector.pause()
            if any(elector.leading for elector in awake):
                return self.time.seconds - begun
            self.time.seconds = min(due)
        return None


steps = st.tuples(
    st.integers(0, 2),
    st.floats(0, 12),
    st.sampled_from(("", "", "", "refused", "error", "lost", "late", "slow")),
    st.floats(0, 9),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(steps, max_size=60))
def test_never_two_leaders(moves: list[tuple[int, float, str, float]]) -> None:
    """Whoever steps when, however late the answers come, and however long nobody steps."""
    scene = Scene()
    for who, wait, trouble, delay in moves:
        scene.api.trouble, scene.api.delay = trouble, delay
        scene.electors[who].step()
        scene.api.trouble = ""
        assert scene.leaders() <= 1
        scene.time.seconds += wait
        assert scene.leaders() <= 1


specs = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {},
        optional={
            "holderIdentity": st.sampled_from(ODD_HOLDERS),
            "leaseDurationSeconds": st.sampled_from(ODD_DURATIONS),
            "renewTime": st.sampled_from(ODD_TIMES),
            "acquireTime": st.sampled_from(ODD_TIMES),
            "leaseTransitions": st.sampled_from(ODD_COUNTS),
        },
    ),
)


@settings(max_examples=300, deadline=None)
@given(specs)
def test_a_lease_left_by_a_stranger_is_taken_when_it_ends(spec: dict[str, Any] | None) -> None:
    """However odd its values: a step never raises, and a minute is the most anybody can ask."""
    scene = Scene()
    scene.api.put(spec)
    asked = (spec or {}).get("leaseDurationSeconds")
    led = scene.live(100, scene.electors)
    assert led is not None and led <= LONG.get(repr(asked), TAKEOVER) + 0.1


@settings(max_examples=100, deadline=None)
@given(specs, st.booleans())
def test_a_lease_that_is_edited_or_deleted_has_one_leader_again(
    spec: dict[str, Any] | None, deleted: bool
) -> None:
    """Who led notices, and never two lead meanwhile."""
    scene = Scene()
    assert scene.live(1, scene.electors) is not None
    if deleted:
        scene.api.lease = None
    else:
        scene.api.put(spec)
    for _ in range(140):
        for elector in scene.electors:
            elector.step()
            assert scene.leaders() <= 1
        scene.time.seconds += 0.5
    assert scene.leaders() == 1


@pytest.mark.parametrize("frozen", range(10))
def test_the_next_leads_within_fifteen_seconds(frozen: int) -> None:
    """Wherever between two renewals the leader is struck."""
    scene = Scene()
    first, *others = scene.electors
    assert first.step()
    for other in others:
        other.step()
    scene.live(0.1, others)
    scene.time.seconds += frozen * 0.2
    assert first.step()
    led = scene.live(60, others)
    assert led is not None and led <= TAKEOVER
