"""How much of a resource a container is to get: the arithmetic of `UpdateResources`.

Pure and exact. Growth starts from what was really exceeded: the limit when the container was
killed at its limit, the request when the node ran out. It is at least a fixed step, because a
fifth of a small limit is nothing, and it ends at the lowest of all ceilings. A container that
stands at a ceiling is not raised again: that is how a leak would be fed for ever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from remedyd.actions.action import Ceiling, Parameters
from remedyd.cluster import quantities
from remedyd.cluster.quantities import MEBI, QuantityText
from remedyd.errors import Refused

_STEP = {"memory": 16 * MEBI, "cpu": Decimal("0.01")}
_FINEST = {"memory": Decimal(1), "cpu": Decimal("0.001")}
"""What the API server rounds up to."""
_FINE = {"memory": MEBI, "cpu": Decimal("0.001")}
"""What a request that follows an exact limit is rounded up to."""
_FLOOR = {"memory": 100 * MEBI, "cpu": Decimal(0)}


class AmountParameters(Parameters):
    """One resource of a container: exactly one of `factor` and `absolute`."""

    factor: float | None = Field(None, gt=0.1, le=10)
    """Multiply what is there by this."""
    absolute: QuantityText | None = None
    """Set exactly this."""
    base: Literal["Limit", "Request", "LimitOrRequest"] = "Limit"
    """What is multiplied or set. `Limit`: the container was killed at its limit; the request
    goes by `requestPolicy`. `Request`: the node was short; the limit only follows when the
    request passes it. `LimitOrRequest`: the limit, or the request where there is no limit."""
    request_policy: Literal["Follow", "Keep", "Equal"] = "Follow"
    """`Follow` keeps the proportion of request to limit, `Keep` the request, `Equal` makes both
    the same."""
    min_bump: QuantityText | None = None
    """Grow by at least this; for memory 100Mi unless given. Counts with a factor above 1."""
    min: QuantityText | None = None
    """Never less than this."""
    max: QuantityText | None = None
    """Never more than this; a container that has it is not raised again."""
    round_to: QuantityText | None = None
    """Round up to a multiple of this; with a factor 16Mi or 10m unless given."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if (self.factor is None) == (self.absolute is None):
            raise ValueError("give exactly one of factor and absolute")
        if self.absolute is not None and quantities.parse(self.absolute) == 0:
            raise ValueError("absolute must not be 0")
        if self.factor == 1 and self.min_bump is None:
            raise ValueError("factor 1 changes nothing without minBump")
        if self.max is None:
            return self
        for name in ("absolute", "min"):
            value = getattr(self, name)
            if value is not None and quantities.parse(value) > quantities.parse(self.max):
                raise ValueError(f"{name} must not be above max")
        return self


@dataclass(frozen=True, slots=True)
class Share:
    """What a container has of one resource; None: not set.

    A container with a limit and no request requests as much as its limit.
    """

    limit: Decimal | None
    request: Decimal | None


def whole_bytes(given: AmountParameters) -> AmountParameters:
    """Return amounts of memory; raise ValueError where one is a fraction of a byte.

    Kubernetes takes `500m` for half a byte; whoever writes it means half a gigabyte.
    """
    for name in ("absolute", "min_bump", "min", "max", "round_to"):
        text = getattr(given, name)
        if text is not None and quantities.parse(text) % 1:
            raise ValueError(f"{text} is a fraction of a byte: write an amount such as 500Mi")
    return given


def changed(
    resource: str, params: AmountParameters, now: Share, ceilings: Sequence[Ceiling], who: str
) -> Share:
    """Return what the container is to have; raise Refused where that cannot be said.

    `who` names the container for people.
    """
    if params.base == "Request" or (params.base == "LimitOrRequest" and now.limit is None):
        return _by_request(resource, params, now, ceilings, who)
    if now.limit is None and params.absolute is None:
        raise Refused(
            "NoLimit",
            f"{who} has no {resource} limit, so it was not stopped by its own",
            hint="use base: Request or LimitOrRequest, or set a limit with absolute",
        )
    both = params.request_policy == "Equal" or now.request == now.limit
    bounds = [one for one in ceilings if both or one.section != "requests"]
    limit = _grown(resource, params, now.limit, bounds, f"the {resource} limit of {who}")
    return Share(limit, _request(resource, params, now, limit, ceilings, who))


