"""What the doctor says about rights can be typed in, and is enough."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from remedyd import rights
from remedyd.actions.registry import SCHEMAS
from remedyd.audits.loader import load_audits
from remedyd.cli.main import build
from remedyd.cluster.elector import Elector
from remedyd.doctor.finding import Finding, Health
from remedyd.doctor.kubernetes import kubernetes
from remedyd.leading import Leading
from remedyd.paths import shipped
from remedyd.policy.loader import load_policies
from remedyd.settings import Settings
from support.cluster import namespace
from support.rbac import Stage, stage

CASES: list[dict[str, Any]] = [
    {"lease": "remedyd"},
    {"dry_run": True, "trail": {"kubernetes_events": False}},
    {"rights": {"requested_actions": ["RolloutUndo"], "requested_namespaces": ["shop"]}},
    {"server": {"kubernetes_tokens": {"enabled": True, "scopes_from": "rbac"}}},
]


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Stage]:
    """An API server that denies by default, with the daemon's namespace."""
    with stage(tmp_path) as made:
        made.put(namespace("ops"))
        yield made


def settings(folder: Path, **more: Any) -> Settings:
    policies = (shipped("policies") / "oom-raise-memory.yaml",)
    more = {"namespace": "ops", "kubernetes": {"kubeconfig": folder / "d"}, **more}
    return Settings(policies=policies, **more)


def found(known: Settings, at: Stage) -> dict[str, Finding]:
    """Return what is said about the cluster, by what it is about."""
    audits = load_audits(known.audits)
    policies = load_policies(known.policies, audits=audits.specs, actions=SCHEMAS)
    asked = known.rights
    more = rights.requested(asked.requested_actions, asked.requested_namespaces)
    uses = [*rights.uses(policies.values()), *more]
    return {one.check: one for one in kubernetes(known, uses, at.clock)}


def follow(fix: str, at: Stage) -> None:
    """Do what a fix says: run the command in it, and create what that prints."""
    [command] = re.findall(r"`(remedyd rbac render [^`]*)`", fix)
    ran = CliRunner().invoke(build("rbac"), command.split()[1:])
    assert ran.exit_code == 0, ran.output
    for one in yaml.safe_load_all(ran.stdout):
        path = f"rbac.authorization.k8s.io/v1/{one['kind'].lower()}s"
        at.server.store.create(path, one["metadata"].get("namespace"), one, manager="x")


@pytest.mark.parametrize("case", CASES, ids=lambda case: next(iter(case)))
def test_the_command_in_the_fix_grants_what_is_missing(
    at: Stage, tmp_path: Path, case: dict[str, Any]
) -> None:
    """Each setting that changes what is needed is in it; afterwards nothing is missing or spare."""
    known = settings(tmp_path, **case)
    before = found(known, at)
    assert before["rights"].health is Health.FAIL
    follow(before["rights"].fix, at)
    after = found(known, at)
    wrong = [one for one in after.values() if one.health is not Health.OK]
    assert [one for one in wrong if one.check != "clock"] == []


def test_a_daemon_that_cannot_lead_says_so(at: Stage, tmp_path: Path) -> None:
    """By the doctor, and among the notices: nothing else would tell why nobody acts."""
    known = settings(tmp_path, lease="remedyd")
    finding = found(known, at)["lease"]
    assert finding.health is Health.FAIL
    assert "get leases.coordination.k8s.io in namespace ops" in finding.detail
    elector = Elector(at.daemon, at.clock, "ops", "remedyd", "a")
    assert not elector.step()
    [notice] = Leading(elector).notices()
    assert notice.startswith("lease: ")
    assert "403" in notice or "forbidden" in notice
    follow(finding.fix, at)
    assert elector.step()
    assert Leading(elector).notices() == []


def test_a_lease_of_nowhere_is_named(at: Stage, tmp_path: Path) -> None:
    """Outside a cluster nobody knows its namespace: to ask about all of them answers nothing."""
    finding = found(settings(tmp_path, lease="remedyd", namespace=""), at)["lease"]
    assert (finding.health, finding.detail) == (
        Health.FAIL,
        "the namespace of the Lease remedyd is not known",
    )
    assert "REMEDYD_NAMESPACE" in finding.fix


def test_rights_without_need_are_not_mended_by_more_of_them(at: Stage, tmp_path: Path) -> None:
    """What binds them has to be found and taken away."""
    known = settings(tmp_path)
    follow(found(known, at)["rights"].fix, at)
    at.grant(rights.rights(rights.requested(["RolloutUndo"])))
    spare = found(known, at)["excess rights"]
    assert spare.health is Health.WARN
    assert "kubectl get clusterrolebindings" in spare.fix
