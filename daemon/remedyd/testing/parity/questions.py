"""What is asked: conformance cases and shipped audits, with the tables they read.

A case file holds `tables` (`fields`: name -> mapped type, `documents`, `mode`) and `cases`
(`name`, `query`, `params`); the tables of `_tables.yaml` are there for every file.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from remedyd.errors import InvalidInput, Problem
from remedyd.model import Json

SHARED = "_tables"


class _Loader(yaml.CSafeLoader):
    """YAML without timestamps: a date in a case is text."""


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True, slots=True)
class Fixture:
    """An index with its documents."""

    name: str
    settings: Mapping[str, Any]
    mappings: Mapping[str, Any]
    documents: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Question:
    """One query with its parameters."""

    name: str
    query: str
    params: Mapping[str, Json] | Sequence[Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Topic:
    """Questions that are asked over the same indices."""

    name: str
    fixtures: tuple[Fixture, ...]
    questions: tuple[Question, ...]


def topics(directory: Path) -> Iterator[Topic]:
    """Yield the topics of a directory of case files; raise InvalidInput."""
    files = sorted(directory.glob("*.yaml"))
    if not files:
        raise InvalidInput(f"no case files in {directory}", [Problem("no *.yaml", str(directory))])
    shared = _fixtures(_load(directory / f"{SHARED}.yaml")) if files[0].stem == SHARED else ()
    for path in files:
        if path.stem != SHARED:
            yield _topic(path, shared)


def _topic(path: Path, shared: tuple[Fixture, ...]) -> Topic:
    content = _load(path)
    try:
        own = _fixtures(content)
        questions = tuple(
            Question(str(case["name"]), str(case["query"]).strip(), case.get("params") or {})
            for case in content.get("cases", ())
        )
    except (KeyError, TypeError, AttributeError) as error:
        message = f"is not a case file: {error!r}"
        raise InvalidInput(f"{path} {message}", [Problem(message, str(path))]) from error
    names = {fixture.name for fixture in own}
    return Topic(path.stem, (*(one for one in shared if one.name not in names), *own), questions)


def _load(path: Path) -> dict[str, Any]:
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - safe one
    except (OSError, yaml.YAMLError) as error:
        raise InvalidInput(f"{path} cannot be read", [Problem(str(error), str(path))]) from error
    return found if isinstance(found, dict) else {}


def _fixtures(content: Mapping[str, Any]) -> tuple[Fixture, ...]:
    return tuple(
        Fixture(
            name=name,
            settings=_settings(given),
            mappings={"properties": {key: _field(kind) for key, kind in given["fields"].items()}},
            documents=given["documents"],
        )
        for name, given in content.get("tables", {}).items()
    )


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the index settings; a time series needs its dimensions and its time range."""
    mode = given.get("mode", "standard")
    settings: dict[str, Any] = {"index.mode": mode}
    if mode == "time_series":
        times = sorted(str(one["@timestamp"]) for one in given["documents"])
        kinds = given["fields"].items()
        settings["index.routing_path"] = [
            name for name, kind in kinds if str(kind).endswith(" dimension")
        ]
        settings["index.time_series.start_time"] = f"{times[0][:10]}T00:00:00Z"
        settings["index.time_series.end_time"] = "2100-01-01T00:00:00Z"
    return settings


def _field(kind: Any) -> dict[str, Any]:
    """Read `long`, `long counter`, `keyword dimension`, `alias of x`, or a mapping in full."""
    if isinstance(kind, dict):
        return kind
    word, _, more = str(kind).partition(" ")
    if word == "alias":
        return {"type": "alias", "path": more.removeprefix("of ")}
    if more == "dimension":
        return {"type": word, "time_series_dimension": True}
    return {"type": word, **({"time_series_metric": more} if more else {})}
