"""Every test here that asks for a `post` runs on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.proposals import a_clock
from support.stores import Blanks, migrated, server, url
from support.trail import Post, Receiver, receiver

__all__ = ["migrated", "server", "url"]


@pytest.fixture
def sqlite(migrated: Blanks) -> str:
    """Return the URL of an empty SQLite store."""
    return migrated.sqlite()


@pytest.fixture
def elastic() -> Iterator[Receiver]:
    """Return what takes the documents."""
    with receiver() as made:
        yield made


@pytest.fixture
def posts(elastic: Receiver) -> Iterator[Callable[..., Post]]:
    """Return a maker of posts that are closed at the end."""
    made: list[Post] = []

    def make(url: str, **options: Any) -> Post:
        made.append(Post(url, a_clock(), options.pop("elasticsearch", elastic.url), **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def post(url: str, posts: Callable[..., Post]) -> Post:
    """Return a store that reports to the receiver."""
    return posts(url)
