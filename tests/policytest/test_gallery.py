"""Every bad test of the gallery has its one right message at its one right place."""

from pathlib import Path

import pytest

from remedyd.errors import InvalidInput
from remedyd.testing.policytest.loading import load_suites
from support.policytests import POLICY, folder

GALLERY = Path(__file__).parents[1] / "gallery" / "policytests"
CASES = sorted(GALLERY.glob("*.yaml"))


def problems(directory: Path, case: Path) -> str:
    """Return what is said about a file of the gallery that lies beside what it tests."""
    folder(directory)
    (directory / "broken.yaml").write_text(POLICY.replace("restarts > 5", "restart > 5"))
    copy = directory / case.name
    copy.write_text(case.read_text(encoding="utf-8"))
    with pytest.raises(InvalidInput) as caught:
        load_suites([copy])
    told = "".join(f"{problem}\n" for problem in caught.value.problems)
    return told.replace(f"{directory}/", "")


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_bad_test(case: Path, tmp_path: Path) -> None:
    """The file is refused with exactly the expected line."""
    expected = case.with_suffix(".expected").read_text(encoding="utf-8")
    assert problems(tmp_path, case) == expected


def test_gallery_is_complete() -> None:
    """Each file has an expectation, each expectation a file."""
    assert len(CASES) >= 40
    assert {c.stem for c in CASES} == {c.stem for c in GALLERY.glob("*.expected")}
