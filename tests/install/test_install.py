"""What the image holds works: the wheel in a clean environment, read-only, as nobody in particular.

No base image can be pulled where this runs, so the layer that the image adds is tried by itself.
"""

import json
import os
import resource
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from remedyd import __version__
from remedyd.lab.world import Lab

ROOT = Path(__file__).parents[2]
UID = 10001
VALUES = yaml.safe_load((ROOT / "charts" / "remedyd" / "values.yaml").read_text(encoding="utf-8"))
MEMORY = int(VALUES["resources"]["limits"]["memory"].removesuffix("Mi")) << 20
"""What the chart allows, in bytes; here it bounds all private memory, touched or not."""
OFFLINE = ("No matching distribution", "Could not fetch", "ConnectionError", "NewConnectionError")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root"),
]


def demoted() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    os.setgroups([])
    os.setgid(UID)
    os.setuid(UID)


def interpreter(folder: Path) -> Path:
    """Return a Python that any user can run: the base of this one, copied if it is hidden."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base = Path(sys.base_prefix)
    found = base / "bin" / name
    if all(part.stat().st_mode & 0o001 for part in found.resolve().parents):
        return found
    left_out = shutil.ignore_patterns("site-packages", "test", "__pycache__", "config-*")
    shutil.copytree(base / "lib" / name, folder / "lib" / name, ignore=left_out)
    for library in (base / "lib").glob("libpython*"):
        shutil.copy2(library, folder / "lib")
    (folder / "bin").mkdir()
    return Path(shutil.copy2(found, folder / "bin" / name))


def libraries(installed: Path) -> dict[str, str]:
    """Return where a copied interpreter finds its library: its own path is the hidden one."""
    copied = installed.parent / "python" / "lib"
    return {"LD_LIBRARY_PATH": str(copied)} if copied.is_dir() else {}


def fetched(command: list[str]) -> None:
    """Run pip; without a package index there is nothing to install from, and nothing to prove."""
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode and any(word in ran.stderr for word in OFFLINE):
        pytest.skip("no package index can be reached: the install layer is not proved here")
    assert ran.returncode == 0, ran.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Build the wheel, install it as the Containerfile does, and take the right to write away."""
    folder = Path("/tmp") / f"remedyd-install-{secrets.token_hex(4)}"  # readable by any user
    folder.mkdir(mode=0o755)
    wheels, tree = folder / "wheels", folder / "tree"
    pip = [sys.executable, "-m", "pip"]
    if subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode:
        shutil.rmtree(folder)
        pytest.skip("pip is not in this environment")
    quiet = ["--quiet", "--disable-pip-version-check"]
    try:
        fetched([*pip, "wheel", *quiet, "--no-deps", "-w", str(wheels), str(ROOT)])
        python = interpreter(folder / "python")
        subprocess.run([str(python), "-m", "venv", "--without-pip", str(tree)], check=True)
        found = next(wheels.glob("remedyd-*.whl"))
        fetched(
            [*pip, "--python", str(tree / "bin" / "python"), "install", "--root-user-action=ignore",
             *quiet, "--compile",
             "-c", str(ROOT / "constraints.txt"), f"{found}[postgresql,mcp,oidc,traces]"],
        )  # fmt: skip
        subprocess.run(["chmod", "-R", "a-w,a+rX", str(tree)], check=True)
        yield tree
    finally:
        subprocess.run(["chmod", "-R", "u+w", str(folder)], check=False)
        shutil.rmtree(folder)


Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def remedyd(installed: Path) -> Command:
    """Run the installed program as another user."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(installed / "bin" / "remedyd"), *arguments],
            capture_output=True, text=True, check=False, cwd="/", preexec_fn=demoted,
            env={**libraries(installed), "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        )  # fmt: skip

    return run


def test_it_tells_its_version(remedyd: Command) -> None:
    """The entry point works."""
    ran = remedyd("--version")
    assert (ran.returncode, ran.stdout) == (0, f"remedyd {__version__}\n"), ran.stderr


def test_the_shipped_policies_are_inside(remedyd: Command) -> None:
    """Policies and audits come with the wheel and are valid."""
    ran = remedyd("policy", "validate")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "policies are valid" in ran.stdout


def test_the_shipped_audits_are_inside(remedyd: Command) -> None:
    """With their queries: one can be explained without any file of the source tree."""
    ran = remedyd("audit", "explain", "container-memory")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "FROM metrics-kubeletstatsreceiver" in ran.stdout


def test_the_rights_of_the_shipped_policies_are_rendered(remedyd: Command) -> None:
    """As manifests that can be applied."""
    ran = remedyd("rbac", "render", "-n", "remedyd")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert {one["kind"] for one in yaml.safe_load_all(ran.stdout)} >= {"ClusterRole"}


def test_the_demo_says_what_the_image_leaves_out(remedyd: Command) -> None:
    """The engine of the simulated cluster is an extra; the hint names it."""
    ran = remedyd("demo", "--auto")
    assert ran.returncode == 2
    assert "pip install 'remedyd[offline]'" in ran.stderr


def test_a_bill_of_materials_can_be_made(installed: Path, tmp_path: Path) -> None:
    """What the image carries is listed with versions, as the Containerfile has it listed."""
    path = tmp_path / "sbom.cdx.json"
    subprocess.run(
        [sys.executable, "-m", "cyclonedx_py", "environment", "--pyproject",
         str(ROOT / "pyproject.toml"), "--output-reproducible", "--of", "JSON", "-o", str(path),
         str(installed / "bin" / "python")],
        check=True, capture_output=True, env={**os.environ, **libraries(installed)},
    )  # fmt: skip
    listed = json.loads(path.read_text())
    assert listed["metadata"]["component"]["name"] == "remedyd"
    held = {one["name"].lower(): one["version"] for one in listed["components"]}
    assert {"elasticsearch", "kubernetes", "mcp", "psycopg"} <= held.keys()
    assert "pytest" not in held


def test_bytecode_is_compiled(installed: Path) -> None:
    """Nothing is compiled at the start: it would take half of it, and cannot be kept."""
    package = next(installed.glob("lib/python*/site-packages/remedyd"))
    sources = list(package.rglob("*.py"))
    compiled = {path.name.split(".")[0] for path in package.rglob("*.pyc")}
    assert {path.stem for path in sources} - compiled == set()


def test_the_daemon_starts_from_a_tree_it_cannot_write(installed: Path) -> None:
    """It becomes ready beside the lab, stays under its memory limit, and ends on SIGTERM."""
    data = Path("/tmp") / f"remedyd-data-{secrets.token_hex(4)}"
    data.mkdir()
    try:
        with Lab(history=timedelta(minutes=1)) as lab:
            settings = lab.daemon_settings(data)
            (data / "tokens.yaml").write_text(
                yaml.safe_dump(
                    {"tokens": [{"name": "t", "token": secrets.token_urlsafe(32),
                                 "scopes": ["viewer"]}]}
                )
            )  # fmt: skip
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            subprocess.run(["chown", "-R", f"{UID}:{UID}", str(data)], check=True)
            env = {f"REMEDYD_{key}": value for key, value in settings.items()} | {
                **libraries(installed),
                "PATH": "/usr/bin:/bin",
                "REMEDYD_DATABASE": f"sqlite:///{data / 'remedyd.db'}",
                "REMEDYD_SERVER__HOST": "127.0.0.1",
                "REMEDYD_SERVER__PORT": str(port),
                "REMEDYD_SERVER__TOKENS_FILE": str(data / "tokens.yaml"),
            }
            log = (data / "log").open("w+")
            process = subprocess.Popen(
                [str(installed / "bin" / "remedyd"), "run"],
                env=env, cwd=data, stdout=log, stderr=log, preexec_fn=demoted,
            )  # fmt: skip
            try:
                assert ready(process, port) == "ready", (data / "log").read_text()
                assert "Sign in" in page(port)
                assert resident(process.pid) < 256 << 20
                examined = subprocess.run(
                    [str(installed / "bin" / "remedyd"), "doctor", "-o", "json"],
                    env=env, cwd=data, capture_output=True, text=True, preexec_fn=demoted,
                    check=False,
                )  # fmt: skip
                assert by_check(examined.stdout)["store", "schema"] == "ok", examined.stderr
                assert by_check(examined.stdout)["kubernetes", "rights"] == "ok"
                process.terminate()
                assert process.wait(15) == 0
            finally:
                process.kill()
                process.wait()
                log.close()
    finally:
        shutil.rmtree(data)


def by_check(told: str) -> dict[tuple[str, str], str]:
    """Return how each thing stands that the doctor looked at."""
    return {(one["part"], one["check"]): one["health"] for one in json.loads(told)}


def ready(process: subprocess.Popen[bytes], port: int) -> str:
    """Wait for /readyz and return what it says; "" when the process ends before."""
    until = time.monotonic() + 40
    while process.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                return str(json.load(answer)["status"])
        except OSError:
            try:
                process.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
    return ""


def page(port: int) -> str:
    """Return the console's first page with its style sheet: templates and files are inside."""
    home = f"http://127.0.0.1:{port}"
    with urllib.request.urlopen(f"{home}/console", timeout=5) as answer:
        text = str(answer.read().decode())
    style = text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    with urllib.request.urlopen(f"{home}{style}", timeout=5) as answer:
        assert answer.headers["content-type"].startswith("text/css")
    return text


def resident(pid: int) -> int:
    """Return the resident memory of a process, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024
