"""Bad audits, each with the one right message at the right place."""

from pathlib import Path

import pytest

from remedyd.audits.loader import load_audits
from remedyd.errors import InvalidInput

GALLERY = Path(__file__).parents[1] / "gallery" / "audits"
CASES = sorted(GALLERY.glob("*.yaml"))


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_a_bad_audit_is_answered_with_file_line_and_column(path):
    """Every mistake is reported, and nothing else."""
    with pytest.raises(InvalidInput) as caught:
        load_audits(path)
    got = [f"{Path(p.path).name}:{p.line}:{p.column}: {p.message}" for p in caught.value.problems]
    assert got == path.with_suffix(".expected").read_text().splitlines()


def test_mistakes_of_all_files_are_reported_together():
    """One run of the loader is enough to see everything that is wrong in a directory."""
    with pytest.raises(InvalidInput) as caught:
        load_audits(GALLERY)
    assert {Path(p.path).stem for p in caught.value.problems} >= {path.stem for path in CASES}
