"""What is made of files follows them, and survives what cannot be used."""

from pathlib import Path

import pytest

from remedyd.errors import ConfigurationError, SinkError
from remedyd.rotation import Rotating
from remedyd.settings import secret_in
from support.configmap import Mounted


class Held:
    """A secret in a mounted Secret, with what was told of it."""

    def __init__(self, folder: Path) -> None:
        self.mounted = Mounted(folder, {"key": "first"})
        self.file = folder / "key"
        self.now = 100.0
        self.wrong = ""
        self.proofs = 0
        self.told: list[str] = []
        self.made = Rotating(
            "test",
            (self.file,),
            lambda: secret_in(self.file),
            prove=self._prove,
            ticks=lambda: self.now,
        )
        self.made.on_told = lambda held: self.told.append(held.trouble)

    def write(self, text: str) -> None:
        self.mounted.publish({"key": text})

    def _prove(self, made: str) -> None:
        self.proofs += 1
        if made == self.wrong:
            raise SinkError("nobody accepts it")


@pytest.fixture
def held(tmp_path: Path) -> Held:
    return Held(tmp_path / "secret")


def test_the_next_use_has_what_the_kubelet_turned_the_link_to(held: Held) -> None:
    """Nobody has to wait for a look, and nothing is made twice of the same content."""
    assert held.made.current() == "first"
    held.write("second")
    assert (held.made.current(), held.made.current()) == ("second", "second")
    assert (held.told, held.proofs) == ([""], 1)


def test_the_same_content_in_a_new_file_is_no_news(held: Held) -> None:
    """The kubelet writes all files anew when one of them changes."""
    held.write("first")
    assert held.made.current() == "first"
    assert held.told == []


@pytest.mark.parametrize("content", ["", "  \n"])
def test_an_empty_file_changes_nothing(held: Held, content: str) -> None:
    """An empty key would make us somebody else: the one before stays, told once."""
    held.write(content)
    assert (held.made.current(), held.made.current()) == ("first", "first")
    held.made.look()
    assert len(held.told) == 1
    assert "is empty" in held.told[0]


def test_a_file_that_is_gone_changes_nothing(held: Held) -> None:
    """Nor does one that cannot be read."""
    held.file.unlink()
    assert held.made.current() == "first"
    assert "cannot be read: No such file" in held.made.trouble
    held.file.symlink_to(Path("..data") / "key")
    assert held.made.current() == "first"
    assert (held.made.trouble, held.told[-1]) == ("", "")


def test_what_is_not_accepted_is_tried_again(held: Held) -> None:
    """Until it is accepted, or the file holds something else; asked often, not more often."""
    first = held.made.current()
    held.wrong = "second"
    held.write("second")
    assert held.made.current() == "first"
    assert held.made.trouble == "nobody accepts it"
    assert held.made.instead_of(first) is None
    assert held.proofs == 1
    held.now += 6
    assert held.made.instead_of(first) is None
    assert held.proofs == 2
    held.wrong, held.now = "", held.now + 6
    assert held.made.instead_of(first) == "second"
    assert held.told == ["nobody accepts it", ""]


def test_another_thread_may_have_been_quicker(held: Held) -> None:
    """What failed is not in force any more: the one in force is given at once."""
    held.write("second")
    assert held.made.current() == "second"
    assert held.made.instead_of("first") == "second"
    assert held.proofs == 1


def test_taking_a_change_back_ends_the_trouble(held: Held) -> None:
    """The content before is in force already."""
    held.write("")
    held.made.current()
    held.write("first")
    assert held.made.current() == "first"
    assert held.made.trouble == ""


def test_the_first_one_has_to_be_usable(tmp_path: Path) -> None:
    """At the start there is none before it."""
    file = tmp_path / "key"
    file.write_text("")
    with pytest.raises(ConfigurationError, match="is empty"):
        Rotating("test", (file,), lambda: secret_in(file))
