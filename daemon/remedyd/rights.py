"""What a daemon with these policies may do in Kubernetes: rendered as RBAC, asked of the cluster.

A policy that names its namespaces gets Roles there and nothing elsewhere; one that acts in all of
them, or in those that match a pattern, gets a ClusterRole. Nodes and namespaces have no namespace
and always need one. The chart renders the same rules from the same table (a test compares).
"""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby

from remedyd.actions.registry import ACTIONS
from remedyd.actions.rights import TOLD, WATCHED, needs
from remedyd.cluster.access import Access, Permission, Reviewer, check
from remedyd.cluster.kinds import KINDS, WORKLOADS, kind_of
from remedyd.documents import did_you_mean
from remedyd.errors import InvalidInput
from remedyd.model import KubeObject, Mode
from remedyd.policy.policy import Policy

_AT_ONCE = 4
_API = "rbac.authorization.k8s.io"
_VERBS = ("get", "list", "create", "update", "patch", "delete")
_SUBRESOURCES = (
    Permission("create", "Pod", "eviction"),
    Permission("create", "Pod", "exec"),
    Permission("patch", "Pod", "resize"),
)
_OWN = frozenset({"Lease", "SelfSubjectAccessReview", "SubjectAccessReview", "TokenReview"})


@dataclass(frozen=True, slots=True)
class Use:
    """An action on workloads of some kinds; without `namespaces` it is used in all of them.

    `policy` says that policies use it, under guardrails that watch the cluster; `rehearsed` that
    it ends as a dry run, so that nothing is read back or told of.
    """

    action: str
    kinds: tuple[str, ...] = tuple(sorted(WORKLOADS))
    namespaces: tuple[str, ...] = ()
    policy: bool = False
    rehearsed: bool = False

    @property
    def everywhere(self) -> bool:
        """Whether no list of namespaces bounds it: none is given, or one is a pattern."""
        return not self.namespaces or any("*" in one for one in self.namespaces)


@dataclass(frozen=True, slots=True)
class Rights:
    """What is needed in the whole cluster, and in single namespaces beyond that."""

    everywhere: frozenset[Permission]
    within: Mapping[str, frozenset[Permission]]


@dataclass(frozen=True, slots=True)
class Review:
    """Rights that are needed and not held, and ones that are held and not needed."""

    missing: tuple[Access, ...]
    excess: tuple[Access, ...]


def uses(policies: Iterable[Policy]) -> Iterator[Use]:
    """Yield the actions of all policies that are not disabled; Kubernetes authorizes a dry run,
    too.
    """
    for policy in policies:
        if policy.mode is Mode.DISABLED:
            continue
        match = policy.spec.match
        kinds = tuple(str(kind) for kind in match.target_kinds)
        for step in policy.steps:
            rehearsed = policy.mode is Mode.DRY_RUN
            yield Use(step.action.type, kinds, match.namespaces, True, rehearsed)


def requested(actions: Iterable[str], namespaces: Iterable[str] = ()) -> tuple[Use, ...]:
    """Return what people, workflows and agents may ask for, beyond the policies' own use.

    Raises InvalidInput for an action that there is none of.
    """
    wanted, places = tuple(actions), tuple(namespaces)
    unknown = [
        f'no action is called "{one}"{did_you_mean(one, ACTIONS)}'
        for one in wanted
        if one not in ACTIONS
    ]
    if unknown:
        raise InvalidInput("; ".join(unknown), hint=f"the actions are {', '.join(sorted(ACTIONS))}")
    return tuple(Use(one, namespaces=places) for one in wanted)


def rights(wanted: Iterable[Use], *, dry_run: bool = False, events: bool = True) -> Rights:
    """Return the least that lets a daemon do all of `wanted`.

    With `dry_run` it only rehearses, whatever a policy says; without `events` it does not tell of
    changes on the workloads.
    """
    everywhere: set[Permission] = set()
    within: dict[str, set[Permission]] = {}
    for use in wanted:
        rehearsed = dry_run or use.rehearsed
        found = {one for kind in use.kinds for one in needs(use.action, kind, rehearsed=rehearsed)}
        found |= WATCHED if use.policy else frozenset()
        found |= TOLD if events and not rehearsed and use.action != "Status" else frozenset()
        spread = {one for one in found if use.everywhere or not kind_of(one.kind).namespaced}
        everywhere |= spread
        if not use.everywhere:
            for namespace in use.namespaces:
                within.setdefault(namespace, set()).update(found - spread)
    left = {name: frozenset(held - everywhere) for name, held in sorted(within.items())}
    return Rights(frozenset(everywhere), {name: held for name, held in left.items() if held})


