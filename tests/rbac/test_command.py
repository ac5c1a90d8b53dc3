"""`remedyd rbac` in a terminal and in CI."""

from pathlib import Path
from random import Random

import pytest
import yaml
from typer.testing import CliRunner

from remedyd.cli.rbac import app
from remedyd.errors import InvalidInput
from remedyd.lab.apiserver.access import RoleBased
from remedyd.lab.apiserver.messages import User
from remedyd.lab.apiserver.server import LabApiServer
from remedyd.lab.apiserver.store import ObjectStore
from remedyd.model import ManualClock
from support.labserver import NOW

RUNNER = CliRunner()


def test_roles_are_printed_for_the_shipped_policies() -> None:
    """They act in all namespaces: a ClusterRole and its binding, that kubectl can apply."""
    ran = RUNNER.invoke(app, ["render", "--namespace", "ops", "--lease", "remedyd"])
    assert ran.exit_code == 0
    printed = list(yaml.safe_load_all(ran.stdout))
    assert [one["kind"] for one in printed] == [
        "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding",
    ]  # fmt: skip
    subject = {"kind": "ServiceAccount", "name": "remedyd", "namespace": "ops"}
    assert printed[1]["subjects"] == [subject]
    assert "&id" not in ran.stdout, "each document reads by itself, without references"


def test_requested_actions_are_added_where_they_may_be_requested() -> None:
    """`--action` and `--in` give a Role beside what the policies need."""
    ran = RUNNER.invoke(app, ["render", "--action", "DeletePod", "--in", "shop"])
    role = next(one for one in yaml.safe_load_all(ran.stdout) if one["kind"] == "Role")
    assert role["metadata"]["namespace"] == "shop"
    assert {"apiGroups": [""], "resources": ["pods/eviction"], "verbs": ["create"]} in role["rules"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--action", "Restrat"], 'did you mean "Restart"'),
        (["--in", "shop"], "requested actions"),
        (["--scopes-from", "rbac"], "ServiceAccount tokens"),
    ],
)
def test_mistakes_are_named(arguments: list[str], reason: str) -> None:
    """An unknown action, and options that bear on nothing."""
    ran = RUNNER.invoke(app, ["render", *arguments])
    assert isinstance(ran.exception, InvalidInput)
    assert reason in ran.exception.message


def test_check_tells_what_is_missing(tmp_path: Path) -> None:
    """Each right with its place, the actions that cannot be used, and exit 1."""
    store = ObjectStore(ManualClock(NOW), Random(1))
    nobody = User("nobody", ("system:authenticated",))
    with LabApiServer(store, tokens={"t": nobody}, authorizer=RoleBased(store)) as server:
        path = tmp_path / "kubeconfig"
        path.write_text(server.kubeconfig("t"))
        ran = RUNNER.invoke(app, ["check", "--kubeconfig", str(path)])
    assert ran.exit_code == 1
    assert "missing: patch deployments.apps in the cluster\n" in ran.stdout
    for action in ("Restart", "Scale", "UpdateResources"):
        assert f"cannot be used: {action}\n" in ran.stdout
    assert ran.stdout.endswith("0 held that are not needed\n")


@pytest.mark.parametrize(("arguments", "status"), [([], 0), (["--strict"], 1)])
def test_more_than_needed_fails_only_when_strict(
    tmp_path: Path, arguments: list[str], status: int
) -> None:
    """An administrator has everything; that is told, and refused on request."""
    with LabApiServer(ObjectStore(ManualClock(NOW), Random(1))) as server:
        path = tmp_path / "kubeconfig"
        path.write_text(server.kubeconfig())
        ran = RUNNER.invoke(app, ["check", "--kubeconfig", str(path), *arguments])
    assert ran.exit_code == status
    assert "not needed: get secrets in the cluster\n" in ran.stdout
