"""The connectors, which alone hold the daemon's tokens."""

from typing import Any

from remedyd.elastic.kibana.call import Secret
from remedyd.elastic.kibana.wanted import HTTP, HTTP_APPROVER, MCP, MCP_APPROVER, Wanted

PATH = "/api/actions/connector"
LIST = "/api/actions/connectors"
TYPES = {MCP: ".mcp", HTTP: ".http", MCP_APPROVER: ".mcp", HTTP_APPROVER: ".http"}


def connectors(wanted: Wanted) -> dict[str, dict[str, Any]]:
    """Return the bodies of the connectors by name."""
    found = {
        MCP: _mcp(MCP, wanted, wanted.token),
        HTTP: _http(HTTP, wanted, wanted.token),
    }
    if wanted.approver is not None:
        if wanted.stack.confirms:
            found[MCP_APPROVER] = _mcp(MCP_APPROVER, wanted, wanted.approver)
        found[HTTP_APPROVER] = _http(HTTP_APPROVER, wanted, wanted.approver)
    return found


def _mcp(name: str, wanted: Wanted, token: Secret) -> dict[str, Any]:
    return {
        "name": name,
        "connector_type_id": ".mcp",
        "config": {
            "serverUrl": f"{wanted.daemon_url}/mcp",
            "hasAuth": True,
            "authType": "bearer",
            "headers": dict(wanted.headers),
        },
        "secrets": {"token": token},
    }


def _http(name: str, wanted: Wanted, token: Secret) -> dict[str, Any]:
    bearer = Secret(f"Bearer {token.name}", f"Bearer {token.reveal()}")
    return {
        "name": name,
        "connector_type_id": ".http",
        "config": {"url": wanted.daemon_url, "hasAuth": False},
        "secrets": {"secretHeaders": {"Authorization": bearer, **wanted.headers}},
    }