def rules(held: Iterable[Permission]) -> list[KubeObject]:
    """Return RBAC rules: one for each resource, in order."""
    ordered = sorted(held, key=lambda one: (one.group, one.resource, one.verb))
    return [
        {"apiGroups": [group], "resources": [resource], "verbs": [one.verb for one in same]}
        for (group, resource), same in groupby(ordered, lambda one: (one.group, one.resource))
    ]


def manifests(
    wanted: Rights,
    *,
    name: str,
    namespace: str,
    account: str,
    lease: str = "",
    callers: Iterable[Permission] = (),
) -> Iterator[KubeObject]:
    """Yield roles and bindings for the ServiceAccount `namespace/account`.

    `lease` names the Lease by which several daemons elect the one that acts; empty: none.
    `callers` is what it takes to ask who holds a Kubernetes token (`cluster.identity.NEEDED`).
    """
    subject = {"kind": "ServiceAccount", "name": account, "namespace": namespace}
    if wanted.everywhere:
        yield from _pair("ClusterRole", name, "", rules(wanted.everywhere), subject)
    for where, held in wanted.within.items():
        yield from _pair("Role", name, where, rules(held), subject)
    if lease:
        own = rules([Permission("create", "Lease")])  # names cannot bound what is not there yet
        named = rules([Permission(verb, "Lease") for verb in ("get", "update")])
        own += [{**one, "resourceNames": [lease]} for one in named]
        yield from _pair("Role", f"{name}-lease", namespace, own, subject)
    if asked := rules(callers):
        yield from _pair("ClusterRole", f"{name}-identity", "", asked, subject)


def _pair(
    kind: str, name: str, namespace: str, granted: list[KubeObject], subject: KubeObject
) -> Iterator[KubeObject]:
    meta = {"name": name} | ({"namespace": namespace} if namespace else {})
    yield {"apiVersion": f"{_API}/v1", "kind": kind, "metadata": meta, "rules": granted}
    yield {
        "apiVersion": f"{_API}/v1",
        "kind": f"{kind}Binding",
        "metadata": meta,
        "roleRef": {"apiGroup": _API, "kind": kind, "name": name},
        "subjects": [subject],
    }


def review(cluster: Reviewer, wanted: Rights) -> Review:
    """Ask the API server about each right that is needed, and about those that are not.

    Raises ClusterError.
    """
    return Review(missing(cluster, wanted), excess(cluster, wanted))


def missing(cluster: Reviewer, wanted: Rights) -> tuple[Access, ...]:
    """Return the needed rights that we do not hold; raise ClusterError."""
    places = {"": wanted.everywhere, **wanted.within}
    answers = _asked(cluster, [(one, where) for where in places for one in sorted(places[where])])
    return tuple(answer for answer in answers if not answer.allowed)


def excess(cluster: Reviewer, wanted: Rights) -> tuple[Access, ...]:
    """Return rights that we hold without need; raise ClusterError.

    Asked are the verbs that change or read the kinds that the daemon knows, Secrets among them;
    a right on any other kind is not found.
    """
    unneeded = sorted(_known() - wanted.everywhere)
    found = [one for one in _asked(cluster, [(one, "") for one in unneeded]) if one.allowed]
    spread = {one.permission for one in found}
    inside = [
        (one, where)
        for where, held in wanted.within.items()
        for one in unneeded
        if one not in held | spread and kind_of(one.kind).namespaced
    ]
    found += [one for one in _asked(cluster, inside) if one.allowed]
    return tuple(Access(one.permission, one.namespace, True, "") for one in found)


def _asked(cluster: Reviewer, questions: Iterable[tuple[Permission, str]]) -> list[Access]:
    """Ask a few at a time: there are many, and a far API server takes its time for each."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="rights") as pool:
        return list(pool.map(lambda one: check(cluster, *one), questions))


def disabled(wanted: Iterable[Use], missing: Iterable[Access]) -> frozenset[str]:
    """Return the actions that cannot be carried out with these rights missing."""
    lacking = {answer.permission for answer in missing}
    return frozenset(
        use.action for use in wanted for kind in use.kinds if needs(use.action, kind) & lacking
    )


def _known() -> frozenset[Permission]:
    kinds = [kind for kind in KINDS if kind not in _OWN]
    return frozenset(
        (*(Permission(verb, kind) for verb in _VERBS for kind in kinds), *_SUBRESOURCES)
    )
