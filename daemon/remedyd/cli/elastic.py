"""`remedyd elastic`: what remedyd brings to Kibana, and the keys it needs.

Secrets come from files, the environment or standard input, never from the command line.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import typer

from remedyd import urls
from remedyd.elastic.kibana import keys as requests
from remedyd.elastic.kibana import stack as releases
from remedyd.elastic.kibana.call import Secret
from remedyd.elastic.kibana.client import Kibana, Rehearsal, Wire
from remedyd.elastic.kibana.installer import Installer
from remedyd.elastic.kibana.wanted import SCOPES, Wanted, explanation
from remedyd.errors import InvalidInput

app = typer.Typer(no_args_is_help=True)

_NEWEST = "9.5"
"""The release that a dry run shows the requests for, unless another is named."""
_SOMEWHERE = "https://remedyd.example.com"
"""The daemon that a dry run shows the requests for, unless one is named."""

_URL = typer.Option(..., "--kibana-url", envvar="REMEDYD_KIBANA_URL", help="URL of Kibana")
_KEY = typer.Option(
    None, "--kibana-key-file", help='Kibana API key ("-": stdin) (env: REMEDYD_KIBANA_API_KEY)'
)
_SPACE = typer.Option("", "--space", help="Kibana space (default: the default one)")
_CA = typer.Option(None, "--kibana-ca", help="CA file of Kibana's certificate")
_DRY = typer.Option(False, "--dry-run", help="Print every request, send none")
_YES = typer.Option(False, "--yes", "-y", help="Do not ask")


@app.command()
def install(
    kibana_url: str = _URL,
    daemon_url: str = typer.Option(
        "", envvar="REMEDYD_URL", help="Where Kibana reaches the daemon (https://...)"
    ),
    agent_scope: str = typer.Option("proposer", help="What the agent may do: proposer, approver"),
    kibana_key_file: Path | None = _KEY,
    token_file: Path | None = typer.Option(
        None, help='A proposer\'s token of the daemon ("-": stdin) (env: REMEDYD_ELASTIC_TOKEN)'
    ),
    approver_token_file: Path | None = typer.Option(
        None, help="An approver's token, for approver alone (env: REMEDYD_ELASTIC_APPROVER_TOKEN)"
    ),
    space: str = _SPACE,
    stack: str = typer.Option("", help="Release, such as 9.5 (default: ask Kibana)"),
    header: list[str] = typer.Option(
        [], help='Header for the daemon, such as "ngrok-skip-browser-warning: true"; repeatable'
    ),
    kibana_ca: Path | None = _CA,
    dry_run: bool = _DRY,
    yes: bool = _YES,
) -> None:
    """Install connectors, tools, agent, workflows, rules and dashboard; again to update them."""
    if agent_scope not in SCOPES:
        raise InvalidInput(f"--agent-scope {agent_scope}", hint=f"say {' or '.join(SCOPES)}")
    headers, url = _headers(header), _daemon(daemon_url, kibana_url, dry_run)
    token = _secret("the proposer's token", token_file, "REMEDYD_ELASTIC_TOKEN", dry_run)
    approver = _approver(agent_scope, approver_token_file, dry_run)
    release = releases.named(stack or _NEWEST) if stack or dry_run else None
    with closing(_wire(kibana_url, kibana_key_file, space, kibana_ca, dry_run)) as wire:
        release = release or releases.found(wire)
        typer.echo(explanation(agent_scope, release) + "\n", err=True)
        if not (yes or dry_run):
            _agreed(f"Install this in {kibana_url} ({release})?", needed=approver is not None)
        wanted = Wanted(url, release, token, approver, headers, space)
        Installer(wire, _quiet if dry_run else typer.echo).install(wanted)
    if not dry_run:
        typer.echo("attach the workflow remedyd--audit-on-alert to a rule in that rule's Actions")


def _approver(agent_scope: str, token_file: Path | None, dry_run: bool) -> Secret | None:
    """Return the approver's token of an agent that may approve, None of one that may not."""
    if agent_scope == "approver":
        name = "REMEDYD_ELASTIC_APPROVER_TOKEN"
        return _secret("the approver's token", token_file, name, dry_run)
    if token_file is not None:
        raise InvalidInput(
            "an approver's token is given, but the agent is to be a proposer",
            hint="leave it out, or say --agent-scope approver",
        )
    return None


