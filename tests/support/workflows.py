"""Runs a workflow as Kibana does: Liquid for texts, KQL for conditions, connectors for secrets.

Enough of it for the workflows that are shipped; whatever it does not know is an error here.
"""

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import liquid
import yaml

_TYPED = re.compile(r"\$\{\{\s*([\w.]+)\s*\}\}")
_CONDITION = re.compile(r"([\w.]+) : (true|false|\*)")
_TYPES: Mapping[str, tuple[type, ...]] = {"string": (str,), "number": (int, float)}
_RUNS = itertools.count(1)
"""No two runs have the same number, whichever workflow they are of."""


@dataclass
class Connector:
    """An HTTP connector: its base URL and secret headers."""

    url: str
    headers: dict[str, str]


@dataclass
class Run:
    """What became of a run: console lines, each step's output and error, why it failed."""

    lines: list[str] = field(default_factory=list)
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    failed: str = ""
    asked: list[str] = field(default_factory=list)


class Workflow:
    """One workflow and what it may use; `answer` is the person who is asked."""

    def __init__(
        self,
        text: str,
        connectors: Mapping[str, Connector] | None = None,
        answer: Callable[[str], Any] = lambda message: None,
    ) -> None:
        self.read: dict[str, Any] = yaml.safe_load(text)
        self._connectors = connectors or {}
        self._answer = answer
        self._liquid = liquid.Environment()

    def inputs(self) -> list[dict[str, Any]]:
        """Return the declared inputs, wherever the form of this release has them."""
        own: list[dict[str, Any]] = self.read.get("inputs", [])
        for trigger in self.read["triggers"]:
            own = own + trigger.get("inputs", [])
        return own

    def run(self, event: Any = None, **given: Any) -> Run:
        """Run it with inputs, or with the event of an alert."""
        run = Run()
        context = {
            "inputs": self._checked(given),
            "consts": self.read.get("consts", {}),
            "event": event or {},
            "steps": run.steps,
            "execution": {
                "id": f"run-{next(_RUNS)}",
                "url": "https://kibana.example/app/workflows/run",
                "executedBy": "lee@example.com",
            },
        }
        self._do(self.read["steps"], context, run)
        return run

    def _checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for one in self.inputs():
            name = one["name"]
            value = given.get(name, one.get("default"))
            if value is None:
                assert not one.get("required"), f"{name} is required"
                continue
            if one["type"] == "choice":
                assert value in one["options"], f"{name}: {value}"
            else:
                assert isinstance(value, _TYPES[one["type"]]), f"{name}: {value!r}"
            found[name] = value
        assert set(given) <= {one["name"] for one in self.inputs()}
        return found

    def _do(self, steps: list[dict[str, Any]], context: dict[str, Any], run: Run) -> None:
        for step in steps:
            if run.failed:
                return
            if "if" in step and not self._holds(step["if"], context):
                continue
            kind = step["type"].split(".")[-1]
            getattr(self, f"_{kind}")(step, context, run)

    def _holds(self, condition: str, context: Mapping[str, Any]) -> bool:
        match = _CONDITION.fullmatch(condition)
        assert match is not None, condition
        value = self._at(match[1], context)
        return value is not None if match[2] == "*" else value is (match[2] == "true")

    def _at(self, path: str, context: Any) -> Any:
        for part in path.split("."):
            context = context.get(part) if isinstance(context, Mapping) else None
        return context

    def rendered(self, value: Any, context: Mapping[str, Any]) -> Any:
        """Fill in the templates of a value, however deep they lie."""
        if isinstance(value, dict):
            return {name: self.rendered(one, context) for name, one in value.items()}
        if isinstance(value, list):
            return [self.rendered(one, context) for one in value]
        if not isinstance(value, str):
            return value
        if match := _TYPED.fullmatch(value):
            return self._at(match[1], context)
        return self._liquid.from_string(value).render(**context)

    def _console(self, step: Any, context: Any, run: Run) -> None:
        run.lines.append(self.rendered(step["with"]["message"], context))

    def _fail(self, step: Any, context: Any, run: Run) -> None:
        run.failed = self.rendered(step["with"]["message"], context)

    def _foreach(self, step: Any, context: Any, run: Run) -> None:
        for item in self.rendered(step["foreach"], context):
            self._do(step["steps"], {**context, "foreach": {"item": item}}, run)

    def _waitForApproval(self, step: Any, context: Any, run: Run) -> None:
        answer = self._asked(step, context, run)
        if answer is not None:
            response = {"approved": answer}
            run.steps[step["name"]] = {
                "output": {"response": response, "respondedBy": "lee@example.com"}
            }

    def _waitForInput(self, step: Any, context: Any, run: Run) -> None:
        assert step["with"]["schema"]["required"] == ["approved"]
        answer = self._asked(step, context, run)
        if answer is not None:
            run.steps[step["name"]] = {"output": {"approved": answer}}

    def _asked(self, step: Any, context: Any, run: Run) -> Any:
        """Ask the person; without an answer the run ends, as after the timeout."""
        message = self.rendered(step["with"]["message"], context)
        run.asked.append(message)
        answer = self._answer(message)
        if answer is None:
            run.failed = f"{step['name']} timed out"
        return answer

    def _http(self, step: Any, context: Any, run: Run) -> None:
        told = self.rendered(step["with"], context)
        connector = self._connectors.get(step.get("connector-id", ""))
        url = told["url"] if connector is None else connector.url + told["path"]
        headers = {**told.get("headers", {}), **(connector.headers if connector else {})}
        parts = urlsplit(url)
        answer = httpx2.request(
            told["method"],
            parts._replace(query="").geturl(),
            params={name: values[0] for name, values in parse_qs(parts.query).items()},
            headers=headers,
            json=told.get("body"),
            timeout=20,
        )
        body = answer.json() if "json" in answer.headers.get("content-type", "") else answer.text
        details = {"status": answer.status_code, "headers": dict(answer.headers)}
        if answer.is_success:
            run.steps[step["name"]] = {"output": {**details, "data": body}}
            return
        error = {"type": "HttpError", "message": f"HTTP {answer.status_code}"}
        run.steps[step["name"]] = {"error": {**error, "details": {**details, "body": body}}}
        if not step.get("on-failure", {}).get("continue"):
            run.failed = error["message"]
