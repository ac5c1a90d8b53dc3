"""Access reviews, token reviews and token requests: questions that are asked by creating them."""

from remedyd.lab.apiserver import bodies, decoding, gotime, managed, schema, status
from remedyd.lab.apiserver.access import AUDIENCE, Attributes, Verdict
from remedyd.lab.apiserver.backend import Backend, Call
from remedyd.lab.apiserver.deletion import timestamp
from remedyd.lab.apiserver.managed import Manager
from remedyd.lab.apiserver.messages import Response, User, write_options
from remedyd.lab.apiserver.status import bad_request
from remedyd.lab.apiserver.validation import invalid
from remedyd.model.values import KubeObject

_ONE_OF = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
_SHORTEST_SECONDS = 600


def _read(call: Call, kind: str, group_version: str) -> tuple[KubeObject, str]:
    options = write_options(call.request, "CreateOptions")
    warnings: list[str] = []
    return bodies.read(call, kind, group_version, options, warnings), options.manager


def _owned(
    call: Call, obj: KubeObject, kind: str, group_version: str, manager: str, part: str = ""
) -> None:
    """Record who sent the question; the answer is nobody's."""
    owner = Manager(manager, "Update", group_version, part)
    asked = {**obj, "metadata": dict(obj.get("metadata") or {})}
    asked.pop("status", None)
    held = schema.kind(group_version, kind)
    zero = decoding.decode({}, held).object
    zero.pop("status", None)
    managed.update(zero, asked, held, owner, call.store.timestamp())
    obj["metadata"] = asked["metadata"]


def _attributes(spec: KubeObject) -> Attributes:
    path = spec.get("nonResourceAttributes")
    if path:
        return Attributes(path.get("verb", ""), path=path.get("path", ""))
    held = spec["resourceAttributes"]
    names = ("verb", "group", "resource", "subresource", "namespace", "name")
    return Attributes(**{name: held.get(name, "") for name in names})


def _shown(verdict: Verdict) -> KubeObject:
    answer: KubeObject = {"allowed": verdict.allowed}
    return {**answer, "reason": verdict.reason} if verdict.reason else answer


def access(call: Call) -> Response:
    """Answer a SelfSubjectAccessReview, SubjectAccessReview or LocalSubjectAccessReview."""
    resource = call.resource
    obj, manager = _read(call, resource.kind, resource.group_version)
    spec = obj.get("spec") or {}
    if bool(spec.get("resourceAttributes")) == bool(spec.get("nonResourceAttributes")):
        cause = invalid("spec.resourceAttributes", None, _ONE_OF)
        raise status.invalid("", resource.group, "", [cause])
    user = call.request.user
    if resource.kind != "SelfSubjectAccessReview":
        groups = tuple(spec.get("groups") or ())
        user = User(spec.get("user", ""), groups, spec.get("uid", ""))
    _owned(call, obj, resource.kind, resource.group_version, manager)
    obj["status"] = _shown(call.backend.authorizer.decide(user, _attributes(spec)))
    return Response(201, obj)


def rules(call: Call) -> Response:
    """Answer a SelfSubjectRulesReview."""
    obj, _ = _read(call, call.resource.kind, call.resource.group_version)
    namespace = (obj.get("spec") or {}).get("namespace", "")
    resources, paths = call.backend.authorizer.rules(call.request.user, namespace)
    verdict = {"resourceRules": resources, "nonResourceRules": paths, "incomplete": False}
    head = {"kind": call.resource.kind, "apiVersion": call.resource.group_version}
    return Response(201, {**head, "metadata": {}, "spec": {}, "status": verdict})


def _user(user: User) -> KubeObject:
    pairs = {"username": user.name, "uid": user.uid, "groups": list(user.groups)}
    shown: KubeObject = {key: value for key, value in pairs.items() if value}
    return {**shown, "extra": dict(user.extra)} if user.extra else shown


def who_am_i(call: Call) -> Response:
    """Answer a SelfSubjectReview."""
    head = {"kind": call.resource.kind, "apiVersion": call.resource.group_version}
    meta = {"creationTimestamp": call.store.timestamp()}
    verdict = {"userInfo": _user(call.request.user)}
    return Response(201, {**head, "metadata": meta, "status": verdict})


def _list(audiences: tuple[str, ...] | list[str]) -> str:
    inner = " ".join(f'"{each}"' for each in audiences)
    return f"[{inner}]"


def _judge(backend: Backend, token: str, audiences: list[str]) -> KubeObject:
    found = backend.tokens.find(token, backend.store.clock.now())
    if found is None:
        return {"user": {}, "error": "invalid bearer token"}
    wanted = audiences or [AUDIENCE]
    shared = [each for each in wanted if each in found.audiences]
    if not shared:
        why = f"token audiences {_list(found.audiences)} is invalid for the target audiences"
        return {"user": {}, "error": f"[invalid bearer token, {why} {_list(wanted)}]"}
    return {"authenticated": True, "user": _user(found.user), "audiences": shared}


def token_review(call: Call) -> Response:
    """Answer a TokenReview."""
    resource = call.resource
    obj, manager = _read(call, resource.kind, resource.group_version)
    spec = obj.get("spec") or {}
    if not spec.get("token"):
        raise bad_request("token is required for TokenReview in authentication")
    _owned(call, obj, resource.kind, resource.group_version, manager)
    obj["status"] = _judge(call.backend, spec["token"], spec.get("audiences") or [])
    return Response(201, obj)


def token_request(call: Call) -> Response:
    """Answer a POST of serviceaccounts/token."""
    kind, version = "TokenRequest", "authentication.k8s.io/v1"
    obj, manager = _read(call, kind, version)
    account = call.get()
    spec = obj.get("spec") or {}
    seconds = int(spec.get("expirationSeconds") or 3600)
    if seconds < _SHORTEST_SECONDS:
        why = "may not specify a duration less than 10 minutes"
        cause = invalid("spec.expirationSeconds", seconds, why)
        raise status.invalid(kind, "authentication.k8s.io", "", [cause])
    now = call.store.clock.now()
    audiences = spec.get("audiences") or []
    tokens = call.backend.tokens
    token, expires = tokens.issue(account, audiences, now, seconds, call.backend.ids)
    _owned(call, obj, kind, version, manager, "token")
    meta = {key: account["metadata"][key] for key in ("name", "namespace", "uid")}
    meta |= {"creationTimestamp": call.store.timestamp()}
    shown = {"audiences": audiences or [AUDIENCE], "expirationSeconds": seconds}
    end = gotime.seconds(timestamp(expires))
    return Response(
        201,
        {
            "kind": kind,
            "apiVersion": version,
            "metadata": {**meta, **obj["metadata"]},
            "spec": {**shown, "boundObjectRef": None},
            "status": {"token": token, "expirationTimestamp": end},
        },
    )