@app.command()
def uninstall(
    kibana_url: str = _URL,
    kibana_key_file: Path | None = _KEY,
    space: str = _SPACE,
    kibana_ca: Path | None = _CA,
    dry_run: bool = _DRY,
    yes: bool = _YES,
) -> None:
    """Remove everything that `install` made; the audit trail stays."""
    with closing(_wire(kibana_url, kibana_key_file, space, kibana_ca, dry_run)) as wire:
        if not (yes or dry_run):
            _agreed(f"Remove remedyd's agent, tools, workflows and dashboard in {kibana_url}?")
        Installer(wire, _quiet if dry_run else typer.echo).uninstall(space)


@app.command()
def keys(
    days: int = typer.Option(90, min=1, help="How long the daemon's keys are good"),
    space: str = _SPACE,
) -> None:
    """Print the requests that make the keys: run them in Dev Tools, as an administrator."""
    for text, body in (
        ("the daemon reads telemetry: REMEDYD_ELASTICSEARCH__API_KEY_FILE", requests.reader(days)),
        ("the daemon adds to its audit trail: REMEDYD_TRAIL__API_KEY_FILE", requests.trail(days)),
        ("`remedyd elastic install` works with this one", requests.installer(space)),
    ):
        typer.echo(f"# {text}")
        typer.echo(requests.shown("POST", "/_security/api_key", body))


@app.command()
def template(
    retention_days: int = typer.Option(365, min=1, help="How long the audit trail is kept"),
) -> None:
    """Print the request that sets the audit trail's mapping and retention."""
    path = "/_index_template/logs-k8s.remediation"
    typer.echo(requests.shown("PUT", path, requests.template(retention_days)))


def _wire(url: str, key_file: Path | None, space: str, ca: Path | None, dry_run: bool) -> Wire:
    if dry_run:
        return Rehearsal(typer.echo)
    variable = "REMEDYD_KIBANA_API_KEY"
    if not key_file and variable not in os.environ and "KIBANA_API_KEY" in os.environ:
        variable = "KIBANA_API_KEY"
    key = _secret("the Kibana key", key_file, variable, False)
    return Kibana(url, key, space=space, ca=ca)


def _secret(name: str, file: Path | None, variable: str, dry_run: bool) -> Secret:
    """Read a secret from its file, standard input or the environment; raise InvalidInput."""
    if str(file) == "-":
        value = sys.stdin.readline().strip()
    elif file is not None:
        try:
            value = file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise InvalidInput(f"{file}: {error.strerror}") from error
    else:
        value = os.environ.get(variable, "").strip()
    if not value and not dry_run:
        raise InvalidInput(f"{name} is missing", hint=f"give its file, or set {variable}")
    return Secret(name, value)


def _daemon(url: str, kibana_url: str, dry_run: bool) -> str:
    if not url and dry_run:
        return _SOMEWHERE
    scheme, _, rest = url.partition("://")
    if scheme not in ("http", "https") or not rest or "@" in rest:
        raise InvalidInput(f"--daemon-url {url}", hint="say https://host, without user or password")
    if urls.local(url) and not urls.local(kibana_url):
        raise InvalidInput(
            f"--daemon-url {url}: Kibana would look for the daemon on its own machine",
            hint="give the address at which Kibana reaches it: docs/elastic.md",
        )
    if scheme == "http":
        typer.echo("warning: the token goes to the daemon without TLS", err=True)
    return url.rstrip("/")


def _headers(given: Sequence[str]) -> dict[str, str]:
    found = {}
    for one in given:
        name, colon, value = one.partition(":")
        if not colon or not name.strip() or name.strip().lower() == "authorization":
            raise InvalidInput(f"--header {one}", hint='say "name: value"; no secret belongs here')
        found[name.strip()] = value.strip()
    return found


def _agreed(question: str, *, needed: bool = False) -> None:
    """Ask, where somebody is there; what is `needed` is not done without an answer."""
    if sys.stdin.isatty():
        typer.confirm(question, abort=True)
    elif needed:
        raise InvalidInput(
            "an agent that approves is not installed unasked, and nobody is there to be asked",
            hint="say --yes when you are sure",
        )


def _quiet(_: str) -> None:
    """A rehearsal shows its requests, not what would have become of them."""
