"""The doctor finds what is wrong, says how to mend it, and changes nothing."""

import json
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina
from typer.testing import CliRunner

from remedyd.cli.main import build
from remedyd.doctor import Finding, Health, examine
from remedyd.lab.elasticsearch.security import Account, Security
from remedyd.lab.world import Lab
from remedyd.paths import shipped
from remedyd.settings import Settings
from support.sections import sections

METRICS = tuple(
    shipped("policies") / f"{name}.yaml"
    for name in ("oom-raise-memory", "replica-gap", "restarts-escalate")
)
"""Policies that need no traces: the lab of these tests has none."""
TOKENS = f"tokens: [{{name: t, token: {secrets.token_urlsafe(32)}, scopes: [viewer]}}]"


def settings(lab: Lab, folder: Path, **changes: Any) -> Settings:
    """Return the settings of a daemon on the lab; `changes` are top-level settings or sections."""
    own: dict[str, Any] = {"policies": METRICS, "server": {"tokens": TOKENS}}
    own["database"] = f"sqlite:///{folder / 'remedyd.db'}"
    return Settings(**sections(lab.daemon_settings(folder), **own | changes))


def found(known: Settings) -> list[Finding]:
    """Return all findings."""
    return list(examine(known, known.clock.clock()))


def one(findings: list[Finding], part: str, check: str) -> Finding:
    """Return the finding about a check."""
    (match,) = [f for f in findings if (f.part, f.check) == (part, check)]
    return match


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    """Try nothing twice: an address where nobody listens stays one."""
    with stamina.set_testing(True, attempts=1):
        yield


def test_a_healthy_daemon_has_no_failure(lab: Lab, tmp_path: Path) -> None:
    """Configuration, store, cluster, Elasticsearch and telemetry are all looked at."""
    findings = found(settings(lab, tmp_path))
    assert [f for f in findings if f.health is Health.FAIL] == []
    parts = {f.part for f in findings}
    assert parts == {
        *("configuration", "store", "kubernetes", "elasticsearch", "telemetry", "trail")
    }


def test_every_finding_that_is_not_ok_has_a_fix(lab: Lab, tmp_path: Path) -> None:
    """Nobody is left alone with a problem."""
    nowhere = {"url": "http://127.0.0.1:9"}
    for known in (settings(lab, tmp_path), settings(lab, tmp_path, elasticsearch=nowhere)):
        assert [f for f in found(known) if f.health is not Health.OK and not f.fix] == []


def test_a_requested_action_that_there_is_none_of_is_named(lab: Lab, tmp_path: Path) -> None:
    """With the name that was meant; the rest is examined all the same."""
    findings = found(settings(lab, tmp_path, rights={"requested_actions": ["Scal", "Restart"]}))
    wrong = one(findings, "configuration", "rights.requested_actions")
    assert wrong.health is Health.FAIL
    assert 'no action is called "Scal" (did you mean "Scale"?)' in wrong.detail
    assert one(findings, "kubernetes", "rights").health is Health.OK


def test_one_part_that_is_down_does_not_hide_the_rest(lab: Lab, tmp_path: Path) -> None:
    """Without Elasticsearch the cluster is still examined."""
    findings = found(settings(lab, tmp_path, elasticsearch={"url": "http://127.0.0.1:9"}))
    assert one(findings, "elasticsearch", "reachable").health is Health.FAIL
    assert one(findings, "kubernetes", "reachable").health is Health.OK


def test_callers_that_cannot_be_told_apart_are_told(lab: Lab, tmp_path: Path) -> None:
    """A tokens file that would stop the start is named with line and column."""
    (tmp_path / "tokens.yaml").write_text("tokens: [{name: x}]")
    known = settings(lab, tmp_path, server={"tokens_file": tmp_path / "tokens.yaml"})
    finding = one(found(known), "configuration", "callers")
    assert finding.health is Health.FAIL
    assert "tokens.yaml:1:10: " in finding.detail


def test_an_api_server_that_is_silent_is_named(lab: Lab, tmp_path: Path) -> None:
    """With its address, and what to look at."""
    (tmp_path / "config").write_text(
        lab.kubeconfig().replace(lab.apiserver.url, "http://127.0.0.1:9")
    )
    known = settings(lab, tmp_path, kubernetes={"kubeconfig": tmp_path / "config"})
    finding = one(found(known), "kubernetes", "reachable")
    assert "http://127.0.0.1:9" in finding.detail
    assert "network policy" in finding.fix


