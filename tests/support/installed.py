"""The chart installed into the lab: its roles decide, its files are what the daemon reads.

The authorizer denies by default, and the daemon is the ServiceAccount of the rendered Deployment.
Replaced is what a test cannot have: the mounts lie below a directory, and time is moved by hand.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import yaml

from remedyd.cluster.identity import GROUP
from remedyd.lab.apiserver import paths
from remedyd.lab.apiserver.access import ADMINISTRATOR, RoleBased, service_account
from remedyd.lab.world import TOKEN, Lab
from remedyd.model import KubeObject
from remedyd.settings import load
from support.byhand import HandApp
from support.chart import NAMESPACE, of_kind, render, written
from support.running import ROLES, TOKENS, Running

MOUNTS = "/etc/remedyd"
_MINUTE = timedelta(minutes=1)
_RBAC = "rbac.authorization.k8s.io/v1"
_ACCOUNT_TOKEN = "daemon"
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """A verb on a resource; no `namespace`: everywhere, no `name`: whatever its name."""

    namespace: str
    resource: str
    verb: str
    name: str = ""

    def covers(self, used: "Right") -> bool:
        """Return whether a request needs this right."""
        return (
            (self.resource, self.verb) == (used.resource, used.verb)
            and self.namespace in ("", used.namespace)
            and self.name in ("", used.name)
        )


def granted(manifests: list[KubeObject]) -> set[Right]:
    """Return what the rendered roles and bindings grant."""
    bound = {
        (one["roleRef"]["kind"], one["roleRef"]["name"], one["metadata"].get("namespace", ""))
        for kind in ("ClusterRoleBinding", "RoleBinding")
        for one in of_kind(manifests, kind)
    }
    return {
        Right(where, f"{resource}.{group}".rstrip("."), verb, name)
        for role in manifests
        for where in [role["metadata"].get("namespace", "")]
        if (role["kind"], role["metadata"]["name"], where) in bound
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames") or [""]
    }


class Cluster:
    """A lab without a speed in which the chart is installed under some values."""

    def __init__(self, lab: Lab, home: Path, values: Mapping[str, Any]) -> None:
        """Take a started lab, a directory for what is mounted, and the values."""
        self.lab, self.home = lab, home
        file = home / "values.yaml"
        told = {"clusterName": "lab", "elasticsearch": {"url": lab.elasticsearch_url}}
        file.write_text(yaml.safe_dump({**values, **told}), encoding="utf-8")
        self.manifests = render(4, file)
        self._secure()
        self._mount()

    def _secure(self) -> None:
        """Deny by default; the rendered roles, and nothing else, let the daemon in."""
        api, store = self.lab.apiserver, self.lab.simulation.store
        for one in self.manifests:
            if one["apiVersion"] == _RBAC:
                plural = f"{_RBAC}/{one['kind'].lower()}s"
                store.create(plural, one["metadata"].get("namespace"), one, manager="helm")
        [deployment] = of_kind(self.manifests, "Deployment")
        account = deployment["spec"]["template"]["spec"]["serviceAccountName"]
        self._daemon = service_account({"namespace": NAMESPACE, "name": account})
        api.tokens.add(_ACCOUNT_TOKEN, self._daemon)
        api.tokens.add(TOKEN, ADMINISTRATOR)
        api.authenticates, api.backend.authorizer = True, RoleBased(store)

    def _mount(self) -> None:
        """Put everything where the rendered Deployment mounts it."""
        for part in ("settings", "policies", "audits"):
            written(self.manifests, f"r-{part}", self.home / "etc" / part)
        tokens = [{"name": role, "token": TOKENS[role], "scopes": [role]} for role in ROLES]
        secrets = {
            "elasticsearch/api-key": "a",
            "tokens/tokens.yaml": yaml.safe_dump({"tokens": tokens}),
        }
        for file, text in secrets.items():
            path = self.home / "etc" / file
            path.parent.mkdir()
            path.write_text(text, encoding="utf-8")
        settings = self.home / "etc" / "settings" / "remedyd.yaml"
        text = settings.read_text(encoding="utf-8").replace(MOUNTS, str(self.home / "etc"))
        settings.write_text(text, encoding="utf-8")

    def daemon(self, database: str = "", **server: Any) -> "Installed":
        """Return a daemon with the mounted settings; `server` is what comes by the environment."""
        kubeconfig = self.home / "kubeconfig"
        kubeconfig.write_text(self.lab.apiserver.kubeconfig(_ACCOUNT_TOKEN), encoding="utf-8")
        told = load(
            self.home / "etc" / "settings" / "remedyd.yaml",
            database=database or f"sqlite:///{self.home / 'remedyd.db'}",
            kubernetes={"kubeconfig": str(kubeconfig)},
            server=server,
        )
        return Installed(self.lab, HandApp(told))

    def asked(self) -> Iterator[tuple[Right, int]]:
        """Yield what the daemon asked for, with the status of the answer."""
        for one in self.lab.apiserver.requests:
            path = paths.parse(one.path)
            if one.user != self._daemon.name or path is None:
                continue
            resource = f"{path.resource}/{path.subresource}".rstrip("/")
            verb = _VERBS.get(one.method) or ("get" if path.name else "list")
            found = f"{resource}.{path.group}".rstrip(".")
            yield Right(path.namespace, found, verb, path.name), one.status

    def caller(self, name: str, verbs: list[str]) -> str:
        """Return a token, for the daemon, of a ServiceAccount that may so much in `shop`."""
        rule = {"apiGroups": [GROUP], "resources": ["proposals"], "verbs": verbs}
        subject = {"kind": "ServiceAccount", "name": name, "namespace": "shop"}
        role = {"metadata": {"name": name}, "rules": [rule]}
        binding = {
            "metadata": {"name": name},
            "subjects": [subject],
            "roleRef": {"kind": "Role", "name": name},
        }
        store = self.lab.simulation.store
        store.create(f"{_RBAC}/roles", "shop", role, manager="kubectl")
        store.create(f"{_RBAC}/rolebindings", "shop", binding, manager="kubectl")
        account = {"metadata": {"name": name, "namespace": "shop"}}
        now = self.lab.now()
        token, _ = self.lab.apiserver.tokens.issue(account, ["remedyd"], now, 36_000, Random(1))
        return token

    def written(self) -> list[str]:
        """Return the paths of what the daemon stored in the cluster, the Lease apart."""
        return [
            one.path
            for one in self.lab.apiserver.requests
            if one.user == self._daemon.name
            and one.method != "GET"
            and "dryRun" not in one.query
            and one.status < 300
            and not one.path.endswith("reviews")
            and "/leases" not in one.path
        ]

    def told(self) -> set[str]:
        """Return the reasons of the Events that the daemon put on workloads."""
        return {
            one["reason"]
            for one in self.lab.simulation.store.list("v1/events")
            if one["source"].get("component") == "remedyd"
        }

    def denied(self) -> set[Right]:
        """Return what the daemon was refused for want of a right."""
        return {right for right, status in self.asked() if status == 403}

    def unused(self) -> set[Right]:
        """Return what is granted and was never asked for."""
        asked = {right for right, _ in self.asked()}
        return {one for one in granted(self.manifests) if not any(map(one.covers, asked))}


class Installed(Running):
    """A daemon on that lab: served over HTTP, without a schedule of its own."""

    app: HandApp

    def __init__(self, lab: Lab, app: HandApp) -> None:
        """Take the lab and the app to serve."""
        self._failures = 10
        self.lab, self.approves = lab, True
        self.beside: list[Installed] = []
        app.clock = lab.clock
        self._take(app)

    @property
    def leads(self) -> bool:
        """Whether it is the one that acts."""
        return self.app.loop._leads()

    def live(self, minutes: int = 1) -> None:
        """Let time pass, then do what has come due."""
        self.lab.advance(minutes * _MINUTE)
        for one in (self, *self.beside):
            one.turn()

    def turn(self) -> None:
        """Do what is due now: audits, a person's approvals, the next steps, mail and chores."""
        for audit in sorted({one["audit"] for one in self.get("/v1/policies")}):
            self.app.loop.cycle(audit)
        for one in self.get("/v1/proposals?state=Proposed")["items"] if self.approves else ():
            self.approve(one)
        self.app.loop.tick()
        self.app.mail()
        for chore in self.app.chores.values():
            chore()

    def until(self, what: Callable[[], Any], minutes: int, every: int = 1) -> Any:
        """Live until `what` is true and return it; fail after so many minutes."""
        for _ in range(0, minutes, every):
            self.live(every)
            if found := what():
                return found
        raise AssertionError(f"not within {minutes} minutes: {self.told()}")

    def came_to(self, states: Collection[str], *names: str) -> Callable[[], bool]:
        """Return a question: is each workload's last proposal in one of these states?"""
        return lambda: all(self.last(name).get("state") in states for name in names)

    def approve(self, proposal: Mapping[str, Any]) -> None:
        """Let a proposal through, as it was shown."""
        self.post(f"/v1/proposals/{proposal['id']}/approve", {"digest": proposal["digest"]})

    def roll_back(self, name: str) -> int:
        """Have the last change of a workload taken back; return the status of the answer."""
        path = f"/v1/proposals/{self.last(name)['id']}/rollback"
        answer = self.client("approver").post(path, json={"reason": "enough of it"})
        return answer.status_code

    def ask(self, kind: str, name: str, action: str, params: Mapping[str, Any]) -> Any:
        """Ask for a change of a workload in `shop` and return the proposal."""
        target = {"namespace": "shop", "kind": kind, "name": name}
        body = {"target": target, "action": action, "params": params}
        return self.post("/v1/proposals", body, "proposer")

    def last(self, name: str) -> dict[str, Any]:
        """Return the last proposal about a workload, {} if there is none."""
        found = self.get("/v1/proposals?limit=100")["items"]
        return next((one for one in found if one["target"]["name"] == name), {})

    def get(self, path: str) -> Any:
        """Return what the API answers an approver."""
        answer = self.client("approver").get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any, role: str = "approver") -> Any:
        """Ask for something, and return the answer."""
        answer = self.client(role).post(path, json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def told(self) -> list[str]:
        """Return every proposal in a line."""
        found = self.get("/v1/proposals?limit=100")["items"]
        return [f"{p['action']} {p['target']['name']} {p['state']} {p['reason']}" for p in found]
