"""What the pages show can be used as it stands: commands run, files load, links lead somewhere."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from remedyd.actions.registry import SCHEMAS
from remedyd.audits.loader import load_audits
from remedyd.cli.contexts import connection, names
from remedyd.cli.main import build
from remedyd.paths import shipped
from remedyd.policy.loader import parse_policies
from remedyd.server import tokens
from support.chart import run as helm
from support.docs import DOCS, ROOT, blocks, indented, page, pages

RUN_HERE = {
    "README.md": ("audit run", "policy", "replay"),
    "audits.md": ("audit list", "audit run"),
    "install.md": ("rbac render",),
    "policies.md": ("policy explain", "policy schema", "policy validate policies/"),
    "policy-tests.md": ("policy schema",),
}
"""Commands that need nothing but the source tree."""


def here() -> Iterator[tuple[str, str]]:
    """Yield the command lines of pages that are run as they stand, each once."""
    seen = set()
    for name, begins in RUN_HERE.items():
        path = ROOT / name if (ROOT / name).is_file() else DOCS / name
        for block in indented(path.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                command = line.removeprefix("remedyd ").split(" | ")[0]
                known = line.startswith("remedyd ") and command.startswith(begins)
                typed = " ".join(command.split("#")[0].split())
                if known and "https://" not in typed and typed not in seen:
                    seen.add(typed)
                    yield name, typed


@pytest.mark.parametrize(("name", "line"), list(here()))
def test_a_command_runs_as_it_stands(name: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the root of the source tree, to a good end, with something to read."""
    monkeypatch.chdir(ROOT)
    words = shlex.split(line)
    result = CliRunner().invoke(build(words[0]), words)
    assert result.exit_code == 0, f"{result.output}{result.exception!r}"
    assert result.stdout.strip()


def test_the_policies_shown_load() -> None:
    """Each whole policy, and a ladder put into one."""
    audits = load_audits(shipped("esql")).specs
    found = list(blocks(page("policies.md"), "yaml"))
    ladder = "spec:\n  audit: {name: replica-gap}\n"
    head = "apiVersion: remedyd.io/v1alpha1\nkind: RemediationPolicy\nmetadata: {name: it}\n"
    for text in found:
        whole = text if "apiVersion" in text else f"{head}{ladder}{text}"
        assert parse_policies(whole, "policies.md", audits=audits, actions=SCHEMAS)
    assert len(found) >= 3


def test_the_files_of_tokens_and_grants_load(tmp_path: Path) -> None:
    """Each file shown on the page about authentication, and the one beside the settings."""
    (tmp_path / "workflow.token").write_text("0123456789abcdef" * 2)
    files = [text for text in blocks(page("authentication.md"), "yaml") if "kind:" not in text]
    short = next(text for text in indented(page("settings.md")) if text.startswith("tokens:"))
    files.append(short.replace("5f8e...", "5f8e" * 16))
    for number, text in enumerate(files):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text, encoding="utf-8")
        read = tokens.read(path, others=True)
        assert read.tokens or read.grants


def test_the_file_of_contexts_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one shown names two daemons and the current one."""
    (text,) = blocks(page("cli.md"), "yaml")
    (tmp_path / "contexts.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("REMEDYD_CONTEXTS", str(tmp_path / "contexts.yaml"))
    assert names() == (
        "prod",
        {"prod": "https://remedyd.example.com", "lab": "http://127.0.0.1:8000"},
    )
    assert connection


@pytest.mark.parametrize("name", ["agents.md"])
def test_what_looks_like_json_is(name: str) -> None:
    """What is pasted into a host's settings, and what is sent to Kibana."""
    found = [text for text in indented(page(name)) if "{" in text]
    for text in found:
        assert json.loads(text[text.index("{") :])
    assert found


def charted() -> Iterator[tuple[str, list[str]]]:
    """Yield the options of each installation with helm that a page shows."""
    for path in pages():
        for block in indented(path.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True) if line.startswith("helm ") else []
                if words[1:2] in (["install"], ["upgrade"]):
                    yield path.name, [w for w in words[4:] if w != "--reuse-values"]


@pytest.mark.parametrize(("name", "options"), list(charted()))
def test_the_chart_takes_what_is_set(
    name: str, options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every value exists and is of the right kind, with what the first installation sets."""
    (tmp_path / "charts").symlink_to(ROOT / "charts")
    monkeypatch.chdir(tmp_path)
    for word in options:
        file = re.fullmatch(r"[\w.-]+=([\w.-]+\.(?:yaml|esql))", word)
        if file is not None:
            (tmp_path / file[1]).write_text("{}\n")
    base = ["--set", "elasticsearch.url=https://elasticsearch.example.com:9200"]
    ran = helm(3, "template", "remedyd", "charts/remedyd", *base, *options)
    assert ran.returncode == 0, ran.stderr


def test_values_shown_alone_are_values_of_the_chart(tmp_path: Path) -> None:
    """What stands on the page about installing as YAML fits the schema."""
    text = next(one for one in indented(page("install.md")) if one.startswith("requests:"))
    (tmp_path / "values.yaml").write_text(text)
    assert yaml.safe_load(text)
    chart = str(ROOT / "charts" / "remedyd")
    base = ["--set", "elasticsearch.url=https://elasticsearch.example.com:9200"]
    ran = helm(4, "template", "remedyd", chart, *base, "--values", str(tmp_path / "values.yaml"))
    assert ran.returncode == 0, ran.stderr


def anchors(path: Path) -> set[str]:
    """Return what a link into a page may name."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    return {
        re.sub(r"[^a-z0-9 _-]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("#")
    }


@pytest.mark.parametrize("path", pages(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_links_lead_somewhere(path: Path) -> None:
    """Every file that is linked exists, and every heading."""
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if re.match(r"https?://", target):
            continue
        file, _, heading = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), target
        assert not heading or heading in anchors(found), target


def test_every_page_is_reached() -> None:
    """No page of docs/ is linked from nowhere."""
    linked = {
        Path(target.partition("#")[0]).name
        for path in pages()
        for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8"))
    }
    assert {path.name for path in DOCS.glob("*.md")} - linked == set()
