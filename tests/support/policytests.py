"""A small audit, a policy over it, and one way to run policy tests about them."""

from pathlib import Path

from remedyd.testing.policytest.loading import load_suites
from remedyd.testing.policytest.runner import CaseResult, run
from remedyd.testing.policytest.suite import Suite

AUDIT = """\
apiVersion: remedyd.io/v1alpha1
kind: Audit
metadata: {name: restarts, description: Restarts within the window.}
spec:
  elasticsearch: "9.0"
  window: 5m
  lag: 0s
  schedule: {every: 1m}
  fields:
    - {name: "@timestamp", type: date}
    - {name: k8s.cluster.name, type: keyword, optional: true}
    - {name: k8s.namespace.name, type: keyword}
    - {name: k8s.deployment.name, type: keyword}
    - {name: k8s.container.name, type: keyword}
    - {name: metrics.k8s.container.restarts, type: long}
    - {name: metrics.k8s.container.memory_limit, type: long, optional: true}
  columns:
    - {name: cluster, type: keyword, nullable: true}
    - {name: namespace, type: keyword}
    - {name: kind, type: keyword}
    - {name: name, type: keyword}
    - {name: container, type: keyword}
    - {name: severity_score, type: integer}
    - {name: restarts, type: long}
    - {name: limit_bytes, type: long, nullable: true}
    - {name: samples, type: long}
    - {name: last_seen, type: date}
  identity: {cluster: cluster, namespace: namespace, kind: kind, name: name, container: container}
  severity: severity_score
  samples: samples
  lastSeen: last_seen
  minimumSamples: 2
  freshness: 3m
"""
QUERY = """\
FROM metrics-k8sclusterreceiver.otel-*
| WHERE @timestamp >= TO_DATETIME(?start) AND @timestamp < TO_DATETIME(?end)
| WHERE (?cluster == "*" OR k8s.cluster.name == ?cluster)
  AND (?namespace == "*" OR k8s.namespace.name == ?namespace)
  AND (?name == "*" OR k8s.deployment.name == ?name)
  AND k8s.deployment.name IS NOT NULL AND k8s.container.name IS NOT NULL
| STATS samples = COUNT(metrics.k8s.container.restarts), last_seen = MAX(@timestamp),
        low = MIN(metrics.k8s.container.restarts), high = MAX(metrics.k8s.container.restarts),
        limit_bytes = MAX(metrics.k8s.container.memory_limit)
  BY cluster = k8s.cluster.name, namespace = k8s.namespace.name, name = k8s.deployment.name,
     container = k8s.container.name
| EVAL kind = "Deployment", restarts = COALESCE(high - low, TO_LONG(0))
| EVAL severity_score = CASE(restarts > 5, 3, restarts > 0, 2, 1)
| KEEP cluster, namespace, kind, name, container, severity_score, restarts, limit_bytes, samples,
       last_seen
| SORT severity_score DESC, namespace, name
| LIMIT 1000
"""
POLICY = """\
apiVersion: remedyd.io/v1alpha1
kind: RemediationPolicy
metadata: {name: more-memory}
spec:
  audit: {name: restarts, severities: [critical]}
  matchConditions:
    - {name: often, expression: restarts > 5}
    - {name: limited, expression: limit_bytes != null}
  sustain: {cycles: 2}
  steps:
    - name: raise
      maxAttempts: 1
      action: {type: UpdateResources, updateResources: {memory: {factor: 2.0, max: 1Gi}}}
      onFailure: Next
    - name: restart
      action: {type: Restart}
  cooldown: 10m
"""
CART = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  replicas: 2
  template:
    spec:
      containers:
        - {name: app, resources: {limits: {memory: 256Mi}, requests: {memory: 128Mi}}}
"""
HEAD = """\
apiVersion: remedyd.io/v1alpha1
kind: PolicyTest
metadata: {name: t}
policies: [p.yaml]
audits: [audits]
now: "2026-01-01T00:00:00Z"
"""
ROW = (
    "{severity: critical, namespace: shop, kind: Deployment, name: cart, container: app,"
    " restarts: 9, limit_bytes: 268435456}"
)
"""A row for which everything in the policy holds."""


def folder(directory: Path, policy: str = POLICY) -> Path:
    """Write audit, policy and the object `cart.yaml` into a directory."""
    (directory / "audits").mkdir(exist_ok=True)
    (directory / "audits" / "restarts.yaml").write_text(AUDIT)
    (directory / "audits" / "restarts.esql").write_text(QUERY)
    (directory / "p.yaml").write_text(policy)
    (directory / "cart.yaml").write_text(CART)
    return directory


def write(directory: Path, cases: str, *, head: str = HEAD, policy: str = POLICY) -> Path:
    """Write a test file with these cases beside what it tests; return its path."""
    path = folder(directory, policy) / "t.yaml"
    path.write_text(f"{head}cases:\n{cases}")
    return path


def load(directory: Path, cases: str, *, head: str = HEAD, policy: str = POLICY) -> Suite:
    """Return a test file with these cases, loaded."""
    (suite,) = load_suites([write(directory, cases, head=head, policy=policy)])
    return suite


def result(directory: Path, case: str, *, head: str = HEAD, policy: str = POLICY) -> CaseResult:
    """Run one case, given without its name."""
    text = "\n".join(f"    {line}" for line in case.splitlines())
    (found,) = run([load(directory, f"  - name: c\n{text}\n", head=head, policy=policy)])
    return found


def told(found: CaseResult) -> list[str]:
    """Return the messages of a case's failures."""
    return [failure.problem.message for failure in found.failures]
