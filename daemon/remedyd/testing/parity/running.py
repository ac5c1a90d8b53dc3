"""Asks both engines and collects what differs; bounded in documents and time."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from remedyd.errors import QueryError
from remedyd.model import Clock, Json, Table, monotonic
from remedyd.offline.engine import Engine
from remedyd.offline.errors import EsqlError, UnsupportedEsql
from remedyd.offline.storage import ExecutionError
from remedyd.testing.parity.comparing import Answer, differences
from remedyd.testing.parity.prefixing import prefixed
from remedyd.testing.parity.questions import Fixture, Question, Topic

_PLACE = re.compile(r"^line \d+:\d+: ", re.MULTILINE)
_TIME = re.compile(r"\b(NOW|TRANGE)\s*\(", re.IGNORECASE)


class Remote(Protocol):
    """The other engine: `elastic.scratch.Scratch`."""

    def create(self, name: str, settings: Mapping[str, Json], mappings: Mapping[str, Json]) -> None:
        """Make an index."""
        ...

    def load(self, name: str, documents: Sequence[Mapping[str, Json]]) -> None:
        """Store documents."""
        ...

    def query(self, text: str, params: Mapping[str, Json] | Sequence[Json]) -> Table:
        """Run a query; raise QueryError."""
        ...


@dataclass(frozen=True, slots=True)
class Compared:
    """One question; `skipped` says why it was not asked."""

    topic: str
    question: Question
    differences: tuple[str, ...] = ()
    skipped: str = ""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that a run may take: documents of one index, and seconds."""

    documents: int = 50_000
    seconds: float = 600.0


def compare(
    topics: Iterable[Topic],
    remote: Remote,
    prefix: str,
    stack: tuple[int, int],
    clock: Clock,
    bounds: Bounds = Bounds(),
) -> Iterator[Compared]:
    """Yield each question with its differences. Raises QueryError when Elasticsearch fails.

    What is left when the time is up comes back as skipped.
    """
    deadline = monotonic() + bounds.seconds
    for topic in topics:
        if monotonic() > deadline:
            yield from (
                Compared(topic.name, one, skipped="no time left") for one in topic.questions
            )
            continue
        own = f"{prefix}{topic.name.replace('_', '-').strip('-')}-"
        engine = Engine(stack=stack, clock=clock, threads=1)
        try:
            for fixture in topic.fixtures:
                _put(fixture, own, engine, remote, bounds)
            for question in topic.questions:
                late = "no time left" if monotonic() > deadline else ""
                yield _asked(topic.name, question, own, engine, remote, late)
        finally:
            engine.close()


def _put(fixture: Fixture, own: str, engine: Engine, remote: Remote, bounds: Bounds) -> None:
    name = f"{own}{fixture.name}"
    documents = list(fixture.documents)[: bounds.documents]
    engine.create_stream(
        name, {"settings": dict(fixture.settings), "mappings": dict(fixture.mappings)}
    )
    engine.add_documents(name, documents)
    remote.create(name, fixture.settings, fixture.mappings)
    remote.load(name, documents)


def _asked(
    topic: str, question: Question, own: str, engine: Engine, remote: Remote, late: str
) -> Compared:
    text = prefixed(question.query, own)
    if late or text is None or _TIME.search(question.query):
        unknown = "it cannot be told which indices it reads"
        why = late or (unknown if text is None else "its answer depends on the time")
        return Compared(topic, question, skipped=why)
    try:
        ours = _offline(engine, text, question.params)
    except UnsupportedEsql as error:
        return Compared(topic, question, skipped=f"offline refuses {error.feature}")
    theirs = _elsewhere(remote, text, question.params)
    return Compared(topic, question, tuple(differences(text, ours, theirs)))


def _offline(engine: Engine, text: str, params: Mapping[str, Json] | Sequence[Json]) -> Answer:
    try:
        return Answer(engine.query(text, params))
    except UnsupportedEsql:
        raise
    except EsqlError as error:
        placed = _PLACE.search(error.message)  # some errors have no place in Elasticsearch
        line, column = (error.line, error.column) if placed else (0, 0)
        return Answer(error=error.reason, line=line, column=column)
    except ExecutionError as error:
        return Answer(error=error.message)


def _elsewhere(remote: Remote, text: str, params: Mapping[str, Json] | Sequence[Json]) -> Answer:
    """Ask Elasticsearch; only what it says about the query is an answer."""
    try:
        return Answer(remote.query(text, params))
    except QueryError as error:
        if error.outcome in ("Unavailable", "Forbidden", "Partial"):
            raise
        return Answer(error=error.message, line=error.line, column=error.column)
