"""Every error as problem details (RFC 9457): what is wrong, and what to do about it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from remedyd import errors
from remedyd.observability import logs

log = logs.get(__name__)

MEDIA_TYPE = "application/problem+json"

_STATUS: tuple[tuple[type[errors.RemedydError], int], ...] = (
    (errors.Expired, 410),
    (errors.Conflict, 409),
    (errors.Throttled, 429),
    (errors.Unauthenticated, 401),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.ClusterRejected, 422),
    (errors.Refused, 409),
    (errors.InvalidInput, 422),
    (errors.OutcomeUnknown, 504),
    (errors.ClusterError, 502),
    (errors.QueryError, 502),
    (errors.StoreError, 503),
    (errors.IdentityUnavailable, 503),
)


class Problem(BaseModel):
    """What is wrong (`detail`), and what to do about it (`hint`)."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Conflict",
                    "status": 409,
                    "detail": "proposal 01m82yjdbz28c1ps1fwsh6ztct is Rejected: not now",
                    "instance": "/v1/proposals/01m82yjdbz28c1ps1fwsh6ztct/approve",
                    "request_id": "5f0c7d8e1c2b4a6f9d3e",
                    "hint": "nothing is left to decide; see its events",
                }
            ]
        },
    )

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str = ""
    hint: str = ""
    reason: str = ""
    problems: list[str] = []


def status_of(error: errors.RemedydError) -> int:
    """Return the HTTP status that names `error`."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def problem(
    request: Request,
    status: int,
    detail: str,
    *,
    hint: str = "",
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    """Build the response; `more` adds members such as `problems` or `reason`."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
    }
    if request_id := logs.bound().get("request_id"):
        body["request_id"] = request_id
    if hint:
        body["hint"] = hint
    body.update(more)
    return JSONResponse(body, status, headers=headers, media_type=MEDIA_TYPE)


def answer(
    request: Request, error: errors.RemedydError, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Build the response that tells `error`."""
    more: dict[str, Any] = {}
    if isinstance(error, errors.InvalidInput) and error.problems:
        more["problems"] = [str(p) for p in error.problems]
    if isinstance(error, errors.Refused | errors.ClusterError) and error.reason:
        more["reason"] = error.reason
    told = dict(headers or {})
    if isinstance(error, errors.Unauthenticated):
        told["WWW-Authenticate"] = "Bearer"
    if isinstance(error, errors.Throttled):
        told["Retry-After"] = str(error.retry_after)
    return problem(request, status_of(error), error.message, hint=error.hint, headers=told, **more)


async def _known(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.RemedydError)
    return answer(request, error)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    mistakes = [
        f"{'.'.join(str(part) for part in e['loc'] if part != 'body') or 'body'}: {e['msg']}"
        for e in error.errors()
    ]
    return problem(request, 422, "; ".join(mistakes), problems=mistakes)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return problem(request, error.status_code, str(error.detail), headers=error.headers)


def bug(request: Request, error: Exception) -> JSONResponse:
    """Log an error that nobody foresaw, and say no more than that it happened."""
    log.error("a bug made the request fail", path=request.url.path, exc_info=error)
    return problem(
        request, 500, "internal error; the log has the details", hint="try again, then report it"
    )


def install(app: FastAPI) -> None:
    """Register the handlers; no exception text of a library ever reaches a caller."""
    app.add_exception_handler(errors.RemedydError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
