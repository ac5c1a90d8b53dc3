"""Where the shipped policies and audits lie: inside the wheel, or beside a source checkout."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def shipped(tree: str) -> Path:
    """Return the directory of the shipped `tree` ("policies" or "esql").

    An editable install has no `_data/`: there the directory is taken from the checkout.
    """
    packaged = _PACKAGE / "_data" / tree
    return packaged if packaged.is_dir() else _PACKAGE.parents[1] / tree
