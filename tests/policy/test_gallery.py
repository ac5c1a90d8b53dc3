"""Every bad policy of the gallery has its one right message at its one right place."""

from pathlib import Path

import pytest

from remedyd.actions.registry import SCHEMAS
from remedyd.audits.loader import load_audits
from remedyd.documents import read
from remedyd.errors import InvalidInput
from remedyd.paths import shipped
from remedyd.policy.loader import Loader

GALLERY = Path(__file__).parents[1] / "gallery" / "policies"
CASES = sorted(GALLERY.glob("*.yaml"))
COLUMNS = load_audits(shipped("esql")).specs


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_bad_policy(case: Path) -> None:
    """The file is refused with exactly the expected line."""
    loader = Loader(COLUMNS, SCHEMAS)
    with pytest.raises(InvalidInput) as caught:
        for document in read(case, shown_as=case.name):
            loader.add(document)
        loader.finish()
    told = "".join(f"{problem}\n" for problem in caught.value.problems)
    assert told == case.with_suffix(".expected").read_text(encoding="utf-8")


def test_gallery_is_complete() -> None:
    """Each file has an expectation, each expectation a file."""
    assert len(CASES) >= 25
    assert {c.stem for c in CASES} == {c.stem for c in GALLERY.glob("*.expected")}
