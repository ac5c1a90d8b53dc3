"""The chart and `remedyd rbac` grant the same, just enough, and nothing besides."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from remedyd import rights
from remedyd.actions.registry import SCHEMAS
from remedyd.audits.loader import load_audits
from remedyd.cli.rbac import app
from remedyd.policy.loader import load_policies
from remedyd.rights import Rights, Use
from support.chart import CHART, EXAMPLES, of_kind, render, written

Granted = set[tuple[str, str, str, str]]


def granted(manifests: list[dict[str, Any]]) -> Granted:
    return {
        (role["metadata"].get("namespace", ""), group, resource, verb)
        for kind in ("ClusterRole", "Role")
        for role in of_kind(manifests, kind)
        if not role["metadata"]["name"].endswith(("-lease", "-identity"))
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def needed(wanted: Rights) -> Granted:
    places = {"": wanted.everywhere, **wanted.within}
    return {(where, p.group, p.resource, p.verb) for where, held in places.items() for p in held}


def uses(manifests: list[dict[str, Any]], folder: Path) -> Iterator[Use]:
    audits = load_audits([written(manifests, "r-audits", folder / "a")])
    places = [written(manifests, "r-policies", folder / "p")]
    loaded = load_policies(places, audits=audits.specs, actions=SCHEMAS)
    return rights.uses(loaded.values())


@pytest.mark.parametrize("values", EXAMPLES, ids=lambda path: path.stem)
def test_chart_and_command_render_the_same(values: Path, tmp_path: Path) -> None:
    """The rules of every example are those that its policies and requests need."""
    manifests = render(4, values)
    asked = ("Restart", "Scale", "Status") if values.stem == "propose" else ()
    wanted = [*uses(manifests, tmp_path), *(Use(action) for action in asked)]
    dry_run = values.stem == "dry-run"
    assert granted(manifests) == needed(rights.rights(wanted, dry_run=dry_run))


@pytest.mark.parametrize(
    ("settings", "requests"),
    [
        (("policies.namespaces={shop,bank}",), ()),
        (("policies.namespaces={shop-*}",), ()),
        (
            ("policies.namespaces={shop}", "requests.actions={DeletePod}",
             "requests.namespaces={bank,shop}"),
            (Use("DeletePod", namespaces=("bank", "shop")),),
        ),
        (
            ("policies.namespaces={shop}", "requests.actions={Restart}"),
            (Use("Restart"),),
        ),
    ],
)  # fmt: skip
def test_namespaces_bound_the_rights(
    settings: tuple[str, ...], requests: tuple[Use, ...], tmp_path: Path
) -> None:
    """Named namespaces get Roles, patterns a ClusterRole, and nothing is granted twice."""
    manifests = render(4, None, *settings)
    wanted = rights.rights([*uses(manifests, tmp_path), *requests])
    assert granted(manifests) == needed(wanted)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("policies.mode=DryRun", {"dry_run": False}),
        ("dryRun=true", {"dry_run": True}),
        ("trail.kubernetesEvents=false", {"events": False}),
    ],
)
def test_what_is_not_done_needs_no_right(
    setting: str, told: dict[str, bool], tmp_path: Path
) -> None:
    """Nothing is read back after a rehearsal, and nothing told where Events are not wanted."""
    named = "policies.shipped={oom-raise-memory,restarts-escalate}"
    for settings in ([setting], [setting, named]):
        manifests = render(4, None, *settings)
        found = granted(manifests)
        folder = tmp_path / str(len(settings))
        assert found == needed(rights.rights(uses(manifests, folder), **told))
    assert ("", "", "events", "create") not in found
    rehearsed = told.get("events", True)
    assert (("", "apps", "replicasets", "list") not in found) is rehearsed


def test_auto_in_one_namespace_writes_only_there() -> None:
    """Across the cluster it reads nodes and namespaces, nothing else."""
    found = granted(render(4, CHART / "examples" / "auto-one-namespace.yaml"))
    assert {one for one in found if one[0] != "shop"} == {
        ("", "", "namespaces", "get"),
        ("", "", "nodes", "list"),
    }


def test_the_lease_is_its_own_role() -> None:
    """Several daemons may take and renew one Lease, beside their own pods."""
    manifests = render(4, CHART / "examples" / "high-availability.yaml")
    role = next(r for r in of_kind(manifests, "Role") if r["metadata"]["name"] == "r-lease")
    assert role["metadata"]["namespace"] == "ops"
    own = rights.manifests(
        Rights(frozenset(), {}), name="r", namespace="ops", account="r", lease="r"
    )
    assert role["rules"] == next(own)["rules"]


def about_callers(manifests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rules of the role about callers, bound by a binding of its name to one account."""
    [role] = [
        one
        for one in of_kind(manifests, "ClusterRole")
        if one["metadata"]["name"].endswith("-identity")
    ]
    [binding] = [
        one
        for one in of_kind(manifests, "ClusterRoleBinding")
        if one["roleRef"]["name"] == role["metadata"]["name"]
    ]
    assert [one["kind"] for one in binding["subjects"]] == ["ServiceAccount"]
    return sorted(role["rules"], key=lambda rule: str(rule["resources"]))


@pytest.mark.parametrize("source", ["grants", "rbac"])
def test_chart_and_command_let_it_ask_the_same_about_callers(source: str) -> None:
    """The reviews that the source of scopes needs are created, and no ready-made role is bound."""
    values = ("identity.kubernetes.enabled=true", f"identity.kubernetes.scopesFrom={source}")
    ran = CliRunner().invoke(app, ["render", "--kubernetes-tokens", "--scopes-from", source])
    printed = list(yaml.safe_load_all(ran.stdout))
    assert about_callers(render(4, None, *values)) == about_callers(printed)
    made = {one["metadata"]["name"] for one in of_kind(printed, "ClusterRole")}
    assert {one["roleRef"]["name"] for one in of_kind(printed, "ClusterRoleBinding")} == made
