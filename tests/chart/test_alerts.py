"""Whoever is woken by an alert finds what to do."""

import re
from copy import deepcopy
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from remedyd.cli.main import build
from support.chart import CHART, EVERYTHING, of_kind, render
from support.docs import page, section

ALERTS: list[dict[str, Any]] = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())[
    "groups"
][0]["rules"]
NAMES = [rule["alert"] for rule in ALERTS]


def test_each_alert_says_what_is_wrong_and_what_to_look_at() -> None:
    """On the pager itself, where no page can be opened."""
    for rule in ALERTS:
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert rule["annotations"].keys() == {"summary", "description"}, rule["alert"]


def test_each_alert_has_its_section_and_no_other() -> None:
    """In the order of the rules."""
    assert re.findall(r"(?m)^## (\w+)$", page("alerts.md")) == NAMES
    for name in NAMES:
        assert len(section(page("alerts.md"), f"## {name}").split()) > 20, name


def test_the_commands_of_the_sections_exist() -> None:
    """Typed at three in the morning, none is answered by what it should have been."""
    text = " ".join(page("alerts.md").split())
    found = set(re.findall(r"(?:`|-- )remedyd ((?:[a-z]+ )?[a-z]+)", text))
    assert len(found) > 8
    for words in map(str.split, found):
        ran = CliRunner().invoke(build(words[0]), [*words, "--help"])
        assert ran.exit_code == 0, words


def test_alerts_link_to_where_the_page_can_be_read() -> None:
    """As `runbook_url`; without a place there is no link that leads nowhere."""
    [rules] = of_kind(render(4, EVERYTHING), "PrometheusRule")
    linked = deepcopy(rules["spec"]["groups"][0]["rules"])
    for rule in linked:
        link = rule["annotations"].pop("runbook_url")
        assert link == f"https://wiki.example.com/alerts#{rule['alert'].lower()}"
    assert linked[1:] == ALERTS[1:]
    assert _rules("prometheusRule.enabled=true")[1:] == ALERTS[1:]


def _rules(*settings: str) -> list[dict[str, Any]]:
    [rules] = of_kind(render(4, None, *settings), "PrometheusRule")
    found: list[dict[str, Any]] = rules["spec"]["groups"][0]["rules"]
    return found


@pytest.mark.parametrize(
    ("scraped", "labels"),
    [("true", 'namespace="ops", service="r"'), ("false", 'namespace="ops"')],
)
def test_an_installation_is_missed_by_itself(scraped: str, labels: str) -> None:
    """Another one that the same Prometheus scrapes does not hide that ours is gone.

    The labels are those that the ServiceMonitor gives; without it somebody else scrapes us, and
    the namespace is all that is known.
    """
    down = _rules("prometheusRule.enabled=true", f"serviceMonitor.enabled={scraped}")[0]
    assert (down["alert"], down["expr"]) == (
        "RemedydDown",
        f"absent(remedyd_build_info{{{labels}}})",
    )
    assert ALERTS[0]["expr"] == 'absent(remedyd_build_info{namespace="remedyd", service="remedyd"})'


def test_no_installation_is_counted_with_another() -> None:
    """What is taken together is what one Service leads to."""
    for rule in ALERTS:
        for group in re.findall(r"by \(([^)]*)\)", rule["expr"]):
            assert {"namespace", "service"} <= set(group.split(", ")), rule["alert"]


def test_an_audit_is_blind_only_after_its_own_pace() -> None:
    """One that runs once a day has not gone blind half an hour later."""
    [blind] = [rule["expr"] for rule in ALERTS if rule["alert"] == "RemedydAuditBlind"]
    assert "2 * max by (namespace, service, audit) (remedyd_audit_interval_seconds)" in blind
