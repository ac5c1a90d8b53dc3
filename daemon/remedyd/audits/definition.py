"""An audit, loaded and checked: the query and the contract its rows are held to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from remedyd.audits.outline import DEFAULT_LIMIT, Outline
from remedyd.audits.schema import AuditFile
from remedyd.model import ColumnSpec, Json, sha256

SCOPE = ("cluster", "namespace", "name")
"""Parameters that narrow a query to a cluster, a namespace, a workload; "*" means all."""

GIVEN = ("start", "end", *SCOPE)
"""Parameters that a run fills in by itself."""


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """A parameter with its ES|QL type and the value it has unless a run sets another."""

    name: str
    type: str
    default: Json
    description: str = ""


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A field that the query reads; an optional one is null while it is not mapped."""

    name: str
    type: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """Names of the columns that identify a row ("" where there is none), and constants."""

    name: str
    namespace: str = ""
    kind: str = ""
    cluster: str = ""
    container: str = ""
    constant_namespace: str = ""
    constant_kind: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns in use."""
        parts = (self.cluster, self.namespace, self.kind, self.name, self.container)
        return tuple(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class AuditDefinition:
    """An audit. `path` and `query_path` say where it was read from.

    `elasticsearch` is the oldest release that runs the query; `every` is None for a cron schedule.
    `samples` and `last_seen` name columns ("" where the query has none).
    """

    name: str
    description: str
    query: str
    outline: Outline = field(repr=False, compare=False)
    path: str
    query_path: str
    elasticsearch: tuple[int, int]
    window: timedelta
    lag: timedelta
    every: timedelta | None
    cron: str
    verbatim: bool
    gate: bool
    parameters: tuple[ParameterSpec, ...]
    fields: tuple[FieldSpec, ...]
    columns: tuple[ColumnSpec, ...]
    identity: Identity
    severity: str
    samples: str
    last_seen: str
    minimum_samples: int
    freshness: timedelta | None

    @property
    def interval(self) -> timedelta:
        """Return the time between runs; of a cron schedule, the window stands in for it."""
        return self.every or self.window

    @property
    def indices(self) -> str:
        """Return the index patterns that the query reads, comma separated."""
        return ",".join(self.outline.indices)

    @property
    def datasets(self) -> frozenset[str]:
        """Return the datasets read, from names such as `metrics-<dataset>-*`.

        Empty where a pattern does not name one: then any dataset may be meant.
        """
        parts = [pattern.split("-") for pattern in self.outline.indices]
        named = [p[1] for p in parts if len(p) >= 3 and p[1] and "*" not in p[1]]
        return frozenset(named) if len(named) == len(parts) else frozenset()

    @property
    def limit(self) -> int:
        """Return the number of rows at which a result may be cut off."""
        return self.outline.limit or DEFAULT_LIMIT

    @property
    def specs(self) -> Mapping[str, ColumnSpec]:
        """Return the columns by name."""
        return {column.name: column for column in self.columns}

    @property
    def hash(self) -> str:
        """Return the fingerprint of query and contract."""
        contract = (
            [[p.name, p.type, p.default] for p in self.parameters],
            [[c.name, c.type, c.nullable] for c in self.columns],
        )
        return sha256({"name": self.name, "query": self.query, "contract": list(contract)})


class AuditSet(Mapping[str, AuditDefinition]):
    """Audits by name."""

    def __init__(self, definitions: Mapping[str, AuditDefinition]) -> None:
        """Take the definitions."""
        self._definitions = dict(sorted(definitions.items()))

    def __getitem__(self, name: str) -> AuditDefinition:
        return self._definitions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._definitions)

    def __len__(self) -> int:
        return len(self._definitions)

    @property
    def gate(self) -> AuditDefinition | None:
        """Return the audit that tells whether telemetry is fresh, if there is one."""
        return next((d for d in self._definitions.values() if d.gate), None)

    @property
    def specs(self) -> Mapping[str, Mapping[str, ColumnSpec]]:
        """Return the columns of every audit by name: what conditions may speak about."""
        return {name: definition.specs for name, definition in self._definitions.items()}


def define(file: AuditFile, outline: Outline, path: Path, query_path: Path) -> AuditDefinition:
    """Turn a checked file and its query into a definition."""
    spec, identity, constants = file.spec, file.spec.identity, file.spec.constants
    major, minor = spec.elasticsearch.split(".")
    return AuditDefinition(
        name=file.metadata.name,
        description=" ".join(file.metadata.description.split()),
        query=outline.text,
        outline=outline,
        path=str(path),
        query_path=str(query_path),
        elasticsearch=(int(major), int(minor)),
        window=spec.window,
        lag=spec.lag,
        every=spec.schedule.every,
        cron=spec.schedule.cron or "",
        verbatim=spec.verbatim,
        gate=spec.gate,
        parameters=tuple(
            ParameterSpec(p.name, p.type, p.default, p.description) for p in spec.parameters
        ),
        fields=tuple(FieldSpec(f.name, f.type, f.optional) for f in spec.fields),
        columns=tuple(
            ColumnSpec(c.name, c.type, c.nullable, " ".join(c.description.split()))
            for c in spec.columns
        ),
        identity=Identity(
            name=identity.name or "",
            namespace=identity.namespace or "",
            kind=identity.kind or "",
            cluster=identity.cluster or "",
            container=identity.container or "",
            constant_namespace=constants.namespace or "",
            constant_kind=constants.kind or "",
        ),
        severity=spec.severity,
        samples=spec.samples or "",
        last_seen=spec.last_seen or "",
        minimum_samples=spec.minimum_samples,
        freshness=spec.freshness,
    )
