"""The JSON Schema for editors agrees with the loader."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from remedyd.actions.registry import SCHEMAS
from remedyd.cli.policy import schema_text
from remedyd.paths import shipped
from remedyd.policy.schema import json_schema

POLICIES = sorted(shipped("policies").glob("*.yaml"))
GALLERY = Path(__file__).parents[1] / "gallery" / "policies"


def _validator() -> Draft202012Validator:
    return Draft202012Validator(json_schema(SCHEMAS))


def test_committed_schema_is_the_generated_one() -> None:
    """The file beside the policies is what `remedyd policy schema` prints."""
    committed = shipped("policies") / "policy.schema.json"
    assert committed.read_text(encoding="utf-8") == schema_text(), (
        "run: remedyd policy schema > policies/policy.schema.json"
    )


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_shipped_policies(path: Path) -> None:
    """Shipped policies satisfy the schema and tell editors where it is."""
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=policy.schema.json\n")
    assert list(_validator().iter_errors(yaml.safe_load(text))) == []


@pytest.mark.parametrize(
    "name",
    [
        "misspelt-key",
        "misspelt-key-in-action",
        "unknown-severity",
        "cooldown-number",
        "no-steps",
        "unknown-action",
        "share-above-hundred",
        "wrong-kind",
        "no-name",
    ],
)
def test_editors_see_mistakes_of_shape(name: str) -> None:
    """What is wrong with a document's shape is wrong in an editor too."""
    (path,) = GALLERY.glob(f"*-{name}.yaml")
    document: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert list(_validator().iter_errors(document))


def test_every_key_is_described_once() -> None:
    """The schema refuses unknown keys everywhere."""
    definitions = json.loads(schema_text())["$defs"].values()
    objects = [d for d in definitions if d.get("type") == "object"]
    assert objects
    assert all(d.get("additionalProperties") is False for d in objects)
