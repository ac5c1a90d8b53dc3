"""`POST /_query`: parameters, the request filter, the answer's body and its warnings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from remedyd.lab.elasticsearch.filters import Predicate, compile_query
from remedyd.lab.elasticsearch.messages import Failure, Reply, Request
from remedyd.lab.elasticsearch.security import Account
from remedyd.model.audit import Column, Table
from remedyd.model.values import Cell, Json

_KNOWN = {
    "query", "params", "filter", "columnar", "locale", "time_zone", "settings", "profile",
    "tables", "include_ccs_metadata", "include_execution_metadata", "allow_partial_results",
    "drop_null_columns",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """A query as it is to be run: named parameters, and which streams may be seen."""

    text: str
    params: Mapping[str, Json]
    account: Account
    holds: Predicate | None = None


class Runner(Protocol):
    """Executes ES|QL over the streams."""

    def run(self, question: Question) -> Table:
        """Return the whole result; raise Failure as Elasticsearch would answer."""
        ...


def parameters(given: Any) -> dict[str, Json]:
    """Return named parameters; raise Failure 400 for a form that is not one of the known."""
    if given is None:
        return {}
    if not isinstance(given, list):
        raise Failure(400, "x_content_parse_exception", "[1:1] [params] must be an array")
    found: dict[str, Json] = {}
    for number, one in enumerate(given, start=1):
        if isinstance(one, Mapping):
            for name, value in one.items():
                found[_name(name)] = _value(name, value)
        else:
            found[str(number)] = one
    return found


def _name(name: str) -> str:
    if not (name[:1].isalpha() or name[:1] == "_") or not name.replace("_", "a").isalnum():
        reason = f"[1:1] [{name}] is not a valid parameter name, a valid parameter name starts \
with a letter or underscore, and contains letters, digits and underscores only"
        raise Failure(400, "parsing_exception", reason)
    return name


def _value(name: str, value: Any) -> Json:
    if not isinstance(value, Mapping):
        found: Json = value
        return found
    if set(value) == {"value"}:
        inner: Json = value["value"]
        return inner
    reason = f"[1:1] parameter [{name}] has a form that this endpoint does not offer"
    raise Failure(400, "parsing_exception", reason)


def ask(request: Request, account: Account, runner: Runner) -> Reply:
    """Run a query and word its answer."""
    body = request.json()
    unknown = sorted(set(body) - _KNOWN)
    if unknown:
        reason = f"[1:1] [esql/query] unknown field [{unknown[0]}]"
        raise Failure(400, "x_content_parse_exception", reason)
    if not isinstance(body.get("query"), str) or not body["query"].strip():
        reason = "Validation Failed: 1: [query] is required;"
        raise Failure(400, "action_request_validation_exception", reason)
    if request.query.get("format", "json") != "json":
        raise Failure(400, "illegal_argument_exception", "only [format=json] is offered here")
    holds = compile_query(body["filter"]) if body.get("filter") else None
    question = Question(body["query"], parameters(body.get("params")), account, holds)
    table = runner.run(question)
    answer = {
        "took": round(table.took_ms),
        "is_partial": False,
        "documents_found": 0,
        "values_loaded": 0,
        **_content(table, request, bool(body.get("columnar"))),
    }
    return Reply(200, answer, warnings=list(table.warnings))


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
        return f"{cell.strftime('%Y-%m-%dT%H:%M:%S')}.{cell.microsecond // 1000:03d}Z"
    if isinstance(cell, tuple):
        return [_cell(one) for one in cell]
    return cell
