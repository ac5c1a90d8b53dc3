"""Users and groups of other sources get what the tokens file grants them, nothing else."""

import pytest

from remedyd.errors import ConfigurationError
from remedyd.model import Scope
from remedyd.server.grants import Grant, principal
from remedyd.server.tokens import read

VIEW, APPROVE = frozenset({Scope.VIEWER}), frozenset({Scope.APPROVER})
GRANTS = (
    Grant("oidc", "ann", "", APPROVE, frozenset({"shop"})),
    Grant("oidc", "", "sre", VIEW),
    Grant("kubernetes", "", "sre", frozenset({Scope.ADMIN})),
)


def _refused(entry: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        read(None, f"grants:\n  - {entry}\n", others=True)
    return "\n".join(str(problem) for problem in refused.value.problems)


def test_grants_of_user_and_group_add_up() -> None:
    """Ann may read everywhere by her group, and approve in one namespace by her name."""
    found = principal(GRANTS, "oidc", "ann", ["sre"], "oidc:ann")
    assert found is not None
    assert found.may(Scope.VIEWER, "other")
    assert found.may(Scope.APPROVER, "shop")
    assert not found.may(Scope.APPROVER, "other")
    assert not found.may_everywhere(Scope.APPROVER)
    assert found.reach is None


def test_a_limited_user_reaches_its_namespaces_only() -> None:
    """Without a grant for the whole cluster the reach is the namespaces granted."""
    found = principal(GRANTS, "oidc", "ann", [], "oidc:ann")
    assert found is not None
    assert found.reach == frozenset({"shop"})
    assert not found.may(Scope.VIEWER, "other")


@pytest.mark.parametrize(
    ("user", "groups"), [("bob", ["dev"]), ("sre", []), ("", [""]), ("system:ann", [])]
)
def test_whoever_is_not_named_gets_nothing(user: str, groups: list[str]) -> None:
    """Neither another user, nor a user called like a group, nor an empty name is granted."""
    assert principal(GRANTS, "oidc", user, groups, user) is None


def test_a_grant_holds_for_its_source_only() -> None:
    """A group of the same name at another provider is another group."""
    found = principal(GRANTS, "oidc", "bob", ["sre"], "oidc:bob")
    assert found is not None
    assert not found.may(Scope.ADMIN)


def test_a_service_account_is_named_by_namespace_and_name() -> None:
    """The short form stands for the user name that Kubernetes gives the account."""
    text = "grants: [{from: kubernetes, serviceAccount: elastic/agent, scopes: [proposer]}]"
    (found,) = read(None, text, others=True).grants
    assert found.user == "system:serviceaccount:elastic:agent"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{from: oidc, scopes: [viewer]}", "exactly one of user, group, serviceAccount"),
        ("{from: oidc, user: a, group: b, scopes: [viewer]}", "exactly one of"),
        ("{from: oidc, user: '', scopes: [viewer]}", "exactly one of"),
        ("{from: oidc, serviceAccount: a/b, scopes: [viewer]}", "comes from kubernetes"),
        ("{from: kubernetes, serviceAccount: ab, scopes: [viewer]}", "namespace/name"),
        ("{from: oidc, user: a, scopes: []}", "scopes is empty"),
        ("{from: ldap, user: a, scopes: [viewer]}", "one of kubernetes, oidc"),
        ("{from: oidc, user: a, scopes: [root]}", "root"),
        (
            "{from: kubernetes, group: system:authenticated, scopes: [approver]}",
            "holds everybody",
        ),
    ],
)
def test_a_wrong_grant_is_told_with_its_place(entry: str, message: str) -> None:
    """Every mistake stops the start and names the line."""
    told = _refused(entry)
    assert message in told
    assert "inline tokens:2" in told


def test_tokens_alone_need_no_grants() -> None:
    """A file of grants only is none by which anybody could call without other sources."""
    with pytest.raises(ConfigurationError, match="no bearer token is configured"):
        read(None, "grants: [{from: oidc, user: a, scopes: [viewer]}]")
