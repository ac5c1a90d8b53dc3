"""`build-image` calls whichever builder is there, alike, with a pinned base or a warning."""

import os
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from remedyd import __version__

ROOT = Path(__file__).parents[2]
BASE = f"docker.io/library/python:3.13-slim-bookworm@sha256:{'0' * 64}"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a copy of what the script reads, without a repository."""
    folder = tmp_path / "source"
    folder.mkdir()
    for name in ("build-image", "pyproject.toml", "Containerfile", ".containerignore"):
        shutil.copy2(ROOT / name, folder)
    return folder


def build(
    source: Path, builders: tuple[str, ...], *arguments: str, **environment: str
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run the script with only these builders; return how it ended and what was called."""
    programs = source.parent / "bin"
    programs.mkdir(exist_ok=True)
    calls = source.parent / "calls"
    calls.touch()
    for name in ("sh", "sed", "head", "dirname", "git", "ln", "rm", "cat", "ls"):
        if found := shutil.which(name):
            (programs / name).symlink_to(found)
    for name in builders:
        program = programs / name
        program.write_text(
            f'#!/bin/sh\nprintf "%s\\n" {name} "$@" >>"{calls}"\n'
            "ls Containerfile.dockerignore >/dev/null 2>&1 && echo ignoring || true\n"
        )
        program.chmod(0o755)
    ran = subprocess.run(
        [str(source / "build-image"), *arguments],
        capture_output=True, text=True, check=False,
        env={"PATH": str(programs), "HOME": os.environ["HOME"], **environment},
    )  # fmt: skip
    return ran, calls.read_text().splitlines()


@pytest.mark.parametrize("builder", ["buildah", "podman", "docker"])
def test_each_builder_is_called_alike(source: Path, builder: str) -> None:
    """File, tag, version and pinned base are the same; unwanted files are left out."""
    ran, call = build(source, (builder,), "example.com/remedyd:1", BASE)
    assert ran.returncode == 0, ran.stderr
    assert call[:2] == [builder, "build"]
    assert call[-1] == "."
    pairs = set(pairwise(call))
    assert ("--file", "Containerfile") in pairs
    assert ("--tag", "example.com/remedyd:1") in pairs
    assert ("--build-arg", f"VERSION={__version__}") in pairs
    assert ("--build-arg", f"BASE={BASE}") in pairs
    assert ran.stderr == ""
    if builder == "docker":  # it takes the file beside the Containerfile, while it builds
        assert "ignoring" in ran.stdout
        assert not (source / "Containerfile.dockerignore").exists()
    else:
        assert ("--ignorefile", ".containerignore") in pairs
        assert ("--format", "docker") in pairs, "OCI's own format has no health check"


def test_one_builder_can_be_chosen(source: Path) -> None:
    """Whatever else is there."""
    ran, call = build(source, ("buildah", "docker"), "x:1", BASE, BUILDER="docker")
    assert (ran.returncode, call[0]) == (0, "docker")


def test_without_a_builder_it_says_so(source: Path) -> None:
    """Nothing is called, exit 2."""
    ran, call = build(source, (), "x:1", BASE)
    assert (ran.returncode, call) == (2, [])
    assert "none of buildah, podman, docker is installed" in ran.stderr


def test_a_base_that_is_not_pinned_is_refused(source: Path) -> None:
    """A tag can be moved to another image."""
    ran, call = build(source, ("podman",), "x:1", "python:3.13-slim")
    assert (ran.returncode, call) == (2, [])
    assert "NAME@sha256:DIGEST" in ran.stderr


def test_the_default_base_is_told_to_be_unpinned(source: Path) -> None:
    """It is built all the same."""
    ran, call = build(source, ("podman",), "x:1")
    assert (ran.returncode, call[0]) == (0, "podman")
    assert "not pinned" in ran.stderr


def test_without_an_image_it_explains_itself(source: Path) -> None:
    """Exit 2 and the usage."""
    ran, call = build(source, ("podman",))
    assert (ran.returncode, call) == (2, [])
    assert "./build-image IMAGE:TAG" in ran.stderr


def test_the_image_is_built_as_promised() -> None:
    """Two stages, one base as argument, a numbered user, a health check, labels, a bill."""
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    assert text.count("\nFROM ${BASE}") == 2
    assert "USER 10001:10001" in text
    assert "HEALTHCHECK" in text
    assert "--compile" in text
    assert "sbom.cdx.json" in text
    assert text.index("pip uninstall") < text.index("cyclonedx-py"), "it lists what is there"
    for label in (
        "title",
        "description",
        "licenses",
        "version",
        "revision",
        "created",
        "base.name",
    ):
        assert f"org.opencontainers.image.{label}=" in text
    assert "-m 0755 /var/lib/remedyd" in text, "no other user could begin in it"
    assert "ADD " not in text
    assert "latest" not in text
