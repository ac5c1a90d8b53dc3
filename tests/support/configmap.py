"""A mounted ConfigMap as a kubelet keeps it: files that are links, exchanged by turning one link.

The order of the steps is the kubelet's own: new directory, new link, rename, new names, names that
are gone, old directory.
"""

import shutil
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path


class Mounted:
    """A directory that shows what was published last."""

    def __init__(self, folder: Path, files: Mapping[str, str]) -> None:
        """Take where it is mounted and what it holds at first."""
        self.folder = folder
        self._numbers = count()
        folder.mkdir()
        self.publish(files)

    def publish(
        self, files: Mapping[str, str], *, between: Callable[[str], None] = lambda _: None
    ) -> None:
        """Exchange what is shown; `between` hears of each step that is done."""
        data = self.folder / "..data"
        old = data.resolve() if data.is_symlink() else None
        new = self.folder / f"..2026_11_23_09_00_00.{next(self._numbers):09}"
        new.mkdir()
        for name, text in files.items():
            (new / name).write_text(text, encoding="utf-8")
        link = self.folder / "..data_tmp"
        link.symlink_to(new.name)
        between("written")
        link.rename(data)
        between("turned")
        shown = {path.name: path for path in self.folder.iterdir() if path.name[:2] != ".."}
        for name in files.keys() - shown.keys():
            (self.folder / name).symlink_to(Path("..data") / name)
        between("named")
        for name in shown.keys() - files.keys():
            shown[name].unlink()
        between("cleared")
        if old is not None:
            shutil.rmtree(old)
