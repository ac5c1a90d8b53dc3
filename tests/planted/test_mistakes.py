"""A mistake beside a secret is told without the secret."""

import traceback
from datetime import timedelta
from pathlib import Path

import pytest

from remedyd import settings
from remedyd.errors import ConfigurationError, RemedydError
from remedyd.proposals.database import Database
from support.planted import a_secret


def _told(error: RemedydError) -> str:
    """Return all that can be seen of an error: words, problems, hint, and the traceback."""
    problems = " ".join(map(str, getattr(error, "problems", ())))
    return f"{''.join(traceback.format_exception(error))} {problems} {error.hint}"


@pytest.mark.parametrize(
    "text",
    [
        "elasticsearch: {apikey: SECRET}",
        "elasticsearch: {api_key: [SECRET]}",
        'elasticsearch:\n  api_key: "SECRET\n  url: [x',
        "server: {oidc: SECRET}",
        "log_level: SECRET",
        "SECRET",
        "server: {oidc: {client_secret: SECRET, redirect_url: 'https://us.example.com'}}",
    ],
)
def test_a_settings_file_with_a_mistake(text: str, tmp_path: Path) -> None:
    """Misspelt, of the wrong kind, or no YAML: the place is named, the value is not."""
    secret, file = a_secret(), tmp_path / "remedyd.yaml"
    file.write_text(text.replace("SECRET", secret), encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        settings.load(file)
    assert secret not in _told(raised.value)
    assert raised.value.problems


def test_a_variable_that_is_no_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """A section given as one variable, cut short: the section is named."""
    secret = a_secret()
    monkeypatch.setenv("REMEDYD_ELASTICSEARCH", f'{{"api_key": "{secret}"')
    with pytest.raises(ConfigurationError, match="elasticsearch") as raised:
        settings.load()
    assert secret not in _told(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://remedyd:SECRET@127.0.0.1:1/remedyd",
        "postgresql://remedyd@127.0.0.1:1/remedyd?password=SECRET",
        "postgresql://remedyd:SECRET@127.0.0.1:port/remedyd",
        "postgresql://remedyd:SECRET@127.0.0.1:1/remedyd?nonsense=1",
        "mysql://remedyd:SECRET@127.0.0.1/remedyd",
        "SECRET",
    ],
)
def test_a_database_that_cannot_be_used(url: str) -> None:
    """The address is shown without the password, wherever it stood in the URL."""
    secret = a_secret()
    with pytest.raises(RemedydError) as raised:
        database = Database(url.replace("SECRET", secret), busy_timeout=timedelta(seconds=1))
        with database.read():
            pass
    assert secret not in _told(raised.value)
