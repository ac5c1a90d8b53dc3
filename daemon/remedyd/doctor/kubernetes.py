"""Does the API server answer, do we hold the rights that we need, do our clocks agree?"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from remedyd import rights
from remedyd.cluster.access import listed
from remedyd.cluster.client import Cluster
from remedyd.doctor.clocks import skew
from remedyd.doctor.finding import Finding, Part
from remedyd.errors import ClusterUnavailable, RemedydError
from remedyd.model import Clock
from remedyd.rights import Rights, Use
from remedyd.settings import Settings

_PART: Final = Part("kubernetes")
_WAY: Final = "check the address, the network policy (port 443 or 6443) and the ServiceAccount"
_RENDER: Final = "bind what `remedyd rbac render` prints"


def kubernetes(settings: Settings, uses: Sequence[Use], clock: Clock) -> Iterator[Finding]:
    """Yield the findings about the cluster that the daemon cares for."""
    try:
        cluster = Cluster.connect(
            kubeconfig=settings.kubernetes.kubeconfig,
            context=settings.kubernetes.context,
            timeout_seconds=settings.kubernetes.timeout_seconds,
        )
    except RemedydError as error:
        yield _PART.fail("configured", error.message, error.hint)
        return
    try:
        events = settings.trail.kubernetes_events
        wanted = rights.rights(uses, dry_run=settings.dry_run, events=events)
        yield from _asked(cluster, uses, wanted, clock)
    except RemedydError as error:
        silent = isinstance(error, ClusterUnavailable) or not error.hint
        yield _PART.fail(
            "reachable", f"{cluster.server}: {error.message}", _WAY if silent else error.hint
        )
    finally:
        cluster.close()


def _asked(
    cluster: Cluster, uses: Sequence[Use], wanted: Rights, clock: Clock
) -> Iterator[Finding]:
    version = cluster.version()
    yield _PART.ok("reachable", f"{cluster.server}, Kubernetes {version}")
    now: datetime | None = cluster.time()
    if now is not None:
        yield skew(_PART, now, clock.now())
    missing = rights.missing(cluster, wanted)
    count = len(wanted.everywhere) + sum(map(len, wanted.within.values()))
    if missing:
        disabled = ", ".join(sorted(rights.disabled(uses, missing))) or "none"
        detail = f"{len(missing)} of {count} are missing: {listed(missing)}; disabled: {disabled}"
        yield _PART.fail("rights", detail, _RENDER)
    else:
        yield _PART.ok("rights", f"all {count} that the enabled policies need are held")
    excess = rights.excess(cluster, wanted)
    if excess:
        yield _PART.warn("excess rights", f"{len(excess)}: {listed(excess)}", _RENDER)
