"""What the settings say is never silently left out: a misspelt name, a file that is not there."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from remedyd.cli import main
from remedyd.cli.run import misspelt
from remedyd.errors import ConfigurationError
from remedyd.settings import Settings, load

KNOWN = tuple(Settings.model_fields)


@pytest.mark.parametrize(
    ("section", "name", "method"),
    [
        ("elasticsearch", "api_key", "api_key_value"),
        ("elasticsearch", "password", "password_value"),
        ("trail", "api_key", "api_key_value"),
        ("traces", "headers", "headers_value"),
        ("server", "session_key", "session_key_value"),
    ],
)
@pytest.mark.parametrize("content", [None, b"\xff"])
def test_a_secret_that_cannot_be_read_is_told_by_its_file(
    section: str, name: str, method: str, content: bytes | None, tmp_path: Path
) -> None:
    """A Secret that is not mounted yet, say: a sentence and no traceback."""
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    known = load(**{section: {f"{name}_file": file}})
    with pytest.raises(ConfigurationError, match="cannot be read") as told:
        getattr(getattr(known, section), method)()
    assert str(file) in told.value.message


@pytest.mark.parametrize("value", ["inf", "nan", "1e300", "0", "-1"])
@pytest.mark.parametrize(
    "name",
    [
        "REMEDYD_LIMITS__RETENTION_DAYS",
        "REMEDYD_LIMITS__APPROVAL_SECONDS",
        "REMEDYD_LIMITS__WORKFLOW_APPROVAL_SECONDS",
        "REMEDYD_SERVER__SESSION_MINUTES",
        "REMEDYD_KUBERNETES__TIMEOUT_SECONDS",
        "REMEDYD_ELASTICSEARCH__TIMEOUT_SECONDS",
    ],
)
def test_a_time_that_cannot_be_counted_stops_the_start(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told by its name, instead of by a date beyond the calendar later on."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as told:
        load()
    assert name.removeprefix("REMEDYD_").replace("__", ".").lower() in str(told.value.problems)


def test_a_misspelt_setting_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who meant a dry run gets no daemon that writes."""
    monkeypatch.setenv("REMEDYD_DRYRUN", "true")
    result = CliRunner().invoke(main.build("run"), ["run"])
    assert isinstance(result.exception, ConfigurationError)
    [problem] = result.exception.problems
    assert "REMEDYD_DRYRUN" in str(problem)
    assert "did you mean REMEDYD_DRY_RUN?" in str(problem)


@pytest.mark.parametrize(
    "words",
    [
        "run",
        "doctor",
        "support bundle x.zip",
        "store vacuum",
        "audit list",
        "record --out x --from 2026-01-01T00:00:00Z --to 2026-01-02T00:00:00Z",
        "parity --cases cases",
    ],
)
def test_every_command_reads_the_file_that_the_environment_names(
    words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One that is not there is told, instead of going by the defaults."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REMEDYD_CONFIG", str(tmp_path / "none.yaml"))
    result = CliRunner().invoke(main.build(words.split()[0]), words.split())
    assert isinstance(result.exception, ConfigurationError)
    assert "no such configuration file" in str(result.exception)


@pytest.mark.parametrize(
    "name",
    [
        "REMEDYD_DRY_RUN",
        "REMEDYD_TOKEN_FILE",
        "REMEDYD_PORT",
        "REMEDYD_PORT_8000_TCP_ADDR",
        "REMEDYD_SERVICE_HOST",
        "REMEDYD_SERVICE_PORT_HTTP",
        "REMEDYD_SOMETHING_ELSE",
        "PATH",
    ],
)
def test_other_variables_are_left_alone(name: str) -> None:
    """Settings, the command line's own variables and Kubernetes' service links pass."""
    assert misspelt([name], KNOWN) == []


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ("/etc/remedyd/policies", ["/etc/remedyd/policies"]),
        ("a:b.yaml", ["a", "b.yaml"]),
        ('["a", "b.yaml"]', ["a", "b.yaml"]),
    ],
)
def test_paths_are_written_as_elsewhere(
    value: str, paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One, several with colons, or a JSON list."""
    monkeypatch.setenv("REMEDYD_POLICIES", value)
    assert load().policies == tuple(map(Path, paths))


@pytest.mark.parametrize("value", ["", "a:", "[]", "[a]"])
def test_a_path_that_is_none_stops_the_start(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not taken for the directory that one happens to be in."""
    monkeypatch.setenv("REMEDYD_POLICIES", value)
    with pytest.raises(ConfigurationError) as told:
        load()
    assert "policies" in str(told.value.problems)


def test_a_secret_that_ends_in_a_line_feed_is_taken_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A Secret that was made from a file comes by the environment with the end of its line."""
    monkeypatch.setenv("REMEDYD_DATABASE", "postgresql+psycopg://u:p@db/remedyd\n")
    monkeypatch.setenv("REMEDYD_SERVER__OIDC__CLIENT_SECRET", "s3cret\n")
    monkeypatch.setenv("REMEDYD_TRACES__HEADERS", "Authorization=Bearer abc\n")
    known = load()
    assert known.database == "postgresql+psycopg://u:p@db/remedyd"
    assert known.server.oidc.client_secret_value() == "s3cret"
    assert known.traces.headers_value() == "Authorization=Bearer abc"
