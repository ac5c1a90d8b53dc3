"""A setting that is misspelt stops the daemon instead of being ignored."""

import pytest
from typer.testing import CliRunner

from remedyd.cli import main
from remedyd.cli.run import misspelt
from remedyd.errors import ConfigurationError
from remedyd.settings import Settings

KNOWN = tuple(Settings.model_fields)


def test_a_misspelt_setting_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who meant a dry run gets no daemon that writes."""
    monkeypatch.setenv("REMEDYD_DRYRUN", "true")
    result = CliRunner().invoke(main.build("run"), ["run"])
    assert isinstance(result.exception, ConfigurationError)
    [problem] = result.exception.problems
    assert "REMEDYD_DRYRUN" in str(problem)
    assert "did you mean REMEDYD_DRY_RUN?" in str(problem)


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
