"""Warnings of a query, in Elasticsearch's words."""

from __future__ import annotations

from collections.abc import Sequence

from remedyd.offline.source import Source
from remedyd.offline.sqlgen import Site


def warnings_of(site: Site, source: Source, shown: Sequence[str | None]) -> list[str]:
    """Return the summary of a failed evaluation and its (at most 20) distinct causes."""
    place = f"Line {source.position(site.node.span.start)}"
    text = source.cut(site.node.span)
    summary = (
        f"{place}: evaluation of [{text}] failed, treating result as {site.outcome}. "
        "Only first 20 failures recorded."
    )
    causes = [site.message]
    if site.shown:
        causes = [site.message.replace("{}", str(item)) for item in sorted(map(str, shown))]
    return [summary, *(f"{place}: {cause}" for cause in causes[:20])]
