"""The OpenAPI 3.1 document: what every operation has in common is written here once.

FastAPI knows the routes and shapes. This adds what its generator cannot know: every error is
problem details, which statuses the way in can answer before any route, the headers that every
request may carry, and the examples of the shapes at the operations that use them.
"""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from remedyd.server.problems import MEDIA_TYPE, Problem

_REF: Final = "#/components/schemas/"
_DESCRIPTION: Final = """\
Every request but the health ones needs `Authorization: Bearer <token>`. Errors are problem
details (RFC 9457): `detail` says what is wrong, `hint` what to do next. An approval names the
digest of what was read; anything else is 409."""
_ANY: Final = {
    "401": "No valid bearer token",
    "403": "The token lacks the scope, or the namespace",
    "422": "The request is not valid",
    "429": "Too many requests, or too many failed attempts: wait `Retry-After` seconds",
    "500": "A bug; the log has the details under this request id",
    "503": "The store, or who vouches for the token, does not answer",
}
_POST: Final = {
    "409": "The same Idempotency-Key is being worked on, or the state moved on: read it again",
    "408": "The body did not come in time",
    "413": "The body is too large",
    "415": "The body is not JSON",
}
_REQUEST_ID: Final = {
    "name": "X-Request-Id",
    "in": "header",
    "required": False,
    "description": "Comes back with the answer and in the log; made up when left out",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$"},
    "example": "5f0c7d8e1c2b4a6f9d3e",
}
_IDEMPOTENCY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same request is done once and answered alike for a day",
    "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
    "example": "deploy-4711-scale",
}


def install(app: FastAPI) -> None:
    """Make `app` describe itself so, once and when first asked."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=_DESCRIPTION,
        routes=app.routes,
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = Problem.model_json_schema(ref_template=_REF + "{model}")
    for path in document["paths"].values():
        for method, operation in path.items():
            _complete(operation, method, schemas)
    return document


def _complete(operation: dict[str, Any], method: str, schemas: dict[str, Any]) -> None:
    guarded = "security" in operation
    shared = (_ANY if guarded else {}) | (_POST if method == "post" else {})
    parameters = operation.setdefault("parameters", [])
    parameters.append(_REQUEST_ID)
    if method == "post":
        parameters.append(_IDEMPOTENCY)
    responses = operation["responses"]
    for status, text in shared.items():
        responses.setdefault(status, {})["description"] = responses.get(status, {}).get(
            "description", text
        )
    if "422" in responses and not guarded:
        del responses["422"]
    for status, response in responses.items():
        if int(status) >= 400 and "application/json" not in _kept(response):
            response["content"] = _problem(schemas)
    contents = [response.get("content", {}) for response in responses.values()]
    contents.append(operation.get("requestBody", {}).get("content", {}))
    for content in contents:
        _exemplify(content.get("application/json"), schemas)
    operation["responses"] = dict(sorted(responses.items()))


def _kept(response: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a response that is not FastAPI's own 422."""
    content: dict[str, Any] = response.get("content", {})
    described = content.get("application/json", {}).get("schema", {})
    return {} if described.get("$ref") == f"{_REF}HTTPValidationError" else content


def _problem(schemas: dict[str, Any]) -> dict[str, Any]:
    (example,) = schemas["Problem"]["examples"]
    return {MEDIA_TYPE: {"schema": {"$ref": f"{_REF}Problem"}, "example": example}}


def _exemplify(content: dict[str, Any] | None, schemas: dict[str, Any]) -> None:
    """Put the example of the shape at the operation, too: readers and mocks look there."""
    if content is None or "example" in content or "examples" in content:
        return
    schema = content.get("schema", {})
    for alternative in schema.get("anyOf", ()):
        if "$ref" in alternative:
            schema = alternative
    listed = schema.get("type") == "array"
    name = (schema.get("items", {}) if listed else schema).get("$ref", "").removeprefix(_REF)
    examples = schemas.get(name, {}).get("examples")
    if examples:
        content["example"] = examples if listed else examples[0]
