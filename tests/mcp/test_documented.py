"""docs/agents.md says what the code does: every tool, argument, result, resource, prompt."""

import json
import re
import textwrap
from pathlib import Path
from typing import Any

from remedyd.server.mcp.catalogue import TOOLS
from remedyd.server.mcp.prompts import PROMPTS
from remedyd.server.mcp.resources import TEMPLATES
from remedyd.server.mcp.schemas import schema
from remedyd.server.mcp.tool import Tool

PAGE = Path(__file__).parents[2] / "docs" / "agents.md"


def reference(tool: Tool) -> str:
    """Return the section of a tool as the page must have it."""
    given = schema(tool.arguments, inputs=True)
    required = set(given.get("required", ()))
    lines = [f"### `{tool.name}`", "", textwrap.fill(tool.description, 100), ""]
    hints = [
        word
        for word, holds in (
            ("read-only", tool.read_only),
            ("destructive", tool.destructive),
            ("idempotent", tool.idempotent),
        )
        if holds
    ]
    lines += [f"Scope {tool.scope.value}; {', '.join(hints) or 'no hint'}.", ""]
    lines += ["| argument | type | default | meaning |", "| --- | --- | --- | --- |"]
    lines += [
        f"| `{name}` | {field['type']} | {_default(name, field, required)} | "
        f"{field['description']}{_values(field)} |"
        for name, field in given["properties"].items()
    ]
    results = schema(tool.result)["properties"]
    gives = "Gives " + ", ".join(f"`{name}`" for name in results) + "."
    lines += ["", textwrap.fill(gives, 100), ""]
    return "\n".join(lines)


def _default(name: str, field: dict[str, Any], required: set[str]) -> str:
    if name in required:
        return "required"
    return f"`{json.dumps(field['default'])}`" if field.get("default") not in (None, "") else ""


def _values(field: dict[str, Any]) -> str:
    return f": {', '.join(field['enum'])}" if "enum" in field else ""


def test_every_tool_is_documented_as_it_is() -> None:
    """Name, scope, hints, arguments with type and default, results; nothing that is not there."""
    page = PAGE.read_text(encoding="utf-8")
    for tool in TOOLS:
        assert reference(tool) in page, f"docs/agents.md lacks:\n\n{reference(tool)}"
    assert re.findall(r"^### `(\w+)`$", page, re.MULTILINE) == [tool.name for tool in TOOLS]


def test_every_resource_and_prompt_is_documented() -> None:
    """By address and name."""
    page = PAGE.read_text(encoding="utf-8")
    for template in TEMPLATES:
        assert f"`{template.uri}`" in page
    for prompt in PROMPTS:
        assert f"| `{prompt.name}` | {prompt.scope.value} |" in page
