"""The support bundle says everything but the secrets."""

import json
import secrets
import zipfile
from pathlib import Path

import pytest

from remedyd.doctor import bundle
from remedyd.errors import Conflict, InvalidInput
from remedyd.lab.world import Lab
from remedyd.model import SystemClock
from remedyd.settings import Settings

KEY, PASSWORD, TOKEN = (secrets.token_urlsafe(32) for _ in range(3))


@pytest.fixture
def planted(lab: Lab, tmp_path: Path) -> Settings:
    """Return settings with a secret of every kind, some of which show in errors."""
    (tmp_path / "tokens.yaml").write_text(
        f'tokens: [{{name: ann, scopes: [admin], token: "{TOKEN}"}}]\n'
    )
    (tmp_path / "key").write_text(KEY + "\n")
    (tmp_path / "kubeconfig").write_text(lab.kubeconfig())
    return Settings.model_validate(
        {
            "database": f"postgresql://remedyd:{PASSWORD}@127.0.0.1:9/remedyd",
            "elasticsearch": {
                "url": f"http://elastic:{PASSWORD}@127.0.0.1:9",
                "api_key_file": tmp_path / "key",
                "password": PASSWORD,
            },
            "kubernetes": {"kubeconfig": tmp_path / "kubeconfig"},
            "server": {"tokens_file": tmp_path / "tokens.yaml", "tokens": TOKEN, "port": 9},
        }
    )


def test_no_secret_is_in_it(planted: Settings, tmp_path: Path) -> None:
    """Neither a value of the settings nor the content of a secret file."""
    path = tmp_path / "support.zip"
    bundle.write(planted, SystemClock(), path)
    with zipfile.ZipFile(path) as files:
        for name in files.namelist():
            text = files.read(name).decode()
            assert not [s for s in (KEY, PASSWORD, TOKEN) if s in text], name


def test_it_tells_settings_findings_and_files(planted: Settings, tmp_path: Path) -> None:
    """A part that cannot be read is told as such; the others are there."""
    path = tmp_path / "support.zip"
    names = bundle.write(planted, SystemClock(), path)
    assert {"about.json", "settings.json", "doctor.json", "audits/replica-gap.esql"} <= set(names)
    with zipfile.ZipFile(path) as files:
        assert json.loads(files.read("about.json"))["remedyd"]
        checks = json.loads(files.read("doctor.json"))
        assert files.read("proposals.json").startswith(b"not available")
    assert any(one["health"] == "fail" for one in checks)


def test_an_existing_file_is_kept(planted: Settings, tmp_path: Path) -> None:
    """Nothing is overwritten."""
    path = tmp_path / "support.zip"
    path.write_text("mine")
    with pytest.raises(Conflict):
        bundle.write(planted, SystemClock(), path)
    assert path.read_text() == "mine"


def test_only_its_owner_may_read_it(planted: Settings, tmp_path: Path) -> None:
    """From the first byte on; a place that cannot be written is told."""
    path = tmp_path / "support.zip"
    bundle.write(planted, SystemClock(), path)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(InvalidInput, match="cannot be written"):
        bundle.write(planted, SystemClock(), tmp_path / "nowhere" / "support.zip")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at postgresql://me:pw@host/db", "at postgresql://[redacted]@host/db"),
        ("the key is abcdefgh!", "the key is [redacted]!"),
        ("https://host/path", "https://host/path"),
        ("mail ann@example.com", "mail ann@example.com"),
    ],
)
def test_texts_are_searched_once_more(text: str, expected: str) -> None:
    """Known secrets and passwords in URLs go, the rest stays."""
    assert bundle.scrubber(["abcdefgh", "x"])(text) == expected
