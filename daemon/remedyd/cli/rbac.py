"""`remedyd rbac`: the least rights that the enabled policies need, and whether they are held.

Exit 0 ok, 1 rights are missing (or, with `--strict`, more than needed), 2 invalid input.
"""

from pathlib import Path
from typing import Literal

import typer
import yaml

from remedyd import rights as needed
from remedyd.actions.registry import SCHEMAS
from remedyd.audits.loader import load_audits
from remedyd.cli.failures import FAILED
from remedyd.cluster.access import Permission
from remedyd.cluster.identity import NEEDED
from remedyd.errors import InvalidInput
from remedyd.paths import shipped
from remedyd.policy.loader import load_policies
from remedyd.rights import Rights, Use

app = typer.Typer(no_args_is_help=True)

_PATHS = typer.Argument(None, help="Policy files or directories (default: the shipped ones)")
_AUDITS = typer.Option(None, "--audits", help="Directory of audits (default: the shipped ones)")
_ACTIONS = typer.Option(
    None, "--action", help="Also what people and workflows may request; repeat for more"
)
_WHERE = typer.Option(None, "--in", help="Namespace of those requests (default: all); repeatable")
_DRY_RUN = typer.Option(False, "--dry-run", help="For a daemon that writes nothing (dry_run)")
_EVENTS = typer.Option(
    True, "--events/--no-events", help="Whether it tells of changes by Events (trail)"
)


@app.command()
def render(
    paths: list[Path] | None = _PATHS,
    audits: list[Path] | None = _AUDITS,
    actions: list[str] | None = _ACTIONS,
    where: list[str] | None = _WHERE,
    dry_run: bool = _DRY_RUN,
    events: bool = _EVENTS,
    name: str = typer.Option("remedyd", help="Name of the roles and of the ServiceAccount"),
    namespace: str = typer.Option("remedyd", "--namespace", "-n", help="Where the daemon runs"),
    lease: str = typer.Option("", help="Name of the Lease, where several daemons run"),
    callers: bool = typer.Option(
        False, "--kubernetes-tokens", help="Where callers may come with ServiceAccount tokens"
    ),
    scopes_from: Literal["grants", "rbac"] = typer.Option(
        "grants", help="What says what those callers may do, as in the settings"
    ),
) -> None:
    """Print the roles and bindings that the enabled policies need, and no more."""
    wanted = needed.rights(_uses(paths, audits, actions, where), dry_run=dry_run, events=events)
    found = needed.manifests(
        wanted,
        name=name,
        namespace=namespace,
        account=name,
        lease=lease,
        callers=_callers(callers, scopes_from),
    )
    typer.echo(yaml.safe_dump_all(found, sort_keys=False, explicit_start=True), nl=False)


def _callers(taken: bool, scopes_from: str) -> frozenset[Permission]:
    if taken:
        return NEEDED[scopes_from]
    if scopes_from != "grants":
        raise InvalidInput(
            "--scopes-from is about callers with ServiceAccount tokens",
            hint="add --kubernetes-tokens",
        )
    return frozenset()


@app.command()
def check(
    paths: list[Path] | None = _PATHS,
    audits: list[Path] | None = _AUDITS,
    actions: list[str] | None = _ACTIONS,
    where: list[str] | None = _WHERE,
    dry_run: bool = _DRY_RUN,
    events: bool = _EVENTS,
    kubeconfig: Path | None = typer.Option(None, help="Default: the pod's, or the user's own"),
    context: str = typer.Option("", help="Context of the kubeconfig (default: its current one)"),
    strict: bool = typer.Option(False, "--strict", help="Fail on rights that are not needed"),
) -> None:
    """Ask the cluster whether we hold the rights that are needed, and which more."""
    from remedyd.cluster.client import Cluster

    wanted = _uses(paths, audits, actions, where)
    rights = needed.rights(wanted, dry_run=dry_run, events=events)
    cluster = Cluster.connect(kubeconfig=kubeconfig, context=context)
    try:
        found = needed.review(cluster, rights)
    finally:
        cluster.close()
    for word, answers in (("missing", found.missing), ("not needed", found.excess)):
        for answer in answers:
            typer.echo(f"{word}: {answer}")
    for action in sorted(needed.disabled(wanted, found.missing)):
        typer.echo(f"cannot be used: {action}")
    typer.echo(_summary(rights, len(found.missing), len(found.excess)))
    if found.missing or (strict and found.excess):
        raise typer.Exit(FAILED)


def _summary(rights: Rights, missing: int, excess: int) -> str:
    total = len(rights.everywhere) + sum(len(held) for held in rights.within.values())
    return f"{total} rights are needed: {missing} missing; {excess} held that are not needed"


def _uses(
    paths: list[Path] | None,
    audits: list[Path] | None,
    actions: list[str] | None,
    where: list[str] | None,
) -> list[Use]:
    known = load_audits(audits or [shipped("esql")])
    policies = load_policies(paths or [shipped("policies")], audits=known.specs, actions=SCHEMAS)
    requested = needed.requested(actions or (), where or ())
    if where and not actions:
        raise InvalidInput("--in bounds requested actions", hint="name them with --action")
    return [*needed.uses(policies.values()), *requested]
