"""How long `decide()` takes for 10,000 rows and 20 policies of one audit: 200,000 decisions.

Two results: a cluster in which one row in twenty is critical, and one in which every row is. The
policies have two conditions each and ask for two cycles; the second cycle is measured, in which
sustained matches meet the guards. Process time, best of five; the target is 0.5 s.

With `--custodian PYTHON`, an interpreter that has c7n, Cloud Custodian's filters judge the same
rows by the same rules in the same run. They answer match or not; `decide()` gives every row a
reason and a sentence, remembers it, and asks limits and guards.

Run: `python benchmarks/decisions.py [--custodian PYTHON]`
"""

import argparse
import json
import random
import subprocess
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel

from remedyd.model import (
    AuditOutcome,
    AuditResult,
    AuditRow,
    ColumnSpec,
    DecisionState,
    Severity,
    Target,
    Window,
)
from remedyd.policy.decide import decide
from remedyd.policy.loader import parse_policies
from remedyd.policy.policy import PolicySet

ROWS, POLICIES, ROUNDS = 10_000, 20, 5
AUDIT = "memory"
START = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = {
    "oom_kills": ColumnSpec("oom_kills", "long", nullable=False),
    "memory_pct": ColumnSpec("memory_pct", "double"),
}


class Restart(BaseModel):
    """Parameters of the action."""


def policies() -> PolicySet:
    """Return twenty policies that differ in their thresholds."""
    texts = [
        f"""\
apiVersion: remedyd.io/v1alpha1
kind: RemediationPolicy
metadata: {{name: policy-{number:02}}}
spec:
  audit: {{name: {AUDIT}, severities: [critical]}}
  matchConditions:
    - {{name: repeated, expression: oom_kills >= {number % 4}}}
    - {{name: hot, expression: memory_pct != null && memory_pct > {50 + number}.0}}
  sustain: {{cycles: 2}}
  steps: [{{name: restart, action: {{type: Restart}}}}]
"""
        for number in range(POLICIES)
    ]
    audits = {AUDIT: COLUMNS}
    return parse_policies("---\n".join(texts), "-", audits=audits, actions={"Restart": Restart})


def result(sick: float, at: datetime) -> AuditResult:
    """Return a result in which the share `sick` of the rows is critical."""
    chance = random.Random(1)
    rows = []
    for number in range(ROWS):
        bad = chance.random() < sick
        target = Target("c", f"ns-{number % 50}", "Deployment", f"app-{number}", "app")
        values = {
            "oom_kills": chance.randint(1, 5) if bad else 0,
            "memory_pct": round(chance.random() * 100, 1),
        }
        severity = Severity.CRITICAL if bad else Severity.HEALTHY
        rows.append(AuditRow(AUDIT, target, severity, values))
    window = Window(at - timedelta(minutes=5), at)
    return AuditResult(AUDIT, AuditOutcome.OK, window, tuple(rows))


def measure(sick: float, loaded: PolicySet) -> tuple[float, Counter[str]]:
    """Return the seconds of the second cycle, and how often each reason came out."""
    later = START + timedelta(minutes=1)
    state = decide([result(sick, START)], DecisionState(), START, loaded).state
    given, best, reasons = result(sick, later), float("inf"), Counter[str]()
    for _ in range(ROUNDS):
        began = time.process_time()
        decided = decide([given], state, later, loaded)
        best = min(best, time.process_time() - began)
        reasons = Counter(str(decision.reason) for decision in decided.decisions)
    return best, reasons


def custodian(python: str, given: AuditResult) -> dict[str, float]:
    """Return what Cloud Custodian's filters take for the same rows and rules."""
    rules = [
        [
            {"type": "value", "key": "severity", "value": "critical"},
            {"type": "value", "key": "oom_kills", "op": "gte", "value": number % 4},
            {"type": "value", "key": "memory_pct", "op": "gt", "value": 50.0 + number},
        ]
        for number in range(POLICIES)
    ]
    rows = [{**row.values, "severity": row.severity.name.lower()} for row in given.rows]
    script = Path(__file__).with_name("custodian.py")
    told = json.dumps({"rows": rows, "policies": rules})
    done = subprocess.run([python, script], input=told, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--custodian", help="interpreter of an environment with c7n")
    other = parser.parse_args().custodian
    loaded = policies()
    for sick in (0.05, 1.0):
        seconds, reasons = measure(sick, loaded)
        print(f"{sick:4.0%} critical: {seconds:.3f} s  {dict(reasons)}")
        if other:
            found = custodian(other, result(sick, START))
            matched = ROWS * POLICIES - reasons["Severity"] - reasons["Condition"]
            assert found["matched"] == matched, (found, matched)
            print(
                f"      c7n {found['version']}: {found['seconds']:.3f} s for the filters alone, "
                f"the same {matched:,} matches"
            )


if __name__ == "__main__":
    main()
