"""pods/log and pods/binding."""

from remedyd.lab.apiserver import bodies
from remedyd.lab.apiserver.backend import Call
from remedyd.lab.apiserver.messages import Response, write_options
from remedyd.lab.apiserver.status import bad_request
from remedyd.model.values import KubeObject


def _container(call: Call, pod: KubeObject) -> str:
    names = [
        each["name"]
        for part in ("initContainers", "containers")
        for each in pod["spec"].get(part) or []
    ]
    wanted = call.request.option("container")
    if wanted and wanted not in names:
        raise bad_request(f"container {wanted} is not valid for pod {call.path.name}")
    if wanted:
        return wanted
    containers = [each["name"] for each in pod["spec"]["containers"]]
    if len(containers) > 1:
        raise bad_request(
            f"a container name must be specified for pod {call.path.name}, choose one of: "
            f"[{' '.join(containers)}]"
        )
    return str(containers[0])


def _cut(call: Call, text: str) -> str:
    tail = call.request.option("tailLines")
    if tail.isdigit():
        lines = text.splitlines(keepends=True)
        text = "".join(lines[len(lines) - min(int(tail), len(lines)) :])
    limit = call.request.option("limitBytes")
    return text.encode()[: int(limit)].decode(errors="ignore") if limit.isdigit() else text


def log(call: Call) -> Response:
    """Answer a GET of pods/log: plain text."""
    pod = call.get()
    name = _container(call, pod)
    previous = call.request.flag("previous")
    text = call.backend.logs(pod, name, previous)
    if text is None and previous:
        raise bad_request(
            f'previous terminated container "{name}" in pod "{call.path.name}" not found'
        )
    if text is None:
        return Response(204, None, "")
    return Response(200, _cut(call, text).encode(), "text/plain")


def bind(call: Call) -> Response:
    """Answer a POST of pods/binding: the scheduler's way to choose a node."""
    warnings: list[str] = []
    options = write_options(call.request, "CreateOptions")
    body = bodies.read(call, "Binding", "v1", options, warnings)
    node = (body.get("target") or {}).get("name", "")

    def choose(obj: KubeObject) -> None:
        obj["spec"]["nodeName"] = node

    where = (call.gvr, call.namespace, call.path.name)
    call.store.mutate(*where, choose, manager=options.manager, subresource="binding")
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return Response(201, {**status, "code": 201})
