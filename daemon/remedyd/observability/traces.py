"""OpenTelemetry traces: a span for each audit cycle and stage, one trace for each proposal's life.

The trace of a proposal has an id that follows from the proposal's own, so that what another
replica does after a restart, hours later, still joins it; its root is the making of the proposal.
Without an endpoint nothing is recorded, and the SDK is not even imported. FastAPI and the
Elasticsearch client add spans of their own.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final
from urllib.parse import parse_qsl

from opentelemetry import context, trace
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, TraceFlags
from structlog.typing import EventDict, WrappedLogger

from remedyd import __version__
from remedyd.errors import ConfigurationError

_tracer = trace.get_tracer("remedyd", __version__)
_given: ContextVar[tuple[int, int] | None] = ContextVar("given", default=None)
_SECONDS: Final = 5


def configure(endpoint: str, headers: str, cluster: str) -> Callable[[], None]:
    """Export spans by OTLP over HTTP; return what sends the last ones and ends it.

    `endpoint` is the base URL of a collector ("": none), `headers` are `name=value` pairs,
    separated by commas. Raises ConfigurationError when the SDK is not installed.
    """
    if not endpoint:
        return lambda: None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ConfigurationError(
            "traces need the OpenTelemetry SDK", hint="pip install 'remedyd[traces]'"
        ) from error
    pairs = dict(pair.split("=", 1) for pair in headers.split(",") if "=" in pair)
    exporter = OTLPSpanExporter(
        endpoint=f"{endpoint.rstrip('/')}/v1/traces", headers=pairs, timeout=_SECONDS
    )
    return install(BatchSpanProcessor(exporter), cluster)


def install(processor: Any, cluster: str) -> Callable[[], None]:
    """Hand spans to an SDK span processor from now on; return what ends it."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Span as Recorded
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator

    class Ids(IdGenerator):
        """Random ids, except for the root of a proposal's trace."""

        random = RandomIdGenerator()

        def generate_trace_id(self) -> int:
            given = _given.get()
            return given[0] if given else self.random.generate_trace_id()

        def generate_span_id(self) -> int:
            given = _given.get()
            return given[1] if given else self.random.generate_span_id()

    class Discreet(SpanProcessor):
        """Keeps the names in a request's query and drops the values: a sign-in's code is one."""

        def on_start(self, span: Recorded, parent_context: context.Context | None = None) -> None:
            query = (span.attributes or {}).get("url.query")
            if isinstance(query, str):
                names = [name for name, _ in parse_qsl(query, keep_blank_values=True)]
                span.set_attribute("url.query", "&".join(f"{name}=REDACTED" for name in names))

    resource = Resource.create(
        {"service.name": "remedyd", "service.version": __version__, "k8s.cluster.name": cluster}
    )
    provider = TracerProvider(resource=resource, id_generator=Ids())
    provider.add_span_processor(Discreet())
    provider.add_span_processor(processor)
    trace.set_tracer_provider(provider)
    return provider.shutdown


@contextmanager
def span(name: str, **attributes: str | int | float | bool) -> Iterator[Span]:
    """Record what happens inside; attributes are named `remedyd.<name>`."""
    named = {f"remedyd.{key}": value for key, value in attributes.items()}
    with _tracer.start_as_current_span(name, attributes=named) as current:
        yield current


def began(proposal: str, **attributes: str) -> None:
    """Record the root of a proposal's trace, linked to the span in which it was made."""
    here = trace.get_current_span().get_span_context()
    links = [trace.Link(here)] if here.is_valid else []
    named = {"remedyd.proposal": proposal, **{f"remedyd.{k}": v for k, v in attributes.items()}}
    given = _given.set(_ids(proposal))
    try:
        root = _tracer.start_span(
            "proposal", context=context.Context(), links=links, attributes=named
        )
        root.end()
    finally:
        _given.reset(given)


@contextmanager
def life(proposal: str) -> Iterator[None]:
    """Record what happens inside as a part of the proposal's trace."""
    trace_id, span_id = _ids(proposal)
    root = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(1))
    token = context.attach(trace.set_span_in_context(NonRecordingSpan(root), context.Context()))
    try:
        yield
    finally:
        context.detach(token)


def mark(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Add the ids of the current span to a log line, as ECS names them."""
    here = trace.get_current_span().get_span_context()
    if here.is_valid:
        event["trace.id"] = f"{here.trace_id:032x}"
        event["span.id"] = f"{here.span_id:016x}"
    return event


def _ids(proposal: str) -> tuple[int, int]:
    digest = hashlib.sha256(f"remedyd:{proposal}".encode()).digest()
    return int.from_bytes(digest[:16]), int.from_bytes(digest[16:24])
