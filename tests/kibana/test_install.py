"""`remedyd elastic install` brings a Kibana to the same state, however often it runs."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from remedyd.cli.elastic import app
from remedyd.elastic.kibana import tools as shipped
from remedyd.errors import InvalidInput, KibanaError
from remedyd.server.mcp.catalogue import TOOLS
from support.kibana import KEY, FakeKibana, fake_kibana

PROPOSER, APPROVER = "proposer-token-0123456789", "approver-token-0123456789"
DAEMON = "https://remedyd.example"
RELEASES = ("9.4.2", "9.5.1", "9.6.0")
Run = Callable[..., Result]


@pytest.fixture(params=RELEASES)
def kibana(request: pytest.FixtureRequest) -> Iterator[FakeKibana]:
    with fake_kibana(version=request.param) as fake:
        yield fake


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a runner of the command; keys and tokens are in files."""
    paths = {}
    for name, secret in (("kibana", KEY), ("proposer", PROPOSER), ("approver", APPROVER)):
        paths[name] = tmp_path / name
        paths[name].write_text(f"{secret}\n")

    def invoke(kibana: FakeKibana, *words: str, scope: str = "proposer") -> Result:
        typed = ["install", "--kibana-url", kibana.url, "--kibana-key-file", str(paths["kibana"])]
        typed += ["--daemon-url", DAEMON, "--token-file", str(paths["proposer"]), "--yes"]
        typed += ["--agent-scope", scope]
        if scope == "approver":
            typed += ["--approver-token-file", str(paths["approver"])]
        return CliRunner().invoke(app, [*typed, *words])

    return invoke


def done(result: Result) -> Result:
    assert result.exit_code == 0, f"{result.output}\n{result.exception!r}"
    return result


def remove(kibana: FakeKibana, tmp_path: Path, *words: str) -> Result:
    key = str(tmp_path / "kibana")
    typed = ["uninstall", "--kibana-url", kibana.url, "--kibana-key-file", key, "--yes", *words]
    return done(CliRunner().invoke(app, typed))


@pytest.mark.parametrize("scope", ["proposer", "approver"])
def test_twice_is_once(kibana: FakeKibana, run: Run, scope: str) -> None:
    """The second run creates nothing and leaves everything as the first did."""
    done(run(kibana, scope=scope))
    first = kibana.stored()
    count = len(kibana.seen)
    again = done(run(kibana, scope=scope))
    assert kibana.stored() == first
    assert "created" not in again.output
    assert {one.method for one in kibana.seen[count:]} <= {"GET", "PUT", "POST", "DELETE"}
    assert [one.path for one in kibana.seen[count:] if one.method == "POST"] == [
        "/api/saved_objects/_import"
    ]


@pytest.mark.parametrize("scope", ["proposer", "approver"])
def test_uninstall_leaves_nothing(kibana: FakeKibana, run: Run, tmp_path: Path, scope: str) -> None:
    """Everything that was installed is gone, also when it is done twice."""
    done(run(kibana, scope=scope))
    remove(kibana, tmp_path)
    remove(kibana, tmp_path)
    assert all(shelf == {} for shelf in kibana.stored().values())


def test_what_belongs_to_others_stays(kibana: FakeKibana, run: Run, tmp_path: Path) -> None:
    """A connector of the same name but another type is not ours."""
    other = {"id": "x", "name": "remedyd", "connector_type_id": ".slack"}
    kibana.connectors["x"] = other
    done(run(kibana))
    remove(kibana, tmp_path)
    assert kibana.connectors == {"x": other}


def test_a_proposers_agent_has_no_way_to_approve(kibana: FakeKibana, run: Run) -> None:
    """No approving tool, no approving workflow, and the approver's token is nowhere."""
    done(run(kibana))
    assert shipped.APPROVE not in kibana.tools
    assert "remedyd-approve" not in kibana.workflows
    assert APPROVER not in json.dumps(kibana.stored())
    assert {one["name"] for one in kibana.connectors.values()} == {"remedyd", "remedyd-http"}
    assert "never approve" in kibana.agents["remedyd"]["configuration"]["instructions"]