@pytest.mark.parametrize(
    ("trail", "check", "health"),
    [
        ({"elasticsearch": False}, "elasticsearch", Health.WARN),
        ({"url": "http://127.0.0.1:9"}, "reachable", Health.FAIL),
    ],
)
def test_a_trail_that_leads_nowhere_is_told(
    lab: Lab, tmp_path: Path, trail: dict[str, Any], check: str, health: Health
) -> None:
    """One that is meant to is a warning, one that is down a failure."""
    assert one(found(settings(lab, tmp_path, trail=trail)), "trail", check).health is health


def test_a_key_that_may_not_add_to_the_trail_is_told(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events would wait; the request for a right key is named."""
    security = Security()
    monkeypatch.setattr(lab.elasticsearch.endpoint, "security", security)
    key = security.add_key(
        "id", "secret", Account("reader", {"metrics-*": ("read",)}, ("monitor",))
    )
    findings = found(settings(lab, tmp_path, elasticsearch={"api_key": key}))
    finding = one(findings, "trail", "privileges")
    assert one(findings, "elasticsearch", "privileges").health is Health.OK
    assert finding.health is Health.FAIL
    assert "remedyd elastic keys" in finding.fix


def test_nothing_is_created(lab: Lab, tmp_path: Path) -> None:
    """A store that is not there yet is told, not made; the cluster is only asked."""
    before = len(lab.apiserver.requests)
    finding = one(found(settings(lab, tmp_path)), "store", "exists")
    assert finding.health is Health.WARN
    assert not (tmp_path / "remedyd.db").exists()
    sent = [r for r in lab.apiserver.requests[before:] if r.user_agent.startswith("remedyd")]
    assert {r.path.rsplit("/", 1)[-1] for r in sent if r.method != "GET"} == {
        "selfsubjectaccessreviews"
    }


def test_a_store_of_a_newer_version_is_told(lab: Lab, tmp_path: Path) -> None:
    """An older program must not touch it."""
    with sqlite3.connect(tmp_path / "remedyd.db") as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    finding = one(found(settings(lab, tmp_path)), "store", "schema")
    assert finding.health is Health.FAIL
    assert "newer remedyd" in finding.fix


@pytest.mark.parametrize(
    ("database", "check"),
    [("sqlite:////nowhere/at/all/remedyd.db", "exists"), ("nonsense", "reachable")],
)
def test_a_store_that_cannot_be_used_is_told(
    lab: Lab, tmp_path: Path, database: str, check: str
) -> None:
    """Neither a directory that is not there nor a text that is no URL raises."""
    finding = one(found(settings(lab, tmp_path, database=database)), "store", check)
    assert finding.health is Health.FAIL


def test_another_clusters_name_is_told(lab: Lab, tmp_path: Path) -> None:
    """The names that the telemetry carries stand beside the configured one."""
    findings = found(settings(lab, tmp_path, cluster_name="other"))
    finding = one(findings, "telemetry", "cluster name")
    assert finding.health is Health.FAIL
    assert "other is not among" in finding.detail


def test_a_bad_policy_is_told_with_its_place(lab: Lab, tmp_path: Path) -> None:
    """The other parts are examined all the same."""
    folder = tmp_path / "policies"
    folder.mkdir()
    shutil.copy(shipped("policies") / "replica-gap.yaml", folder)
    path = folder / "replica-gap.yaml"
    path.write_text(path.read_text().replace("mode: Propose", "mode: Automatic"))
    findings = found(settings(lab, tmp_path, policies=(folder,)))
    finding = one(findings, "configuration", "policies and audits")
    assert finding.health is Health.FAIL
    assert "replica-gap.yaml:" in finding.detail
    assert one(findings, "kubernetes", "reachable").health is Health.OK


@pytest.mark.parametrize("output", ["text", "json"])
def test_the_command_prints_and_exits(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    """Exit 0 when nothing failed; text for people, JSON for scripts."""
    for name, value in lab.daemon_settings(tmp_path).items():
        monkeypatch.setenv(f"REMEDYD_{name.removeprefix('REMEDYD_')}", str(value))
    monkeypatch.setenv("REMEDYD_SERVER__TOKENS", TOKENS)
    monkeypatch.setenv("REMEDYD_POLICIES", json.dumps([str(path) for path in METRICS]))
    monkeypatch.setenv("REMEDYD_DATABASE", f"sqlite:///{tmp_path / 'remedyd.db'}")
    ran = CliRunner().invoke(build("doctor"), ["doctor", "-o", output])
    assert ran.exit_code == 0, ran.output
    if output == "json":
        assert {f["health"] for f in json.loads(ran.stdout)} <= {"ok", "warn"}
    else:
        assert ran.stdout.splitlines()[-1].endswith("0 failed")
