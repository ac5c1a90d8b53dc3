"""Who approves in the demo: the demo itself, the person at the keyboard, or REST."""

import json
from typing import Any, Protocol

import httpx2
from rich.console import Console


class Approver(Protocol):
    """Decides about a proposal that was just shown."""

    def decide(self, proposal: dict[str, Any]) -> str:
        """Act, and return a line for the reader."""
        ...


class Automatic:
    """Approves every proposal by its digest, with an approver's token."""

    def __init__(self, client: httpx2.Client) -> None:
        """Take a client that holds the approver's token."""
        self._client = client

    def decide(self, proposal: dict[str, Any]) -> str:
        """Approve over REST."""
        return _approve(self._client, proposal)


class Keyboard:
    """Asks the person at the terminal."""

    def __init__(self, client: httpx2.Client, console: Console) -> None:
        """Take a client that holds the approver's token."""
        self._client = client
        self._console = console

    def decide(self, proposal: dict[str, Any]) -> str:
        """Ask; anything but yes rejects."""
        answer = self._console.input("[bold]approve this? [y/N] [/]").strip().lower()
        if answer in ("y", "yes"):
            return _approve(self._client, proposal)
        body = {"reason": "declined at the keyboard"}
        response = self._client.post(f"/v1/proposals/{proposal['id']}/reject", json=body)
        return "rejected" if response.is_success else _why(response)


class ByHand:
    """Prints the REST call and leaves it to the reader."""

    def __init__(self, url: str, token_file: str) -> None:
        """Take the daemon's URL and the file that holds the approver's token."""
        self._url = url
        self._token_file = token_file

    def decide(self, proposal: dict[str, Any]) -> str:
        """Show how to approve from another terminal."""
        body = json.dumps({"digest": proposal["digest"]})
        return (
            "approve it from another terminal:\n"
            f"  curl -sX POST {self._url}/v1/proposals/{proposal['id']}/approve \\\n"
            f'    -H "Authorization: Bearer $(cat {self._token_file})" \\\n'
            f"    -H 'Content-Type: application/json' -d '{body}'"
        )


def _approve(client: httpx2.Client, proposal: dict[str, Any]) -> str:
    response = client.post(
        f"/v1/proposals/{proposal['id']}/approve", json={"digest": proposal["digest"]}
    )
    if not response.is_success:
        return _why(response)
    return f"approved by demo-approver, digest {proposal['digest'][:12]}"


def _why(response: httpx2.Response) -> str:
    return f"refused: {response.json().get('detail', response.status_code)}"
