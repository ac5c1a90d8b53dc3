"""Elasticsearch for these tests: scripted, on loopback."""

from collections.abc import Callable, Iterator

import pytest

from remedyd.elastic.client import ElasticSource
from remedyd.elastic.connection import Connection
from support.elastic import FakeElasticsearch, fake_elasticsearch


@pytest.fixture
def fake() -> Iterator[FakeElasticsearch]:
    with fake_elasticsearch() as server:
        yield server


@pytest.fixture
def source(fake: FakeElasticsearch) -> Iterator[Callable[..., ElasticSource]]:
    opened: list[ElasticSource] = []

    def open_source(**options: object) -> ElasticSource:
        quick = {"timeout": 5.0, "attempts": 3, "first_wait": 0.001, "longest_wait": 0.002}
        connection = Connection(**{"url": fake.url, **quick, **options})  # type: ignore[arg-type]
        opened.append(ElasticSource(connection))
        return opened[-1]

    yield open_source
    for one in opened:
        one.close()
