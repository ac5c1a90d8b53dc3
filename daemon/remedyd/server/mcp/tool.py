"""What a tool is: a name, two schemas, the scope it needs, and one call to the service."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.concurrency import run_in_threadpool

from remedyd.errors import InvalidInput, Problem
from remedyd.model import Principal, Scope
from remedyd.server.context import Context

A = TypeVar("A")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Asking:
    """One call: the daemon that is asked, and who asks."""

    ctx: Context
    principal: Principal


class Arguments(BaseModel):
    """Base of all arguments: unknown names are mistakes, and nothing is silently converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool; the hints are the protocol's, `scope` is what it takes to see it listed.

    Whether a call is allowed is for the service alone to say: a caller without the scope reaches
    it, is refused there, and the refusal is kept.
    """

    name: str
    title: str
    description: str
    scope: Scope
    arguments: type[Arguments]
    result: type[BaseModel]
    call: Callable[[Asking, Any], Awaitable[BaseModel]]
    read_only: bool = False
    destructive: bool = False
    idempotent: bool = False

    def listed_for(self, principal: Principal) -> bool:
        """Whether the caller is told of it."""
        return principal.may(self.scope)

    def validated(self, given: dict[str, Any] | None) -> Arguments:
        """Return the arguments; raise InvalidInput with every mistake. A null is left out."""
        try:
            return self.arguments.model_validate(
                {name: value for name, value in (given or {}).items() if value is not None}
            )
        except ValidationError as error:
            found = [
                Problem(_plain(each["msg"]), ".".join(str(part) for part in each["loc"]))
                for each in error.errors(include_url=False, include_input=False)
            ]
            raise InvalidInput(
                "; ".join(str(problem) for problem in found),
                found,
                hint=f"the arguments of {self.name}: {', '.join(self.arguments.model_fields)}",
            ) from None


def threaded(call: Callable[[Asking, A], R]) -> Callable[[Asking, A], Awaitable[R]]:
    """Return `call` as one that runs in a thread: the service waits for stores and clusters."""

    async def run(asking: Asking, given: A) -> R:
        return await run_in_threadpool(call, asking, given)

    return run


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")
