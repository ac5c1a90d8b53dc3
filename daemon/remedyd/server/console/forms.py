"""What a form sends: read, and held to have come from a page of ours.

Three things have to agree: the cookie (SameSite=Strict), the browser's word on where the request
comes from, and the session's own token in the form. A forged one is refused and kept in the audit
trail under the name of whose session was to be used.
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from remedyd.errors import Forbidden, InvalidInput
from remedyd.model import ProposalId
from remedyd.server.console.entering import session_of
from remedyd.server.context import context

CSRF: Final = "csrf"
LONGEST: Final = 2000
_FIELDS: Final = 40
_TYPE: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Form:
    """A form's fields; each is given once."""

    fields: Mapping[str, str]

    def text(self, name: str, most: int = LONGEST) -> str:
        """Return a field without surrounding blanks, "" when absent; raise InvalidInput."""
        value = self.fields.get(name, "").strip()
        if len(value) > most:
            raise InvalidInput(f"{name}: at most {most} characters, not {len(value)}")
        return value.replace("\r\n", "\n")


async def read(request: Request) -> Form:
    """Return the form; raise InvalidInput for a body that is none."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if body and kind != _TYPE:
        raise InvalidInput("the body is not a form", hint=f"send it as {_TYPE}")
    try:
        found = parse_qs(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=_FIELDS, errors="strict"
        )
    except ValueError:  # neither text nor fields
        raise InvalidInput("the body is not a form that can be read") from None
    return Form({name: values[-1] for name, values in found.items()})


def foreign(request: Request) -> str:
    """Return why the request does not come from a page of ours, "" if it does."""
    site = request.headers.get("sec-fetch-site", "")
    if site and site not in ("same-origin", "none"):
        return f"the browser says that it comes from elsewhere ({site})"
    origin = request.headers.get("origin", "")
    if not origin:
        return "" if site else "it does not say which page it comes from"
    hosts = {request.headers.get("host", ""), request.headers.get("x-forwarded-host", "")}
    if urlsplit(origin).netloc.lower() in {host.lower() for host in hosts if host}:
        return ""
    return "it comes from another site's page"


def posted(operation: str) -> Callable[[Request], Awaitable[Form]]:
    """Return the dependency that reads the form of `operation`; raise Forbidden for a forged one.

    `operation` is the name under which the refusal is kept.
    """

    async def dependency(request: Request) -> Form:
        session = session_of(request)
        form = await read(request)
        why = foreign(request)
        if not why and not _same(form.fields.get(CSRF, ""), session.csrf):
            why = "it does not carry the session's own token"
        if not why:
            return form
        error = Forbidden(
            f"the request was not sent by a page of this console: {why}",
            hint="open the page again and repeat it there",
        )
        proposal = ProposalId(request.path_params.get("proposal_id", "")) or None
        service = context(request).service
        await run_in_threadpool(service.refuse, session.principal, operation, error, proposal)
        raise error

    return dependency


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