def test_an_approvers_agent_is_asked_each_time(kibana: FakeKibana, run: Run) -> None:
    """By Kibana's own confirmation where there is one, else by a person in a workflow."""
    done(run(kibana, scope="approver"))
    tool = kibana.tools[shipped.APPROVE]
    if kibana.at_least(9, 6):
        assert tool["confirmation"] == {"askUser": "always"}
        connector = kibana.connectors[tool["configuration"]["connector_id"]]
        assert (connector["name"], tool["configuration"]["tool_name"]) == (
            "remedyd-approver", "approve",
        )  # fmt: skip
        assert connector["secrets"] == {"token": APPROVER}
    else:
        assert tool["type"] == "workflow"
        assert tool["configuration"]["workflow_id"] == "remedyd-approve"
        step = "waitForApproval" if kibana.at_least(9, 5) else "waitForInput"
        assert f"type: {step}" in kibana.workflows["remedyd-approve"]["yaml"]


def test_only_the_approving_tool_holds_the_approvers_token(kibana: FakeKibana, run: Run) -> None:
    """Everything else goes on with the proposer's: the managing workflow applies nothing."""
    done(run(kibana, scope="approver"))
    holding = {k for k, one in kibana.connectors.items() if APPROVER in json.dumps(one["secrets"])}
    names = {kibana.connectors[key]["name"] for key in holding}
    users = {
        key
        for key, tool in kibana.tools.items()
        if tool["configuration"].get("connector_id") in holding
    }
    assert users <= {shipped.APPROVE}
    for key, workflow in kibana.workflows.items():
        if any(f'connector-id: "{name}"' in workflow["yaml"] for name in names):
            assert key == "remedyd-approve"


def test_an_approver_can_be_made_a_proposer_again(kibana: FakeKibana, run: Run) -> None:
    """Tool, workflow and connectors of the approver go, and with them the token."""
    done(run(kibana, scope="approver"))
    done(run(kibana))
    assert shipped.APPROVE not in kibana.tools
    assert APPROVER not in json.dumps(kibana.stored())
    tool_ids = kibana.agents["remedyd"]["configuration"]["tools"][0]["tool_ids"]
    assert shipped.APPROVE not in tool_ids


def test_an_upgraded_stack_gets_its_own_form(run: Run) -> None:
    """From a workflow with a human step to a confirmed tool, and the form of the workflows."""
    with fake_kibana(version="9.4.2") as kibana:
        done(run(kibana, scope="approver"))
        assert kibana.tools[shipped.APPROVE]["type"] == "workflow"
        kibana.version = "9.6.0"
        done(run(kibana, scope="approver"))
        assert kibana.tools[shipped.APPROVE]["type"] == "mcp"


def test_no_agent_may_answer_a_workflow_for_its_user(kibana: FakeKibana, run: Run) -> None:
    """Kibana's own tool that resumes workflows is not among the agent's."""
    done(run(kibana, scope="approver"))
    tool_ids = kibana.agents["remedyd"]["configuration"]["tools"][0]["tool_ids"]
    assert all(tool.startswith("remedyd.") for tool in tool_ids)
    assert "never resume one" in kibana.agents["remedyd"]["configuration"]["instructions"]


def test_the_tools_are_those_of_the_daemon(run: Run) -> None:
    """Every tool that /mcp offers is installed under its own name, and no other."""
    with fake_kibana(version="9.6.0") as kibana:
        done(run(kibana, scope="approver"))
        used = {
            tool["configuration"]["tool_name"]
            for tool in kibana.tools.values()
            if tool["type"] == "mcp"
        }
    assert used == {tool.name for tool in TOOLS}


