"""The schema for editors and the page of fields agree with what reads test files."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from remedyd.cli.policy import Kind, schema_text
from remedyd.paths import shipped
from remedyd.testing.policytest.reference import reference

SHIPPED = sorted((shipped("policies") / "tests").glob("*.yaml"))
GALLERY = Path(__file__).parents[1] / "gallery" / "policytests"
PAGE = Path(__file__).parents[2] / "docs" / "policy-tests.md"


def validator():
    return Draft202012Validator(json.loads(schema_text(Kind.TEST)))


def test_the_committed_schema_is_the_generated_one():
    """It lies beside the policies."""
    committed = shipped("policies") / "policytest.schema.json"
    assert committed.read_text(encoding="utf-8") == schema_text(Kind.TEST), (
        "run: remedyd policy schema --kind PolicyTest > policies/policytest.schema.json"
    )


def test_the_page_has_every_field():
    """As the models describe it."""
    assert PAGE.read_text(encoding="utf-8").endswith(reference()), (
        "replace the fields of docs/policy-tests.md by what reference() returns"
    )


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_tests_satisfy_the_schema(path):
    """As the loader does."""
    assert list(validator().iter_errors(yaml.safe_load(path.read_text("utf-8")))) == []


@pytest.mark.parametrize(
    "name",
    ["01-misspelt-key", "02-no-expectations", "09-unknown-outcome", "33-malformed-target"],
)
def test_editors_see_mistakes_of_shape(name):
    """What is wrong with a file's shape is wrong in an editor too."""
    document = yaml.safe_load((GALLERY / f"{name}.yaml").read_text("utf-8"))
    assert list(validator().iter_errors(document))


@pytest.mark.parametrize("kind", Kind)
def test_durations_are_written_as_in_files(kind):
    """Defaults, too."""
    text = schema_text(kind)
    assert '"default": "PT' not in text
    assert '"default": "P7D"' not in text
