"""`remedyd trail`: who did what, over all proposals; and what was refused."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from remedyd.cli import tables
from remedyd.cli.client import Client
from remedyd.cli.proposals import Output, Watch
from remedyd.cli.saying import line, say
from remedyd.errors import InvalidInput

_EVENTS: Final = ("AT", "WHO", "ACTION", "STATE", "WORKLOAD", "PROPOSAL", "DETAIL")
_REFUSED: Final = ("AT", "WHO", "TRIED", "OUTCOME", "NAMESPACE", "PROPOSAL", "DETAIL")

Moment = Annotated[str, typer.Option(help="A time such as 2026-11-22T22:20:00Z, or an age: 2h")]


def trail(
    who: Annotated[str, typer.Option(help="Only what this principal did")] = "",
    action: Annotated[str, typer.Option(help="Such as approve or applied")] = "",
    state: Annotated[list[str] | None, typer.Option(help="Only entering these states")] = None,
    proposal: Annotated[str, typer.Option(help="Only of this proposal")] = "",
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Only this one")] = "",
    policy: Annotated[str, typer.Option(help="Only of this policy")] = "",
    since: Moment = "",
    until: Moment = "",
    refused: Annotated[
        bool, typer.Option("--refused", help="What callers tried and were refused, instead")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=500, help="The most to list")] = 50,
    watch: Watch = False,
    output: Output = "table",
) -> None:
    """Show the audit trail, newest last; with --watch, then what happens.

    With --watch and json every line is one event.
    """
    tables.known(output)
    wanted = {"who": who, "proposal": proposal, "limit": limit}
    others = {"action": action, "state": state, "namespace": namespace, "policy": policy}
    if refused:
        if watch or since or until or any(others.values()):
            raise InvalidInput("--refused goes with --who, --proposal and --limit only")
        _shown(Client().get("/v1/refusals", **wanted)["items"], output, _REFUSED, _refusal)
        return
    if watch and (output == "yaml" or until or who or action):
        raise InvalidInput("--watch goes with table or json, without --who, --action and --until")
    client = Client()
    times = {"since": _moment("--since", since), "until": _moment("--until", until)}
    items = client.get("/v1/trail", **wanted, **others, **times)["items"]
    if not (watch and tables.streamed(reversed(items), output)):
        _shown(items, output, _EVENTS, _event)
    if watch:
        last = str(items[0]["position"]) if items else ""
        _follow(client, last, output, frozenset(state or ()), proposal, namespace, policy)


def _follow(
    client: Client,
    last: str,
    output: str,
    states: frozenset[str],
    proposal: str,
    namespace: str,
    policy: str,
) -> None:
    for event in client.events(last, proposal=proposal, namespace=namespace, policy=policy):
        if states and event["state"] not in states:
            continue
        if not tables.streamed([event], output):
            line("  ".join(part for part in _event(event) if part))


def _shown(items: list[dict[str, Any]], output: str, headers: tuple[str, ...], row: Any) -> None:
    ordered = items[::-1]
    if tables.printed(ordered, output):
        return
    if not ordered:
        say("nothing found", err=True)
        return
    table = tables.table(*headers)
    for item in ordered:
        table.add_row(*row(item))
    tables.console().print(table)


def _event(item: dict[str, Any]) -> tuple[str, ...]:
    return (
        item["at"][:19],
        item["principal"],
        item["action"],
        item["state"],
        _workload(item["workload"]),
        item["proposal"],
        item["detail"],
    )


def _workload(path: str) -> str:
    """Return `Kind/namespace/name` of `cluster/namespace/Kind/name`."""
    parts = path.rsplit("/", 3)
    return f"{parts[2]}/{parts[1]}/{parts[3]}" if len(parts) == 4 else path


def _refusal(item: dict[str, Any]) -> tuple[str, ...]:
    return (
        item["at"][:19],
        item["principal"],
        item["operation"],
        item["outcome"],
        item["namespace"],
        item["proposal"],
        item["detail"],
    )


def _moment(option: str, text: str) -> str:
    """Return the time that is meant, as REST takes it."""
    from remedyd.documents.values import parse_duration

    if not text:
        return ""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        try:
            return (datetime.now(UTC) - parse_duration(text)).isoformat()
        except (ValueError, OverflowError) as error:  # or an age from before the calendar
            raise InvalidInput(
                f"{option} {text!r} is neither a time nor an age",
                hint="write 2026-11-22T22:20:00Z, or 30m, 2h, 1d",
            ) from error
    if found.tzinfo is None:
        raise InvalidInput(f"{option} {text!r} has no time zone", hint=f"write {text}Z for UTC")
    return found.isoformat()
