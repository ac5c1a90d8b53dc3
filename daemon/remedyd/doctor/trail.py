"""May the audit trail be added to? Asked of Elasticsearch, without adding anything."""

from collections.abc import Iterator
from typing import Final

from remedyd import reporting
from remedyd.doctor.finding import Finding, Part
from remedyd.elastic.client import ElasticSource
from remedyd.errors import QueryError, RemedydError
from remedyd.proposals.ecs import DATASET
from remedyd.settings import Settings

_PART: Final = Part("trail")
_WANTED: Final = ("create_doc", "auto_configure")
_WAY: Final = "check that REMEDYD_TRAIL__URL leads to Elasticsearch, and the key"
_KEYS: Final = "give it a key of its own: `remedyd elastic keys` prints the request"


def trail(settings: Settings) -> Iterator[Finding]:
    """Yield the findings about where the audit trail goes, if it goes anywhere."""
    if not settings.trail.elasticsearch:
        fix = "nothing, if the store's own history is enough (REMEDYD_TRAIL__ELASTICSEARCH)"
        yield _PART.warn("elasticsearch", "nothing is sent there", fix)
        return
    stream = f"logs-{DATASET}-{settings.trail.namespace}"
    try:
        source = ElasticSource(reporting.connection(settings))
    except (RemedydError, OSError) as error:
        yield _PART.fail("configured", str(error), "correct REMEDYD_TRAIL__*")
        return
    try:
        source.ping()
        held = source.privileges([stream], _WANTED)
    except QueryError as error:
        yield _PART.fail("reachable", error.message, f"{_WAY}. {error.hint}".rstrip(". "))
        return
    finally:
        source.close()
    rights = " and ".join(_WANTED)
    if not held:
        fix = "nothing, if security is off there"
        yield _PART.warn("privileges", f"cannot be asked for {rights} on {stream}", fix)
    elif held.get(stream):
        yield _PART.ok("privileges", f"may add to {stream}")
    else:
        yield _PART.fail("privileges", f"lacks {rights} on {stream}: events wait", _KEYS)
