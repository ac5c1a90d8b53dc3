"""From a request to its handler: who asks, whether they may, what the path addresses."""

from collections.abc import Callable

from remedyd.lab.apiserver import (
    changing,
    creating,
    deleting,
    discovery,
    evicting,
    openapi,
    paths,
    podparts,
    reading,
    resizing,
    resources,
    reviews,
    scaling,
    watching,
)
from remedyd.lab.apiserver.access import Attributes
from remedyd.lab.apiserver.backend import Backend, Call
from remedyd.lab.apiserver.messages import (
    Request,
    Response,
    no_resource,
    not_a_path,
    not_allowed,
)
from remedyd.lab.apiserver.paths import ResourcePath
from remedyd.lab.apiserver.status import StatusError, qualified

Handler = Callable[[Call], Response]
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}

_PARTS: dict[tuple[str, str], Handler] = {
    ("status", "GET"): reading.get,
    ("status", "PUT"): creating.update,
    ("status", "PATCH"): changing.patch,
    ("finalize", "PUT"): creating.update,
    ("scale", "GET"): scaling.get,
    ("scale", "PUT"): scaling.update,
    ("scale", "PATCH"): scaling.patch,
    ("resize", "GET"): resizing.get,
    ("resize", "PUT"): resizing.update,
    ("resize", "PATCH"): resizing.patch,
    ("eviction", "POST"): evicting.evict,
    ("binding", "POST"): podparts.bind,
    ("log", "GET"): podparts.log,
    ("token", "POST"): reviews.token_request,
}
_REVIEWS: dict[str, Handler] = {
    "selfsubjectaccessreviews": reviews.access,
    "subjectaccessreviews": reviews.access,
    "localsubjectaccessreviews": reviews.access,
    "selfsubjectrulesreviews": reviews.rules,
    "selfsubjectreviews": reviews.who_am_i,
    "tokenreviews": reviews.token_review,
}
_ONE: dict[str, Handler] = {
    "GET": reading.get,
    "PUT": creating.update,
    "PATCH": changing.patch,
    "DELETE": deleting.delete,
}
_MANY: dict[str, Handler] = {
    "GET": reading.list_objects,
    "POST": creating.create,
    "DELETE": deleting.delete_collection,
}


def verb_of(request: Request, path: ResourcePath) -> str:
    """Return the verb that access rules speak of."""
    if request.method != "GET":
        verb = _VERBS.get(request.method, request.method.lower())
        return "deletecollection" if verb == "delete" and not path.name else verb
    if path.watch or (request.flag("watch") and not path.name):
        return "watch"
    return "get" if path.name else "list"


def _denied(request: Request, wanted: Attributes) -> StatusError:
    user = request.user.name
    if wanted.path:
        message = f'forbidden: User "{user}" cannot {wanted.verb} path "{wanted.path}"'
        return StatusError(403, "Forbidden", message, details={})
    place = f'in the namespace "{wanted.namespace}"' if wanted.namespace else "at the cluster scope"
    what = qualified(wanted.resource, wanted.group)
    who = f'{what} "{wanted.name}"' if wanted.name else what
    message = (
        f'{who} is forbidden: User "{user}" cannot {wanted.verb} resource '
        f'"{wanted.full_resource}" in API group "{wanted.group}" {place}'
    )
    pairs = (("name", wanted.name), ("group", wanted.group), ("kind", wanted.resource))
    details = {key: value for key, value in pairs if value}
    return StatusError(403, "Forbidden", message, details=details)


def _wanted(request: Request, path: ResourcePath | None) -> Attributes:
    if path is None:
        return Attributes(request.method.lower(), path=request.path)
    return Attributes(
        verb_of(request, path),
        path.group,
        path.resource,
        path.subresource,
        path.namespace,
        path.name,
    )


def _metrics(backend: Backend, request: Request, path: ResourcePath) -> Response:
    found = backend.metrics(path.resource, path.namespace or None)
    if path.name:
        for each in found:
            if each["metadata"]["name"] == path.name:
                return Response(200, each)
        kind = "nodemetrics" if path.resource == "nodes" else "podmetrics"
        message = f'{kind}.metrics.k8s.io "{path.name}" not found'
        details = {"name": path.name, "group": "metrics.k8s.io", "kind": kind}
        raise StatusError(404, "NotFound", message, details=details)
    kind = "NodeMetricsList" if path.resource == "nodes" else "PodMetricsList"
    head = {"kind": kind, "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}}
    return Response(200, {**head, "items": found})


def _objects(backend: Backend, request: Request, path: ResourcePath) -> Response:
    resource = resources.find(path.gvr)
    if resource is None:
        groups = {each.group for each in resources.group_versions()}
        if path.group not in groups or (not path.group and path.version != "v1"):
            return not_a_path()
        raise no_resource()
    if path.group == "metrics.k8s.io":
        return _metrics(backend, request, path)
    call = Call(backend, request, path, resource)
    return handler_for(call)(call)


def handler_for(call: Call) -> Handler:
    """Return the handler of a call; raises StatusError 404 or 405."""
    path, method, resource = call.path, call.request.method, call.resource
    if path.subresource:
        if resource.subresource(path.subresource) is None:
            raise no_resource()
        found = _PARTS.get((path.subresource, method))
    elif resource.name in _REVIEWS and path.group.startswith("auth"):
        found = _REVIEWS[resource.name] if method == "POST" else None
    elif verb_of(call.request, path) == "watch":
        found = watching.watch
    elif path.name:
        found = _ONE.get(method)
    elif method == "POST" and resource.namespaced and not path.namespace:
        found = None
    else:
        found = _MANY.get(method)
    if found is None:
        raise not_allowed()
    return found


def route(backend: Backend, request: Request, address: str) -> Response:
    """Answer a request whose user is known; raises StatusError."""
    path = paths.parse(request.path)
    wanted = _wanted(request, path)
    if not backend.authorizer.decide(request.user, wanted).allowed:
        raise _denied(request, wanted)
    if path is not None:
        return _objects(backend, request, path)
    if request.method not in ("GET", "HEAD"):
        raise not_allowed()
    found = openapi.answer(request.path) or discovery.answer(request, address)
    return found or not_a_path()
