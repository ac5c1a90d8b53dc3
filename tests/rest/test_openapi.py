"""The OpenAPI document is the contract: whole, with examples that are true."""

import re
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import BaseModel

from remedyd.model import Principal
from remedyd.observability.metrics import Metrics
from remedyd.server import problems, views
from remedyd.server.asgi import create
from remedyd.server.context import Context
from remedyd.service import Service

API = Path(__file__).parents[2] / "docs" / "api.md"


def _nobody(token: str, source: str) -> Principal:
    raise AssertionError("no request is made here")


_APP = create(Context(cast(Service, None), _nobody, Metrics(), "lab"))
DOCUMENT = _APP.openapi()
OPERATIONS = [
    (method, path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
NAMES = [operation["operationId"] for _, _, operation in OPERATIONS]
MODELS = [getattr(views, name) for name in views.__all__ if name.endswith("View")]


def test_it_is_openapi_3_1() -> None:
    """The version that carries JSON Schema as it is."""
    assert DOCUMENT["openapi"].startswith("3.1.")


def test_operations_have_names_of_their_own() -> None:
    """Each operation can be called by its id."""
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=NAMES)
def test_every_operation_shows_an_example(
    method: str, path: str, operation: dict[str, Any]
) -> None:
    """Of what is sent, of each good answer and of each problem."""
    contents = [operation.get("requestBody", {}).get("content", {})]
    contents += [response.get("content", {}) for response in operation["responses"].values()]
    for content in contents:
        assert all("example" in shown for shown in content.values())
    assert any(operation["responses"][s].get("content") for s in operation["responses"])


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=NAMES)
def test_every_error_is_problem_details(method: str, path: str, operation: dict[str, Any]) -> None:
    """Whatever can go wrong is documented in one shape; readiness keeps its own."""
    responses = operation["responses"]
    guarded = "security" in operation
    assert guarded is (path.startswith("/v1") or path in ("/manage",))
    wanted = {"401", "403", "422", "429", "500", "503"} if guarded else set()
    wanted |= {"413", "415"} if method == "post" else set()
    assert wanted <= responses.keys()
    for status, response in responses.items():
        if status >= "400" and guarded:
            assert list(response["content"]) == [problems.MEDIA_TYPE]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_examples_fit_their_shape(model: type[BaseModel]) -> None:
    """What the document shows is what the model accepts, and nothing is left out."""
    (example,) = cast(dict[str, Any], model.model_config.get("json_schema_extra"))["examples"]
    assert model.model_validate(example).model_fields_set == set(model.model_fields)


def test_the_page_names_every_operation() -> None:
    """`docs/api.md` has each method and path, and no other."""
    shown = set(
        re.findall(r"^\| `(GET|POST|DELETE|PUT) ([^`]+)`", API.read_text(encoding="utf-8"), re.M)
    )
    assert shown == {(method.upper(), path) for method, path, _ in OPERATIONS}
