"""How another process breaks things in a running lab: a small JSON API on loopback."""

import json
from typing import Any

from remedyd.errors import InvalidInput, NotFound, RemedydError
from remedyd.lab.faults import Fault, Workload
from remedyd.lab.http import LoopbackServer, Received, Sent
from remedyd.lab.world import Lab


def _sent(status: int, body: Any) -> Sent:
    payload = json.dumps(body).encode()
    return Sent(status, payload, {"Content-Type": "application/json"})


def shown(workload: Workload, fault: Fault) -> dict[str, Any]:
    """Return a fault in force as JSON."""
    target = "/".join(part for part in workload if part)
    return {"fault": fault.name, "target": target, "params": dict(fault.params)}


class Control:
    """`GET /lab` tells how it stands, `POST` and `DELETE /faults` inject and clear."""

    def __init__(self, lab: Lab, port: int = 0) -> None:
        """Take the lab to control."""
        self._lab = lab
        self._server = LoopbackServer(self._respond, port)

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._server.url

    def start(self) -> None:
        """Begin to answer."""
        self._server.start()

    def stop(self) -> None:
        """Close the port."""
        self._server.stop()

    def _respond(self, request: Received) -> Sent:
        try:
            if request.path == "/lab" and request.method == "GET":
                return _sent(200, self._state())
            if request.path == "/faults" and request.method in ("POST", "DELETE"):
                return self._change(request)
        except RemedydError as error:
            status = 404 if isinstance(error, NotFound) else 400
            return _sent(status, {"detail": error.message, "hint": error.hint})
        return _sent(404, {"detail": f"nothing at {request.method} {request.path}", "hint": ""})

    def _state(self) -> dict[str, Any]:
        faults = [shown(one.workload, one.fault) for one in self._lab.faults()]
        return {
            "now": self._lab.now().isoformat(),
            "apiserver": self._lab.apiserver.url,
            "elasticsearch": self._lab.elasticsearch_url,
            "faults": faults,
        }

    def _change(self, request: Received) -> Sent:
        try:
            wish = json.loads(request.body or b"{}")
            name, target = str(wish["fault"]), str(wish["target"])
            params = {str(key): value for key, value in (wish.get("params") or {}).items()}
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise InvalidInput(f"the body must be JSON with fault and target: {error}") from error
        if request.method == "DELETE":
            self._lab.clear(name, target)
            return _sent(200, {"cleared": name, "target": target})
        fault = self._lab.inject(name, target, **params)
        return _sent(200, {"fault": name, "target": target, "params": dict(fault.params)})
