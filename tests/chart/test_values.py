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
    ("tokens.secret=", "tokens.secret:", "nobody could call"),
    ("requests.actions={Reboot}", "actions", "must be one of"),
    ("requests.namespaces={shop}", "requests.namespaces", "requests.actions is empty"),
    ("resources.limits.memory=lots", "memory", "match pattern"),
    ("ingress.enabled=true", "ingress.host", "name one"),
    ("ingress.host=https://remedyd.example.com", "host", "match pattern"),
    ("ingress.paths={v1}", "paths", "match pattern"),
    ("nameOverride=my.remedyd", "nameOverride", "match pattern"),
    ("serviceAccount.create=false", "serviceAccount.name", "name an existing ServiceAccount"),
    ("database.secret=d,persistence.existingClaim=c", "persistence.existingClaim:", "no volume"),
    ("policies.mode=Auto", "policies.namespaces:", "name the namespaces"),
    (
        "audits.custom.replica-gap.definition=a,audits.custom.replica-gap.query=b",
        "audits.custom.replica-gap:",
        "shipped audit has this name",
    ),
    ("guardrails=kind: Policy", "guardrails:", "kind must be Guardrails"),
    ("guardrails=a: [", "guardrails:", "is not YAML"),
    ("guardrails.concurency=3", "concurency", "additional propert"),
    ("guardrails.storm.calm=soon", "calm", "match pattern"),
    ("guardrails.storm.nodesNotReady=120%", "nodesNotReady", "match pattern"),
    ("guardrails.storm.nodesNotReady=-1", "nodesNotReady", "0"),
    ("guardrails.windows[0].kind=Thaw", "kind", "must be one of"),
    ("elasticsearch.basicAuth.username=u", "elasticsearch.basicAuth:", "both named"),
    (
        "elasticsearch.apiKey.secret=,elasticsearch.basicAuth.username=u",
        "elasticsearch.basicAuth.secret:",
        "name the Secret",
    ),
    (
        "elasticsearch.ca.secret=a,elasticsearch.ca.configMap=b",
        "elasticsearch.ca:",
        "one is enough",
    ),
    ("elasticsearch.timeoutSeconds=0", "timeoutSeconds", "1"),
    ("identity.oidc.issuer=https://id.example.com", "identity.oidc.audience:", "name the audience"),
    ("identity.oidc.issuer=http://id.example.com", "issuer", "match pattern"),
    (
        "identity.oidc.redirectUrl=https://r.example.com/console/sign-in/callback",
        "identity.oidc.issuer:",
        "needs an issuer",
    ),
    ("identity.oidc.algorithms={none}", "algorithms", "must be one of"),
    ("identity.kubernetes.scopesFrom=ldap", "scopesFrom", "must be one of"),
    ("traces.headers.secret=h", "traces.endpoint:", "nowhere to send"),
    (
        "trail.url=https://other.example.com",
        "trail.apiKey.secret:",
        "never sent the telemetry's key",
    ),
    (
        "serviceMonitor.enabled=true,networkPolicy.from[0].podSelector.matchLabels.a=b",
        "networkPolicy.scrapers:",
        "shuts Prometheus out",
    ),
    ("networkPolicy.from[0].namespace=shop", "namespace", "additional propert"),
    ("networkPolicy.egressPorts={seventy}", "egressPorts", "integer"),
    ("tolerations[0].efect=NoSchedule", "efect", "additional propert"),
    ("affinity.podAffinty.a=b", "podAffinty", "additional propert"),
    ("resources.limits.gpu=1", "gpu", "must be one of"),
    ("extraEnv[0].value=x", "extraEnv", "name"),
    ("podSecurity.runAsUser=0", "runAsUser", "1"),
    ("persistence.accessMode=ReadWriteMany", "accessMode", "must be one of"),
    ("service.type=ExternalName", "type", "must be one of"),
    ("limits.retentionDays=0", "retentionDays", "0"),
    ("rbac.mostExcess=some", "mostExcess", "integer"),
    ("terminationGracePeriodSeconds=5", "terminationGracePeriodSeconds", "10"),
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
