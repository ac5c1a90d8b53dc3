"""Does the API server answer, do we hold the rights that we need, do our clocks agree?"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from remedyd import rights
from remedyd.cluster.access import Permission, check, listed
from remedyd.cluster.client import Cluster
from remedyd.doctor.clocks import skew
from remedyd.doctor.finding import Finding, Part
from remedyd.errors import ClusterUnavailable, RemedydError
from remedyd.model import Clock
from remedyd.rights import Rights, Use
from remedyd.settings import Settings

_PART: Final = Part("kubernetes")
_WAY: Final = "check the address, the network policy (port 443 or 6443) and the ServiceAccount"
_UNBIND: Final = (
    "take them away: `kubectl get clusterrolebindings,rolebindings -A -o wide` shows what binds "
    "the ServiceAccount"
)


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
        yield from _asked(cluster, uses, wanted, clock, _bind(settings))
        yield from _lease(cluster, settings)
    except RemedydError as error:
        silent = isinstance(error, ClusterUnavailable) or not error.hint
        yield _PART.fail(
            "reachable", f"{cluster.server}: {error.message}", _WAY if silent else error.hint
        )
    finally:
        cluster.close()


def _asked(
    cluster: Cluster, uses: Sequence[Use], wanted: Rights, clock: Clock, bind: str
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
        yield _PART.fail("rights", detail, bind)
    else:
        yield _PART.ok("rights", f"all {count} that the enabled policies need are held")
    excess = rights.excess(cluster, wanted)
    if excess:
        yield _PART.warn("excess rights", f"{len(excess)}: {listed(excess)}", _UNBIND)


def _lease(cluster: Cluster, settings: Settings) -> Iterator[Finding]:
    """Say whether we could lead: without the Lease nobody acts."""
    if not settings.lease:
        return
    where, name = settings.own_namespace(), settings.lease
    if not where:
        detail = f"the namespace of the Lease {name} is not known"
        yield _PART.fail("lease", detail, "set REMEDYD_NAMESPACE, or run in a cluster")
        return
    answers = [
        check(cluster, Permission(verb, "Lease"), where, "" if verb == "create" else name)
        for verb in ("create", "get", "update")
    ]
    lacking = [answer for answer in answers if not answer.allowed]
    if lacking:
        detail = f"{where}/{name}: this daemon cannot lead: it may not {listed(lacking)}"
        yield _PART.fail("lease", detail, _bind(settings))
    else:
        yield _PART.ok("lease", f"{where}/{name} may be held")


def _bind(settings: Settings) -> str:
    """Return how to grant what these settings need: a command that prints it."""
    words = ["remedyd rbac render", *map(str, settings.policies)]
    words += [f"--audits {path}" for path in settings.audits]
    words += [f"-n {where}"] if (where := settings.own_namespace()) else []
    words += [f"--lease {settings.lease}"] if settings.lease else []
    words += [f"--action {one}" for one in settings.rights.requested_actions]
    words += [f"--in {one}" for one in settings.rights.requested_namespaces]
    words += ["--dry-run"] if settings.dry_run else []
    words += [] if settings.trail.kubernetes_events else ["--no-events"]
    callers = settings.server.kubernetes_tokens
    words += ["--kubernetes-tokens"] if callers.enabled else []
    words += ["--scopes-from rbac"] if callers.enabled and callers.scopes_from == "rbac" else []
    return (
        f"bind what `{' '.join(words)}` prints (--name: the ServiceAccount); the chart does so "
        "with rbac.create"
    )
