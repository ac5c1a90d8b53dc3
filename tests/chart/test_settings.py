"""Every setting of the daemon can be reached by a value, and unset values mean its defaults."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from remedyd.policy.guardrails import load_guardrails
from remedyd.settings import Settings, load
from support.chart import CHART, EVERYTHING, data, of_kind, render

NOT_FOR_A_CLUSTER = {
    "clock.speed", "clock.origin", "clock.epoch", "clock.reached",  # of the lab
    "kubernetes.kubeconfig", "kubernetes.context",  # the pod's ServiceAccount is used
    # what is secret comes as a file or by a variable
    "elasticsearch.api_key", "elasticsearch.password", "trail.api_key", "server.tokens",
    "server.session_key_file", "server.oidc.client_secret", "traces.headers_file", "database",
}  # fmt: skip
INSTEAD = {"elasticsearch.api_key_file"}  # of the user that tests/chart/everything.yaml names


def leaves(model: type[BaseModel], path: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        part = field.annotation
        if isinstance(part, type) and issubclass(part, BaseModel):
            yield from leaves(part, f"{path}{name}.")
        else:
            yield f"{path}{name}"


def given(settings: dict[str, Any], path: str = "") -> Iterator[str]:
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from given(value, f"{path}{name}.")
        else:
            yield f"{path}{name}"


def settings_of(values: Path | None, folder: Path, *more: str, name: str = "r") -> Settings:
    """Return what the daemon reads under these values, mounts aside."""
    path = folder / "remedyd.yaml"
    path.write_text(data(render(4, values, *more), f"{name}-settings")["remedyd.yaml"])
    return load(path)


def test_every_setting_can_be_reached() -> None:
    """By the settings file or by a variable; what is left out is named above, with the reason."""
    manifests = render(4, EVERYTHING)
    reached = set(given(yaml.safe_load(data(manifests, "watch-settings")["remedyd.yaml"])))
    [deployment] = of_kind(manifests, "Deployment")
    for one in deployment["spec"]["template"]["spec"]["containers"][0]["env"]:
        reached.add(one["name"].removeprefix("REMEDYD_").lower().replace("__", "."))
    assert set(leaves(Settings)) - reached == NOT_FOR_A_CLUSTER | INSTEAD


def test_the_values_are_what_the_daemon_reads(tmp_path: Path) -> None:
    """Each value arrives, typed, where the daemon looks for it."""
    found = settings_of(EVERYTHING, tmp_path, name="watch")
    assert (found.elasticsearch.username, found.elasticsearch.compatibility) == ("reader", 8)
    assert found.elasticsearch.ca_file == Path("/etc/remedyd/ca/bundle.pem")
    assert found.trail.url == "https://trail.example.com"
    assert found.server.oidc.redirect_url.startswith("https://remedyd.example.com/")
    assert found.server.oidc.algorithms == ("ES256",)
    assert found.server.kubernetes_tokens.namespaces == ("shop",)
    assert (found.server.body_limit_bytes, found.server.session_minutes) == (2_000_000, 60)
    assert (found.limits.retention_days, found.rights.most_excess) == (30, 0)
    assert (found.lease, found.traces.endpoint) == ("watch", "http://otel.example.com:4318")
    assert found.server.allowed_hosts == ("remedyd.example.com",)


def test_what_is_mounted_is_where_the_settings_say() -> None:
    """Every file that the settings name is under a mount of the volume that holds it."""
    manifests = render(4, EVERYTHING)
    text = data(manifests, "watch-settings")["remedyd.yaml"]
    [deployment] = of_kind(manifests, "Deployment")
    spec = deployment["spec"]["template"]["spec"]
    mounts = {one["mountPath"]: one["name"] for one in spec["containers"][0]["volumeMounts"]}
    volumes = {one["name"]: one for one in spec["volumes"]}
    assert set(mounts.values()) == volumes.keys()
    named = [word for word in text.split() if word.startswith("/etc/remedyd/")]
    assert len(named) == 10
    for path in map(Path, named):
        assert str(path) in mounts or str(path.parent) in mounts
    assert volumes["elasticsearch"]["secret"]["secretName"] == "elasticsearch-reader"
    assert volumes["ca"]["configMap"]["name"] == "bundle"


def test_defaults_are_the_daemons(tmp_path: Path) -> None:
    """What the values leave alone is as the daemon would have it, whatever says it."""
    found = settings_of(None, tmp_path).model_dump()
    usual = Settings().model_dump()
    for name in ("policies", "audits", "namespace"):
        found.pop(name), usual.pop(name)
    found["elasticsearch"] |= {k: usual["elasticsearch"][k] for k in ("url", "api_key_file")}
    found["server"]["tokens_file"] = usual["server"]["tokens_file"]
    assert found["server"].pop("host") == "::", "a pod may have IPv4, IPv6, or both"
    usual["server"].pop("host")
    assert found == usual


def test_guardrails_are_values_too(tmp_path: Path) -> None:
    """What is to be different stands in the values, freezes included; or a file is given whole."""
    path = tmp_path / "guardrails.yaml"
    path.write_text(data(render(4, EVERYTHING), "watch-settings")["guardrails.yaml"])
    found = load_guardrails(path)
    assert (found.concurrency, found.storm.workloads_percent) == (2, 20)
    assert found.storm.nodes_not_ready.of(5_000) == 25
    assert [window.name for window in found.windows] == ["black-friday"]
    assert found.cooldown.initial == timedelta(hours=1)


def test_the_table_names_every_value() -> None:
    """The schema has a description for each, and the defaults name no value beside the schema's."""
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    defaults = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))

    def compare(part: dict[str, Any], values: dict[str, Any], where: str) -> None:
        assert set(values) <= part["properties"].keys(), where
        for name, one in part["properties"].items():
            assert one.get("description"), f"{where}{name}"
            if one["type"] == "object" and one.get("properties") and name != "affinity":
                assert one["additionalProperties"] is False, f"{where}{name}"
                compare(one, values[name], f"{where}{name}.")
            elif f"{where}{name}" != "guardrails" and name != "global":
                assert name in values, f"{where}{name} has no default"

    compare(schema, defaults, "")
