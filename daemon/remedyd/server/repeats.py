"""Idempotency-Key: the same request sent twice is done once and answered twice alike.

The key belongs to the caller: two principals may use the same words, and a principal whose scopes
have changed does not get the answers of its former ones.
"""

import re
from typing import Any, Final

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from remedyd.errors import Conflict, RemedydError
from remedyd.model import Principal, sha256
from remedyd.observability import logs
from remedyd.proposals.answers import Answer
from remedyd.server import bodies, problems
from remedyd.service import Service

log = logs.get(__name__)

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_RETRY_SECONDS: Final = "2"
_LONGEST: Final = 256 << 10


class Repeats:
    """Answers repeated POSTs from the store, and passes everything else on."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        """Take the application and where the answers are kept."""
        self._app = app
        self._service = service

    async def serve(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Serve one request."""
        words = bodies.header(scope, "idempotency-key")
        principal = scope.get("state", {}).get("principal")
        if scope["method"] != "POST" or not words or principal is None:
            await self._app(scope, receive, send)
            return
        if not _KEY.fullmatch(words):
            bad = "the Idempotency-Key must be 1 to 255 visible ASCII characters"
            await problems.problem(Request(scope), 422, bad)(scope, receive, send)
            return
        key, request = _key(principal, words), _request(scope, body)
        try:
            earlier = await run_in_threadpool(self._service.begin_answer, key, request)
        except RemedydError as error:
            more = {"Retry-After": _RETRY_SECONDS} if isinstance(error, Conflict) else {}
            await problems.answer(Request(scope), error, more)(scope, receive, send)
            return
        if earlier is not None:
            await _replayed(earlier)(scope, receive, send)
            return
        await self._first(key, scope, receive, send)

    async def _first(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Work on it; keep a definite answer, give the key back after anything else.

        The answer is kept before it is sent: who has it and asks again must find it.
        """
        kept = _Kept()
        answer: Answer | None = None
        try:
            await self._app(scope, receive, kept)
            if kept.worth_keeping():
                answer = Answer(kept.status, kept.body.decode("utf-8"), kept.headers)
        finally:
            try:
                await run_in_threadpool(self._service.end_answer, key, answer)
            except RemedydError as error:  # the work is done: the caller gets its answer
                log.error(f"the answer is not kept for a repeat: {error.message}")
        for message in kept.messages:
            await send(message)


class _Kept:
    """A `send` that holds back what it is given."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""

    def worth_keeping(self) -> bool:
        """Whether it is definite, and short: rows of an audit are cheaper asked for than kept."""
        definite = bool(self.status) and self.status < 500 and self.status != 429
        return definite and len(self.body) <= _LONGEST

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            told = message.get("headers", ())
            given = {name.decode("latin-1"): value.decode("latin-1") for name, value in told}
            self.headers = {name: given[name] for name in given.keys() - {"content-length"}}
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")
        self.messages.append(message)


def _key(principal: Principal, words: str) -> str:
    reach = None if principal.namespaces is None else sorted(principal.namespaces)
    rights = [sorted(principal.scopes), reach, sorted(principal.within)]
    return sha256([principal.name, *rights, words])


def _request(scope: Scope, body: bytes) -> str:
    query: Any = scope.get("query_string", b"")
    return sha256([scope["path"], query.decode("latin-1"), body.decode("utf-8", "replace")])


def _replayed(earlier: Answer) -> Response:
    kind = problems.MEDIA_TYPE if earlier.status >= 400 else "application/json"
    headers = {**earlier.headers, "Idempotency-Replayed": "true"}
    return Response(earlier.body, earlier.status, headers=headers, media_type=kind)
