"""The JSON Schema of a file tells what each key means."""

from pydantic import Field

from remedyd.documents import Model


class Window(Model):
    """A base."""

    first_day: int = 1
    """The day it begins,
    counted from Monday."""
    plain: int = 0


class Longer(Window):
    """One that adds to it."""

    default: str = "x"
    """Where nothing else is said."""
    said: int = Field(0, description="In its own words.")
    """Not this."""


def test_the_text_below_a_field_describes_its_key() -> None:
    """Inherited fields keep theirs, given descriptions stay, and the key is as files have it."""
    properties = Longer.model_json_schema()["properties"]
    assert {key: value.get("description") for key, value in properties.items()} == {
        "firstDay": "The day it begins,\ncounted from Monday.",
        "plain": None,
        "default": "Where nothing else is said.",
        "said": "In its own words.",
    }


def test_a_schema_that_refers_to_a_model_describes_it_too() -> None:
    """Editors look into nested objects."""

    class Outer(Model):
        """Holds another."""

        inner: Longer
        """What is within."""

    made = Outer.model_json_schema()
    assert made["properties"]["inner"]["description"] == "What is within."
    assert "counted" in made["$defs"]["Longer"]["properties"]["firstDay"]["description"]
