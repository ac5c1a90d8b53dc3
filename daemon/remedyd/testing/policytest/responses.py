"""Rows as Elasticsearch answered: the JSON of a query, kept from a real cluster."""

import json
from typing import Any

from remedyd.documents.nodes import Location
from remedyd.model import AuditOutcome
from remedyd.testing.policytest.context import Context
from remedyd.testing.policytest.objects import beside

Answer = tuple[list[dict[str, Any]] | None, AuditOutcome | None]
"""Rows by column, or how the audit ends; neither when the response cannot be used."""


def response(context: Context, given: dict[str, Any] | str, place: Location) -> Answer:
    """Read a response, inline or from a file beside the test; what is wrong goes to the context.

    A partial response ends the audit as it would in the daemon.
    """
    body = _from_file(context, given, place) if isinstance(given, str) else given
    if body is None:
        return None, None
    if body.get("is_partial") is True:
        return None, AuditOutcome.PARTIAL
    columns, values = body.get("columns"), body.get("values")
    if not isinstance(columns, list) or not isinstance(values, list):
        context.complain(place, "is not the answer to a query: it needs columns and values")
        return None, None
    names = [column.get("name") if isinstance(column, dict) else None for column in columns]
    if not all(isinstance(name, str) for name in names):
        context.complain(place, "has a column without a name")
        return None, None
    for number, row in enumerate(values):
        if not isinstance(row, list) or len(row) != len(names):
            text = f"row {number} of the response does not have {len(names)} values"
            context.complain(place, text)
            return None, None
    return [dict(zip(map(str, names), row, strict=True)) for row in values], None


def _from_file(context: Context, relative: str, place: Location) -> dict[str, Any] | None:
    path = beside(context.document, relative)
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        context.complain(place, f"there is no file {path}")
        return None
    except (OSError, ValueError) as error:
        context.complain(place, f"{path} is not JSON: {error}")
        return None
    if not isinstance(body, dict):
        context.complain(place, f"{path} is not the answer to a query: it needs columns and values")
        return None
    return body
