"""`remedyd propose`: ask for a change by hand; an approver decides about it."""

from typing import Annotated, Any, Final

import typer

from remedyd.cli import tables
from remedyd.cli.client import Client
from remedyd.cli.proposals import Output, awaited
from remedyd.cli.saying import say
from remedyd.errors import InvalidInput

app = typer.Typer(no_args_is_help=True)

Workload = Annotated[str, typer.Argument(help="Such as deployment/frontend", show_default=False)]
Namespace = Annotated[str, typer.Option("--namespace", "-n", help="Its namespace")]
Comment = Annotated[str, typer.Option("--comment", "-m", help="Why; part of the history")]
Wait = Annotated[bool, typer.Option("--wait", help="Until it is decided, applied and proved")]

_KINDS: Final = {
    "deployment": "Deployment",
    "deploy": "Deployment",
    "deployments": "Deployment",
    "statefulset": "StatefulSet",
    "sts": "StatefulSet",
    "statefulsets": "StatefulSet",
    "daemonset": "DaemonSet",
    "ds": "DaemonSet",
    "daemonsets": "DaemonSet",
}


@app.command()
def scale(
    workload: Workload,
    replicas: Annotated[int, typer.Option(min=0, help="How many to have", show_default=False)],
    namespace: Namespace = "default",
    comment: Comment = "",
    wait: Wait = False,
    output: Output = "table",
) -> None:
    """Ask for another number of replicas."""
    _propose(workload, namespace, "Scale", {"absolute": replicas}, comment, wait, output)


@app.command()
def restart(
    workload: Workload,
    namespace: Namespace = "default",
    comment: Comment = "",
    wait: Wait = False,
    output: Output = "table",
) -> None:
    """Ask for a rolling restart."""
    _propose(workload, namespace, "Restart", {}, comment, wait, output)


@app.command("update-resources")
def update_resources(
    workload: Workload,
    memory: Annotated[str, typer.Option(help="Memory limit, such as 512Mi")] = "",
    cpu: Annotated[str, typer.Option(help="CPU limit, such as 500m")] = "",
    container: Annotated[str, typer.Option("--container", "-c", help="Which container")] = "",
    namespace: Namespace = "default",
    comment: Comment = "",
    wait: Wait = False,
    output: Output = "table",
) -> None:
    """Ask for other limits of memory or CPU."""
    params: dict[str, Any] = {
        name: {"absolute": value} for name, value in (("memory", memory), ("cpu", cpu)) if value
    }
    if not params:
        raise InvalidInput("nothing to change", hint="give --memory or --cpu, or both")
    if container:
        params["container"] = container
    _propose(workload, namespace, "UpdateResources", params, comment, wait, output)


def parsed(workload: str) -> tuple[str, str]:
    """Return kind and name of `deployment/frontend`; raise InvalidInput."""
    kind, slash, name = workload.partition("/")
    if not slash or not name or kind.lower() not in _KINDS:
        raise InvalidInput(
            f"{workload!r} is not a workload",
            hint="write deployment/NAME, statefulset/NAME or daemonset/NAME",
        )
    return _KINDS[kind.lower()], name


def _propose(
    workload: str,
    namespace: str,
    action: str,
    params: dict[str, Any],
    comment: str,
    wait: bool,
    output: str,
) -> None:
    tables.known(output)
    kind, name = parsed(workload)
    client = Client()
    body = {
        "target": {"namespace": namespace, "kind": kind, "name": name},
        "action": action,
        "params": params,
        "comment": comment,
    }
    made = client.post("/v1/proposals", body)
    if output == "table":
        say(made["summary"])
        say(f"\nApprove it: remedyd proposals approve {made['id']}")
    elif not wait:
        tables.printed(made, output)
    if wait:
        awaited(client, made, output=output)