def _by_request(
    resource: str, params: AmountParameters, now: Share, ceilings: Sequence[Ceiling], who: str
) -> Share:
    base = now.limit if now.request is None else now.request
    if base is None and params.absolute is None:
        raise Refused(
            "NoRequest",
            f"{who} has neither a {resource} limit nor a {resource} request to start from",
            hint="set one with absolute",
        )
    both = params.request_policy == "Equal" or (now.limit is not None and now.request == now.limit)
    bounds = [one for one in ceilings if both or one.section != "limits"]
    request = _grown(resource, params, base, bounds, f"the {resource} request of {who}")
    if params.request_policy == "Equal":
        return Share(request, request)
    limit = max(now.limit, request) if now.limit is not None else None
    return Share(limit, request)


def _request(
    resource: str,
    params: AmountParameters,
    now: Share,
    limit: Decimal,
    ceilings: Sequence[Ceiling],
    who: str,
) -> Decimal | None:
    if params.request_policy == "Equal":
        return limit
    if now.request is None:
        return None
    if params.request_policy == "Follow" and now.limit:
        if now.request == now.limit:
            return limit
        share = now.request * limit / now.limit
        finest = _FINE if params.absolute is not None else _STEP
        wanted = min(limit, _rounded(resource, params, share, finest))
        step = _step(resource, params)
        room = [
            quantities.round_down(one.most(now.request), step)
            for one in ceilings
            if one.section == "requests"
        ]
        return max(min(wanted, now.request), min([wanted, *room]))
    if now.request > limit:
        raise Refused(
            "RequestAboveLimit",
            f"{who} requests {_text(resource, now.request)} {resource}, more than the new limit "
            f"{_text(resource, limit)}",
            hint="use requestPolicy: Follow or Equal",
        )
    return now.request


def _grown(
    resource: str,
    params: AmountParameters,
    base: Decimal | None,
    ceilings: Sequence[Ceiling],
    what: str,
) -> Decimal:
    if params.absolute is not None:
        return _rounded(resource, params, quantities.parse(params.absolute), _FINEST)
    assert base is not None and params.factor is not None
    factor = Decimal(str(params.factor))
    wanted = base * factor
    if factor >= 1:
        wanted = max(wanted, base + _least(resource, params))
    if params.min is not None:
        wanted = max(wanted, quantities.parse(params.min))
    wanted = _rounded(resource, params, wanted, _STEP)
    cap = _lowest(resource, params, ceilings, base)
    if cap is None or wanted <= cap.most(base):
        return wanted
    most = cap.most(base)
    if cap.more:
        most = max(base, quantities.round_down(most, _step(resource, params)))
    if base >= most:
        raise Refused(
            "AtCap",
            f"{what} is {_text(resource, base)}, and {cap.source} allows no more than "
            f"{_text(resource, most)}",
            hint="suspect a leak or a wrong ceiling: a person must look",
        )
    return most


def _least(resource: str, params: AmountParameters) -> Decimal:
    return quantities.parse(params.min_bump) if params.min_bump else _FLOOR[resource]


def _lowest(
    resource: str, params: AmountParameters, ceilings: Sequence[Ceiling], base: Decimal
) -> Ceiling | None:
    found = [ceiling for ceiling in ceilings if ceiling.resource == resource]
    if params.max is not None:
        found.append(Ceiling(resource, quantities.parse(params.max), "the policy"))
    return min(found, key=lambda ceiling: ceiling.most(base), default=None)


def _step(resource: str, params: AmountParameters) -> Decimal:
    return quantities.parse(params.round_to) if params.round_to else _STEP[resource]


def _rounded(
    resource: str, params: AmountParameters, amount: Decimal, steps: Mapping[str, Decimal]
) -> Decimal:
    step = quantities.parse(params.round_to) if params.round_to is not None else steps[resource]
    return quantities.round_up(amount, step)


def _text(resource: str, amount: Decimal) -> str:
    return quantities.binary(amount) if resource == "memory" else quantities.decimal(amount)
