"""The one error tree.

Client libraries raise their own exceptions; the adapters wrap them here, chained as the cause,
so that a library can be replaced and a caller can tell what may be retried and what a person
must mend. Every member says what is wrong and, in `hint`, the next step.

    RemedydError
      +- InvalidInput            bad file, argument or request; carries all problems with positions
      |    '- ConfigurationError settings that the daemon refuses to start with
      +- NotFound                a named thing does not exist
      +- Conflict                the state moved on (stale plan, lost race, open one)
      |    +- Expired            the proposal or approval is too old to be used
      |    +- Stale              the target is not what the plan was computed from
      |    '- Superseded         someone else changed our fields since: they stay as they are
      +- Forbidden               the principal or the daemon lacks the right
      +- Unauthenticated         nobody known is asking
      |    '- Throttled          too many failed attempts from one place
      +- IdentityUnavailable  who vouches for a caller does not answer: nobody is let in
      +- Refused                 a guardrail, precheck or pause forbids the write
      +- QueryError              an ES|QL query gave no usable result (see model.AuditOutcome)
      +- ClusterError            the Kubernetes API did not do what was asked
      |    +- ClusterUnavailable nothing is known to have happened: safe to retry reads
      |    +- ClusterRejected    the API server said no, nothing was written
      |    '- OutcomeUnknown     a write may or may not have landed: read back before anything else
      +- StoreError              the proposal store did not answer
      +- SinkError               the audit trail's receiver did not take what it was sent
      '- KibanaError             Kibana did not do what the installer asked
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in an input.

    `path` is a file or a JSON pointer; `line` and `column` count from 1, 0 when unknown.
    """

    message: str
    path: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Format as `path:line:column: message`, leaving out what is unknown."""
        place = [self.path] if self.path else []
        if self.line:
            place += [str(self.line), str(self.column)]
        return f"{':'.join(place)}: {self.message}" if place else self.message


class RemedydError(Exception):
    """Base of every error that remedyd raises on purpose."""

    hint: str = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Take what is wrong and, optionally, the next step."""
        super().__init__(message)
        if hint:
            self.hint = hint

    @property
    def message(self) -> str:
        """What is wrong, without the hint."""
        return str(self.args[0])


class InvalidInput(RemedydError):
    """Input that cannot be used; `problems` lists every mistake found, in file order."""

    def __init__(self, message: str, problems: Sequence[Problem] = (), *, hint: str = "") -> None:
        """Take a summary and the single mistakes."""
        super().__init__(message, hint=hint)
        self.problems: tuple[Problem, ...] = tuple(problems)


class ConfigurationError(InvalidInput):
    """Settings the daemon will not start with."""


class NotFound(RemedydError):
    """A named proposal, audit, policy or workload does not exist."""


class Conflict(RemedydError):
    """What the caller saw is not what is stored now; read again and decide again."""


class Expired(Conflict):
    """The proposal may no longer be approved or applied; wait for the next audit."""


class Stale(Conflict):
    """The live object no longer is what the plan was computed from; plan again."""


class Superseded(Conflict):
    """What we wrote was changed by someone else since, so it is not ours to take back."""


class Unauthenticated(RemedydError):
    """No valid credential came with the request."""


class Throttled(Unauthenticated):
    """Too many failed attempts came from one place; `retry_after` is in seconds."""

    def __init__(self, message: str, retry_after: int, *, hint: str = "") -> None:
        """Take what to say and how long to wait."""
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class IdentityUnavailable(RemedydError):
    """Whoever vouches for callers (API server, identity provider) gave no answer."""


class Forbidden(RemedydError):
    """The principal is known but lacks the scope."""


class Refused(RemedydError):
    """A guardrail forbids the write; `reason` is a stable code such as `Paused`."""

    def __init__(self, reason: str, message: str, *, hint: str = "") -> None:
        """Take the stable code and the explanation."""
        super().__init__(message, hint=hint)
        self.reason = reason


class QueryError(RemedydError):
    """A query gave no usable result; `outcome` is a `model.AuditOutcome` value, never `Ok`.

    `line` and `column` point into the query text where Elasticsearch said so, else 0.
    """

    def __init__(
        self, outcome: str, message: str, *, line: int = 0, column: int = 0, hint: str = ""
    ) -> None:
        """Take the named outcome, the reason and its position."""
        super().__init__(message, hint=hint)
        self.outcome = outcome
        self.line = line
        self.column = column


class ClusterError(RemedydError):
    """The Kubernetes API did not do what was asked.

    `status` is the HTTP status (0 when none came back), `reason` the Status reason, `causes`
    the reasons of `details.causes`, `retry_after` the seconds the server asked to wait (0: none).
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        reason: str = "",
        hint: str = "",
        causes: Sequence[str] = (),
        retry_after: float = 0.0,
    ) -> None:
        """Take the shortened message of the API server and its codes."""
        super().__init__(message, hint=hint)
        self.status = status
        self.reason = reason
        self.causes: tuple[str, ...] = tuple(causes)
        self.retry_after = retry_after


class ClusterUnavailable(ClusterError):
    """No answer, 429 or 5xx to a read or a dry run: nothing was written."""


class ClusterRejected(ClusterError):
    """A definite no (4xx): nothing was written."""


class OutcomeUnknown(ClusterError):
    """A write was sent and no definite answer came: it may have landed."""


class StoreError(RemedydError):
    """The proposal store failed; the transaction was rolled back."""


class SinkError(RemedydError):
    """Events of the audit trail were not taken: they stay in the outbox and are sent again."""


class KibanaError(RemedydError):
    """Kibana did not do what the installer asked; what was done before stays."""