def test_dry_run_prints_every_request_and_sends_none(kibana: FakeKibana, run: Run) -> None:
    """What is printed is what would be sent; secrets are named, not written."""
    shown = done(run(kibana, "--dry-run", "--stack", kibana.version, scope="approver")).output
    assert kibana.seen == []
    assert PROPOSER not in shown
    assert APPROVER not in shown
    done(run(kibana, scope="approver"))
    for one in kibana.seen:
        if one.path != "/api/status" and one.method != "DELETE":
            place = one.path if not one.path.startswith("/api/alerting") else "/api/alerting/rule/"
            assert f"{one.method} kbn:{place}" in shown, one


def test_no_secret_is_ever_shown(kibana: FakeKibana, run: Run) -> None:
    """Not in what is told, and not in what an error says."""
    for status in (0, 403, 500):
        kibana.refused = status
        result = run(kibana, scope="approver")
        said = f"{result.output}{result.exception!r}{result.exception!s}"
        assert not any(secret in said for secret in (KEY, PROPOSER, APPROVER))


def test_a_tunnels_header_goes_with_every_request(kibana: FakeKibana, run: Run) -> None:
    """In the MCP connector's headers and in the HTTP connector's."""
    done(run(kibana, "--header", "ngrok-skip-browser-warning: true"))
    by_type = {one["connector_type_id"]: one for one in kibana.connectors.values()}
    assert by_type[".mcp"]["config"]["headers"] == {"ngrok-skip-browser-warning": "true"}
    assert by_type[".http"]["secrets"]["secretHeaders"]["ngrok-skip-browser-warning"] == "true"


def test_another_space(run: Run) -> None:
    """All requests carry the space, and the rules have ids of their own there."""
    with fake_kibana(space="sre") as kibana:
        done(run(kibana, "--space", "sre"))
        assert all(one.path.startswith("/s/sre/api/") for one in kibana.seen)
        there = set(kibana.rules)
    with fake_kibana() as kibana:
        done(run(kibana))
        assert there.isdisjoint(kibana.rules)


def test_what_is_to_be_done_is_explained_first(kibana: FakeKibana, run: Run) -> None:
    """What the agent may do, and who asks whom, is said before anything is sent."""
    said = done(run(kibana)).stderr
    assert "It cannot approve" in said
    said = done(run(kibana, scope="approver")).stderr
    assert ("confirmation: always" if kibana.at_least(9, 6) else "waits for a person") in said


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--agent-scope", "admin"], "admin"),
        (["--daemon-url", "ftp://x"], "ftp"),
        (["--daemon-url", "https://user:pw@x"], "user"),
        (["--header", "Authorization: Bearer x"], "Authorization"),
        (["--header", "nonsense"], "nonsense"),
        (["--stack", "new"], "no release"),
        (["--token-file", "/nowhere"], "nowhere"),
    ],
)
def test_a_wrong_word_is_explained(run: Run, words: list[str], reason: str) -> None:
    """Before anything is sent."""
    with fake_kibana() as kibana:
        result = run(kibana, *words)
        assert isinstance(result.exception, InvalidInput), result.output
        assert reason in str(result.exception)
        assert kibana.seen == []


def test_an_approver_is_not_installed_unasked(tmp_path: Path) -> None:
    """Without a terminal and without --yes nothing is sent; a proposer's agent needs no word."""
    given = {"KIBANA_API_KEY": KEY, "REMEDYD_ELASTIC_TOKEN": PROPOSER, "REMEDYD_URL": DAEMON}
    given |= {"REMEDYD_ELASTIC_APPROVER_TOKEN": APPROVER}
    runner = CliRunner(env=given)
    with fake_kibana() as kibana:
        words = ["install", "--kibana-url", kibana.url]
        result = runner.invoke(app, [*words, "--agent-scope", "approver"])
        assert isinstance(result.exception, InvalidInput)
        assert "--yes" in result.exception.hint
        assert {one.method for one in kibana.seen} == {"GET"}
        done(runner.invoke(app, words))
        assert "remedyd" in kibana.agents


