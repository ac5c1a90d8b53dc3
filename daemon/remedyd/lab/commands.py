"""`remedyd lab`: the simulated cluster alone, for kubectl, Elasticsearch clients and a daemon."""

import json
import os
import shlex
import signal
import tempfile
import threading
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import httpx2
import typer
from rich.console import Console
from rich.table import Table

from remedyd.errors import InvalidInput, NotFound
from remedyd.lab.faults import KINDS

app = typer.Typer(help="Start the simulated cluster alone, and break things in it.")
_STATE: Final = "lab.json"


def _default_directory() -> Path:
    return Path(tempfile.gettempdir()) / f"remedyd-lab-{os.getuid()}"


Directory = Annotated[
    Path | None, typer.Option(help="Where the lab keeps kubeconfig, tokens and its address")
]


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    speed: Annotated[float, typer.Option(min=1, help="Simulated seconds per second")] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of the simulation")] = 1,
    interval: Annotated[
        float, typer.Option(min=1, help="Simulated seconds between scrapes")
    ] = 15.0,
    apiserver_port: Annotated[int, typer.Option(help="Port of the Kubernetes API; 0: any")] = 0,
    elasticsearch_port: Annotated[int, typer.Option(help="Port of Elasticsearch; 0: any")] = 0,
    directory: Directory = None,
) -> None:
    """Start the lab and run until Ctrl-C."""
    if context.invoked_subcommand is not None:
        return
    from remedyd.lab.control import Control
    from remedyd.lab.world import Lab

    place = directory or _default_directory()
    _refuse_second(place)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    console = Console(highlight=False, soft_wrap=True)
    console.print("starting the simulated cluster ...")
    lab = Lab(
        seed=seed,
        speed=speed,
        interval=timedelta(seconds=interval),
        apiserver_port=apiserver_port,
        elasticsearch_port=elasticsearch_port,
    )
    stopped = _until_signal()
    with lab:
        control = Control(lab)
        control.start()
        try:
            _announce(console, lab, control.url, place)
            stopped.wait()
        finally:
            control.stop()
            (place / _STATE).unlink(missing_ok=True)
    console.print("stopped")


def _refuse_second(place: Path) -> None:
    """Raise InvalidInput where a lab runs: it would lose its kubeconfig and tokens to this one."""
    try:
        _call("GET", place)
    except (NotFound, InvalidInput, httpx2.HTTPError, ValueError):
        return  # left by a lab that is no more
    raise InvalidInput(
        f"a lab is running already, with its files in {place}",
        hint="stop it, or give this one a --directory of its own",
    )


def _until_signal() -> threading.Event:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


def _announce(console: Console, lab: Any, control: str, place: Path) -> None:
    from remedyd.lab.daemon import Daemon

    settings = lab.daemon_settings(place)
    daemon = Daemon(place, settings)
    names = daemon.environment() | {
        "REMEDYD_URL": daemon.url,
        "REMEDYD_TOKEN_FILE": str(daemon.token_file("approver")),
    }
    lines = [f"{k}={shlex.quote(v)}" for k, v in sorted(names.items()) if k.startswith("REMEDYD_")]
    environment = place / "daemon.env"
    environment.touch(mode=0o600)
    environment.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (place / _STATE).write_text(json.dumps({"control": control}), encoding="utf-8")
    kubeconfig = settings["KUBERNETES__KUBECONFIG"]
    where = "" if place == _default_directory() else f" --directory {shlex.quote(str(place))}"
    console.print(
        f"""
Kubernetes API   {lab.apiserver.url}
Elasticsearch    {lab.elasticsearch_url}
kubeconfig       {kubeconfig}

look around
  export KUBECONFIG={kubeconfig}
  kubectl get deployments -A
  curl -s {lab.elasticsearch_url}/_query -H 'Content-Type: application/json' \\
    -d '{{"query": "FROM metrics-*.otel-* | STATS COUNT(*) BY k8s.namespace.name | LIMIT 10"}}'

break something (remedyd lab faults: all of them)
  remedyd lab inject oom shop/checkout need=175{where}
  kubectl -n shop annotate deployment payment lab.remedyd.io/fault=crash,cure=restart
  kubectl annotate node worker-2 lab.remedyd.io/fault=node-down

run the daemon against it, and from another terminal look at what it proposes
  set -a; . {environment}; set +a; remedyd run
  set -a; . {environment}; set +a; remedyd proposals list

Ctrl-C ends the lab."""
    )


@app.command()
def inject(
    fault: Annotated[str, typer.Argument(help="Name of the fault")],
    target: Annotated[str, typer.Argument(help="namespace/name, a node, or a receiver")],
    params: Annotated[list[str] | None, typer.Argument(help="name=value")] = None,
    directory: Directory = None,
) -> None:
    """Put a fault in force in the running lab."""
    pairs = dict(_pair(text) for text in params or ())
    body = _call("POST", directory, {"fault": fault, "target": target, "params": pairs})
    typer.echo(f"{fault} on {target}: {json.dumps(body['params'])}")


@app.command()
def clear(
    fault: Annotated[str, typer.Argument(help="Name of the fault")],
    target: Annotated[str, typer.Argument(help="namespace/name, a node, or a receiver")],
    directory: Directory = None,
) -> None:
    """Take a fault away."""
    _call("DELETE", directory, {"fault": fault, "target": target})
    typer.echo(f"{fault} on {target} cleared")


@app.command()
def faults(directory: Directory = None) -> None:
    """List the kinds of faults, and those in force if a lab is running."""
    table = Table("fault", "target", "what happens", "parameters and defaults")
    for name, kind in KINDS.items():
        given = ", ".join(f"{key}={value}" for key, value in kind.parameters.items())
        table.add_row(name, kind.about, kind.summary, given)
    console = Console()
    console.print(table)
    if not ((directory or _default_directory()) / _STATE).exists():
        return
    for one in _call("GET", directory)["faults"]:
        console.print(f"in force: {one['fault']} on {one['target']} {one['params']}")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InvalidInput(f"parameter {text!r} must be name=value")
    return name, value


def _call(method: str, directory: Path | None, body: Any = None) -> dict[str, Any]:
    state = (directory or _default_directory()) / _STATE
    try:
        control = json.loads(state.read_text(encoding="utf-8"))["control"]
        path = "/lab" if method == "GET" else "/faults"
        response = httpx2.request(method, f"{control}{path}", json=body, timeout=10.0)
    except (OSError, httpx2.ConnectError) as error:
        raise NotFound(
            "no lab is running", hint=f"start one with `remedyd lab` (looked in {state})"
        ) from error
    answer: dict[str, Any] = response.json()
    if response.is_success:
        return answer
    kind = NotFound if response.status_code == 404 else InvalidInput
    raise kind(str(answer.get("detail", response.status_code)), hint=str(answer.get("hint", "")))
