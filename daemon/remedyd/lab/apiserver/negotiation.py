"""In which form an answer is wanted: whole objects, metadata only, a table, YAML."""

import re
from dataclasses import dataclass

from remedyd.lab.apiserver.status import StatusError

_KNOWN = frozenset(("application/json", "application/yaml", "*/*", "application/*"))
_GOOD_TABLE = frozenset(("v1", "v1beta1"))


@dataclass(frozen=True, slots=True)
class Form:
    """What to send: `shape` is "", "Table", "PartialObjectMetadata" or "...List"."""

    media: str = "application/json"
    shape: str = ""


def not_acceptable() -> StatusError:
    """Return the 406."""
    message = (
        "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, "
        "application/vnd.kubernetes.protobuf"
    )
    return StatusError(406, "NotAcceptable", message, details={})


def choose(accept: str) -> Form:
    """Return the first form in an Accept header that can be served."""
    if not accept:
        return Form()
    for part in accept.split(","):
        media, *parameters = [piece.strip() for piece in part.split(";")]
        if media not in _KNOWN:
            continue
        held = dict(re.split(r"\s*=\s*", each, maxsplit=1) for each in parameters if "=" in each)
        if held.get("as") == "Table" and held.get("v") not in _GOOD_TABLE:
            continue
        real = "application/json" if "*" in media else media
        return Form(real, held.get("as", ""))
    raise not_acceptable()