def test_a_rehearsal_needs_nothing_but_the_url() -> None:
    """To look at what would be done, no secret and no daemon is needed."""
    result = done(
        CliRunner(env={}).invoke(app, ["install", "--kibana-url", "https://k", "--dry-run"])
    )
    assert "POST kbn:/api/actions/connector" in result.output
    assert "https://remedyd.example.com/mcp" in result.output


def test_a_daemon_on_this_machine_is_out_of_a_clouds_reach() -> None:
    """The address is taken by Kibana, not by whoever types it."""
    words = ["install", "--kibana-url", "https://kibana.example", "--dry-run"]
    for url in ("http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"):
        result = CliRunner(env={"REMEDYD_URL": url}).invoke(app, words)
        assert isinstance(result.exception, InvalidInput)
        assert "its own machine" in str(result.exception)


def test_an_old_stack_is_refused() -> None:
    """With what to use instead."""
    with fake_kibana(version="9.2.0") as kibana:
        given = {"REMEDYD_KIBANA_API_KEY": KEY, "REMEDYD_ELASTIC_TOKEN": "t" * 20}
        words = ["install", "--kibana-url", kibana.url, "--daemon-url", DAEMON, "--yes"]
        result = CliRunner(env=given).invoke(app, words)
    assert isinstance(result.exception, KibanaError)
    assert "9.4" in result.exception.message


def test_a_refused_key_says_which_rights_are_needed(kibana: FakeKibana, run: Run) -> None:
    """403 names the command that prints the key."""
    kibana.refused = 403
    result = run(kibana)
    assert isinstance(result.exception, KibanaError)
    assert "remedyd elastic keys" in result.exception.hint


def test_serverless_is_newer_than_any(run: Run) -> None:
    """It has whatever the newest release has."""
    with fake_kibana(version="9.9.0", flavor="serverless") as kibana:
        done(run(kibana, scope="approver"))
        assert kibana.tools[shipped.APPROVE]["confirmation"] == {"askUser": "always"}


def test_the_workflows_hold_no_token(kibana: FakeKibana, run: Run) -> None:
    """Secrets are in connectors alone, where readers of a workflow do not see them."""
    done(run(kibana, scope="approver"))
    shelves: dict[str, Any] = kibana.stored()
    del shelves["connectors"]
    assert PROPOSER not in json.dumps(shelves)
    assert APPROVER not in json.dumps(shelves)


@pytest.mark.parametrize("after", [3, 9, 17, 28, 40])
def test_a_run_that_broke_off_is_mended_by_the_next(run: Run, after: int) -> None:
    """Whatever request failed, the next run brings Kibana to the whole state."""
    with fake_kibana() as whole:
        done(run(whole, scope="approver"))
        wanted = {shelf: set(kept) for shelf, kept in whole.stored().items()}
    with fake_kibana() as kibana:
        kibana.breaks_after = after
        broken = run(kibana, scope="approver")
        assert isinstance(broken.exception, KibanaError)
        kibana.breaks_after = 0
        done(run(kibana, scope="approver"))
        found = {shelf: set(kept) for shelf, kept in kibana.stored().items()}
    wanted["connectors"] = found["connectors"] = set()  # their ids are Kibana's
    assert found == wanted


def test_a_new_token_replaces_the_old_one(kibana: FakeKibana, run: Run, tmp_path: Path) -> None:
    """To change a token, install again with the new one: the old one is nowhere any more."""
    done(run(kibana))
    (tmp_path / "proposer").write_text("another-token-0123456789")
    done(run(kibana))
    assert PROPOSER not in json.dumps(kibana.stored())
    assert json.dumps(kibana.stored()).count("another-token-0123456789") == 2
