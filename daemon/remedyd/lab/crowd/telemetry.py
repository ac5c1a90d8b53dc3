# ruff: noqa: S608 - the only texts put into SQL are ours and a crowd's numbers
"""What the collectors of a crowded cluster send, written by DuckDB, a parquet file per scrape.

A scrape of 150,000 pods is 700,000 documents; as Python dicts they would take longer to make than
the minute until the next. Only documents are written that carry a metric which the shipped audits
read; the receivers send a dozen others for each pod, which an Elasticsearch never looks at here.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from remedyd.lab.crowd.shape import REVISION, Crowd
from remedyd.offline.storage import Storage

STREAMS = {
    "cluster": "metrics-k8sclusterreceiver.otel-default",
    "kubelet": "metrics-kubeletstatsreceiver.otel-default",
}
INTERVAL = timedelta(minutes=1)
_A = "resource.attributes.k8s"
_MIB = 2**20
_COLUMNS = f"""
    TIMESTAMP '{{at}}' AS "@timestamp", {{cluster}} AS "{_A}.cluster.name",
    namespace AS "{_A}.namespace.name",
    CASE WHEN NOT stateful THEN name END AS "{_A}.deployment.name",
    CASE WHEN stateful THEN name END AS "{_A}.statefulset.name","""
_OF_CONTAINER = f"""
    CASE WHEN NOT stateful THEN name || '-{REVISION}' END AS "{_A}.replicaset.name",
    pod AS "{_A}.pod.name", uid AS "{_A}.pod.uid", container AS "{_A}.container.name","""


class Telemetry:
    """Writes files `STREAM-NAME...parquet` into a directory."""

    def __init__(self, crowd: Crowd, directory: Path, name: str = "") -> None:
        """Take the numbers, where files go, and what tells them from another crowd's."""
        self._crowd = crowd
        self._directory = directory
        self._name = name
        self._storage = Storage()
        for sql in _tables(crowd):
            self._storage.run(sql)

    def close(self) -> None:
        """Give back all memory."""
        self._storage.close()

    def scrape(self, at: datetime) -> None:
        """Write the documents of one moment; whoever reads sees all of them or none."""
        minute = int(at.timestamp() // INTERVAL.total_seconds())
        for stream, kinds in (("cluster", _CLUSTER), ("kubelet", _KUBELET)):
            moment = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
            named = f"'{self._crowd.cluster}'" if self._crowd.cluster else "NULL::VARCHAR"
            names = {"at": moment, "cluster": named, "kills": minute // 2 % 500_000}
            selects = " UNION ALL BY NAME ".join(kind.format_map(names) for kind in kinds)
            done = self._directory / f"{stream}-{self._name}{at:%Y%m%dT%H%M%S}.parquet"
            begun = done.with_suffix(".begun")
            self._storage.run(f"COPY ({selects}) TO '{begun}' (FORMAT parquet)")
            begun.rename(done)


def _metric(name: str, sql: str) -> str:
    return f'({sql})::BIGINT AS "metrics.{name}"'


def _container_kind(*metrics: str) -> str:
    reason = f"""CASE WHEN broken THEN 'OOMKilled' END
        AS "{_A}.container.status.last_terminated_reason" """
    return f"SELECT {_COLUMNS} {_OF_CONTAINER} {reason}, {', '.join(metrics)} FROM containers"


def _workload_kind(stateful: bool) -> str:
    kind = "statefulset" if stateful else "deployment"
    wanted, there = ("desired_pods", "ready_pods") if stateful else ("desired", "available")
    return (
        f"SELECT {_COLUMNS} {_metric(f'k8s.{kind}.{wanted}', 'replicas')}, "
        f"{_metric(f'k8s.{kind}.{there}', 'replicas')} FROM workloads "
        f"WHERE {'' if stateful else 'NOT '}stateful"
    )


def _revision_kind() -> str:
    """Return the documents of ReplicaSets; the receiver does not name their Deployment."""
    return f"""SELECT TIMESTAMP '{{at}}' AS "@timestamp", {{cluster}} AS "{_A}.cluster.name",
        namespace AS "{_A}.namespace.name", name || '-{REVISION}' AS "{_A}.replicaset.name",
        {_metric("k8s.replicaset.desired", "replicas")},
        {_metric("k8s.replicaset.available", "replicas")} FROM workloads WHERE NOT stateful"""


_LIMIT = f"CASE WHEN container = 'app' THEN 128 ELSE 64 END * {_MIB}"
_USED = f"{_LIMIT} * CASE WHEN broken THEN 97 ELSE 40 + hash(uid) % 30 END // 100"
_CLUSTER = (
    _container_kind(_metric("k8s.container.restarts", "CASE WHEN broken THEN {kills} ELSE 0 END")),
    _container_kind(_metric("k8s.container.ready", "1")),
    _container_kind(
        _metric("k8s.container.memory_limit", _LIMIT),
        _metric("k8s.container.memory_request", f"{_LIMIT} // 2"),
    ),
    _workload_kind(stateful=False),
    _workload_kind(stateful=True),
    _revision_kind(),
)
_KUBELET = (_container_kind(_metric("container.memory.working_set", _USED)),)


def _tables(crowd: Crowd) -> tuple[str, str]:
    """Return the SQL that makes the workloads and containers of `Crowd`, by the same arithmetic."""
    each, over = divmod(crowd.pods, crowd.workloads)
    spread = max(1, crowd.namespaces - 1)
    home = (
        "0" if crowd.namespaces == 1 else f"CASE WHEN w % 10 = 0 THEN 0 ELSE 1 + w % {spread} END"
    )
    broken = f"w % {crowd.apart} = {min(3, crowd.apart - 1)}" if crowd.broken else "false"
    uid = "md5(namespace || '/' || pod)"
    dashes = (1, 8), (9, 4), (13, 4), (17, 4), (21, 12)
    parts = " || '-' || ".join(f"substr({uid}, {start}, {size})" for start, size in dashes)
    return (
        f"""CREATE TABLE workloads AS
            SELECT w, 'team-' || lpad(({home})::VARCHAR, 3, '0') AS namespace,
                   'app-' || lpad(w::VARCHAR, 5, '0') AS name, w % 20 = 7 AS stateful,
                   {each} + (w < {over})::INT AS replicas, {broken} AS wrong
            FROM range({crowd.workloads}) t(w)""",
        f"""CREATE TABLE containers AS
            SELECT *, {parts} AS uid, wrong AND place = 0 AND container = 'app' AS broken
            FROM (SELECT *, CASE WHEN stateful THEN name || '-' || place
                            ELSE name || '-{REVISION}-' || substr(md5(name || '/' || place), 1, 5)
                            END AS pod
                  FROM workloads, range({each + 1}) p(place) WHERE place < replicas),
                 (VALUES ('app'), ('proxy')) c(container)
            WHERE container = 'app' OR w % 5 = 0""",
    )
