"""How a line of the log is called in the Elastic Common Schema.

Our own words for common things are translated here, so that a proposal, a caller or a request is
found under one name in every line, and in the audit trail; what ECS has no name for is kept under
`remedyd.`.
"""

import json
import socket
import sys
import traceback
from typing import Any, Final

from structlog.typing import EventDict, WrappedLogger

from remedyd import __version__

VERSION: Final = "8.17.0"
FIRST: Final = ("@timestamp", "log.level", "message")
"""What a person reads first."""
NAMES: Final = {
    "event": "message",
    "level": "log.level",
    "logger": "log.logger",
    "timestamp": "@timestamp",
    "cluster": "orchestrator.cluster.name",
    "namespace": "orchestrator.namespace",
    "proposal": "labels.proposal_id",
    "principal": "user.name",
    "source": "client.address",
    "request_id": "http.request.id",
    "method": "http.request.method",
    "status": "http.response.status_code",
    "path": "url.path",
}
_SAME: Final = {
    "ecs.version": VERSION,
    "service.name": "remedyd",
    "service.version": __version__,
    "service.node.name": socket.gethostname(),
    "event.dataset": "remedyd.log",
}


def render(_: WrappedLogger, __: str, event: EventDict) -> str:
    """Render one event as a line of ECS JSON."""
    named = {
        NAMES.get(key, key if "." in key else f"remedyd.{key}"): value
        for key, value in event.items()
        if not key.startswith("_") and key != "exc_info" and value not in ("", None)
    }
    named |= _error(event.get("exc_info"))
    document = {key: named.pop(key, "") for key in FIRST}
    document |= _SAME | named
    return json.dumps(document, default=str, ensure_ascii=False)


def _error(exc_info: object) -> dict[str, Any]:
    error = sys.exc_info() if exc_info is True else exc_info
    if isinstance(error, BaseException):
        error = (type(error), error, error.__traceback__)
    if not isinstance(error, tuple) or error[1] is None:
        return {}
    return {
        "error.type": error[1].__class__.__name__,
        "error.message": str(error[1]),
        "error.stack_trace": "".join(traceback.format_exception(*error)),
    }
