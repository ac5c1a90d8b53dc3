"""Bad values stop the installation with the field and the reason."""

import pytest

from support.chart import CHART, MAJORS, run

BAD = [
    ("replicas=two", "replicas", "integer"),
    ("replica=2", "replica", "additional propert"),
    ("replicas=2", "replicas:", "PostgreSQL URL in database.secret"),
    ("policies.mode=Automatic", "mode", "must be one of"),
    ("policies.shipped={oom}", "shipped", "must be one of"),
    ("policies.shipped=null", "policies:", "no policy is enabled"),
    ("policies.namespaces={Shop}", "namespaces", "match pattern"),
    ("policies.custom.mine=a: [", "mine.yaml", "is not YAML"),
    (
        "policies.custom.replica-gap=a",
        "policies.custom.replica-gap",
        "shipped policy has this name",
    ),
    ("elasticsearch.url=https://u:p@host", "url", "match pattern"),
    ("elasticsearch.apiKey.value=x", "value", "additional propert"),
    ("image.digest=latest", "digest", "match pattern"),
    ("tokens.secret=", "secret", "length"),
    ("requests.actions={Reboot}", "actions", "must be one of"),
    ("requests.namespaces={shop}", "requests.namespaces", "requests.actions is empty"),
    ("resources.limits.memory=lots", "memory", "match pattern"),
    ("ingress.enabled=true", "ingress.host", "name one"),
    ("serviceAccount.create=false", "serviceAccount.name", "name an existing ServiceAccount"),
]


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize(("setting", "field", "reason"), BAD, ids=[one[0] for one in BAD])
def test_a_bad_value_is_named(major: int, setting: str, field: str, reason: str) -> None:
    """The message has the field and what is wrong with it."""
    ran = run(major, "template", "r", str(CHART), "--set", setting)
    assert ran.returncode != 0
    said = ran.stderr.lower()
    assert field.lower() in said
    assert reason.lower() in said
