"""`POST /_query`: parameters, visibility, the request filter, the answer and its warnings."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from remedyd.lab.elasticsearch.messages import Failure, Reply, Request
from remedyd.lab.elasticsearch.rewriting import condition_of, rewrite, sources_of
from remedyd.lab.elasticsearch.security import Account
from remedyd.lab.elasticsearch.streams import DataStreams
from remedyd.model.audit import Column, Table
from remedyd.model.instants import millis_text
from remedyd.model.values import Cell, Json
from remedyd.offline.engine import parsed
from remedyd.offline.errors import EsqlError

_KNOWN = {
    "query", "params", "filter", "columnar", "locale", "time_zone", "settings", "profile",
    "tables", "include_ccs_metadata", "include_execution_metadata", "allow_partial_results",
    "drop_null_columns",
}  # fmt: skip


def parameters(given: Any) -> dict[str, Json] | list[Json]:
    """Return named or positional parameters; raise Failure 400 for a form not offered here."""
    if given is None:
        return {}
    if not isinstance(given, list):
        raise Failure(400, "x_content_parse_exception", "[1:1] [params] must be an array")
    named = [one for one in given if isinstance(one, Mapping)]
    if named and len(named) != len(given):
        reason = "[1:1] named and positional parameters cannot be mixed"
        raise Failure(400, "parsing_exception", reason)
    if not named:
        return list(given)
    return {_name(name): _value(name, value) for one in named for name, value in one.items()}


def _name(name: str) -> str:
    if not (name[:1].isalpha() or name[:1] == "_") or not name.replace("_", "a").isalnum():
        reason = f"[1:1] [{name}] is not a valid parameter name, a valid parameter name starts \
with a letter or underscore, and contains letters, digits and underscores only"
        raise Failure(400, "parsing_exception", reason)
    return name


def _value(name: str, value: Any) -> Json:
    if isinstance(value, Mapping) and set(value) not in ({"value"}, {"identifier"}, {"pattern"}):
        reason = f"[1:1] parameter [{name}] has a form that this endpoint does not offer"
        raise Failure(400, "parsing_exception", reason)
    found: Json = value
    return found


def _checked(request: Request) -> Mapping[str, Any]:
    body: Mapping[str, Any] = request.json()
    unknown = sorted(set(body) - _KNOWN)
    if unknown:
        reason = f"[1:1] [esql/query] unknown field [{unknown[0]}]"
        raise Failure(400, "x_content_parse_exception", reason)
    if not isinstance(body.get("query"), str) or not body["query"].strip():
        reason = "Validation Failed: 1: [query] is required;"
        raise Failure(400, "action_request_validation_exception", reason)
    if request.query.get("format", "json") != "json":
        raise Failure(400, "illegal_argument_exception", "only [format=json] is offered here")
    return body


def ask(request: Request, account: Account, streams: DataStreams) -> Reply:
    """Run a query and word its answer."""
    body = _checked(request)
    try:
        table = streams.query(
            _visible(body["query"], body.get("filter"), account, streams),
            parameters(body.get("params")),
        )
    except EsqlError as error:
        kind = error.type
        reason = error.message
        if kind == "verification_exception" and not reason.startswith(("Found", "Unknown index")):
            reason = f"Found 1 problem\n{reason}"
        raise Failure(400, kind, reason) from error
    answer = {
        "took": round(table.took_ms),
        "is_partial": False,
        **_content(table, request, bool(body.get("columnar"))),
    }
    return Reply(200, answer, warnings=list(table.warnings))


def _visible(text: str, dsl: Any, account: Account, streams: DataStreams) -> str:
    """Return the query over what the account may read and the filter lets through."""
    query = parsed(text)
    hidden: list[str] = []
    reached: list[str] = []
    for source in sources_of(query):
        if source.excluded:
            continue
        for name in streams.names(source.pattern):
            if account.may("read", name):
                reached.append(name)
            elif "*" in source.pattern:
                hidden.append(name)
            else:
                raise Failure(400, "verification_exception", f"Unknown index [{name}]")
    condition = condition_of(dsl, streams.fields(reached)) if dsl else ""
    if not hidden and not condition:
        return text
    return rewrite(text, query, hidden, condition)


def _content(table: Table, request: Request, columnar: bool) -> dict[str, Any]:
    rows: Sequence[Sequence[Any]] = [[_cell(cell) for cell in row] for row in table.rows]
    columns: Sequence[Column] = table.columns
    answer: dict[str, Any] = {}
    if request.flag("drop_null_columns", False):
        kept = [n for n in range(len(columns)) if any(row[n] is not None for row in rows)]
        answer["all_columns"] = [_column(column) for column in columns]
        columns = [columns[n] for n in kept]
        rows = [[row[n] for n in kept] for row in rows]
    answer["columns"] = [_column(column) for column in columns]
    if columnar:
        answer["values"] = [[row[n] for row in rows] for n in range(len(columns))]
    else:
        answer["values"] = rows
    return answer


def _column(column: Column) -> dict[str, str]:
    return {"name": column.name, "type": column.type}


def _cell(cell: Cell) -> Any:
    if isinstance(cell, datetime):
        return millis_text(cell)
    if isinstance(cell, tuple):
        return [_cell(one) for one in cell]
    return cell
