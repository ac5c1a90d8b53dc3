"""`remedyd lab` in a terminal: it starts, is broken from a second terminal, and ends."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

Run = subprocess.CompletedProcess[str]


def remedyd(*words: str) -> Run:
    """Run the command line."""
    command = [sys.executable, "-m", "remedyd", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Start a lab; yield its directory and what it printed."""
    directory = tmp_path_factory.mktemp("lab")
    command = [sys.executable, "-m", "remedyd", "lab", "--directory", str(directory)]
    process = subprocess.Popen(
        [*command, "--interval", "60"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    guard = threading.Timer(90, process.kill)
    guard.start()
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if "Ctrl-C" in line:
            break
    yield directory, printed
    process.send_signal(signal.SIGINT)
    rest = process.stdout.read()
    status = process.wait()
    guard.cancel()
    process.stdout.close()
    assert (status, rest.strip()) == (0, "stopped")


def test_it_says_how_to_look_around(running: tuple[Path, str]) -> None:
    """URLs, a kubeconfig, the daemon's environment and how to break something are printed."""
    directory, printed = running
    assert f"export KUBECONFIG={directory}/kubeconfig" in printed
    assert "remedyd lab inject oom shop/checkout need=175" in printed
    environment = (directory / "daemon.env").read_text(encoding="utf-8")
    assert "REMEDYD_ELASTICSEARCH__URL=http://127.0.0.1:" in environment
    assert "REMEDYD_CLOCK__ORIGIN=" in environment


def test_a_second_lab_does_not_take_the_place_of_the_first(running: tuple[Path, str]) -> None:
    """It would write over its kubeconfig and tokens."""
    kubeconfig = (running[0] / "kubeconfig").read_text(encoding="utf-8")
    done = remedyd("lab", "--directory", str(running[0]))
    assert (done.returncode, "a lab is running already" in done.stderr) == (2, True)
    assert (running[0] / "kubeconfig").read_text(encoding="utf-8") == kubeconfig


def test_a_fault_is_injected_listed_and_cleared(running: tuple[Path, str]) -> None:
    """A second terminal breaks a workload, sees that, and mends it."""
    where = ["--directory", str(running[0])]
    made = remedyd("lab", "inject", "oom", "shop/checkout", "need=175", *where)
    listed = remedyd("lab", "faults", *where)
    cleared = remedyd("lab", "clear", "oom", "shop/checkout", *where)
    assert json.loads(made.stdout.partition(": ")[2])["need"] == 175.0
    assert "in force: oom on shop/Deployment/checkout" in listed.stdout
    assert cleared.stdout == "oom on shop/checkout cleared\n"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["oops", "shop/checkout"], "there is no fault named 'oops'"),
        (["oom", "shop/nothing"], "there is no workload 'shop/nothing'"),
        (["oom", "shop/checkout", "need"], "parameter 'need' must be name=value"),
    ],
)
def test_a_wrong_wish_is_explained(
    running: tuple[Path, str], words: list[str], complaint: str
) -> None:
    """A mistake ends with status 2 or 1 and says what is known."""
    done = remedyd("lab", "inject", *words, "--directory", str(running[0]))
    assert done.returncode in (1, 2)
    assert complaint in done.stderr


def test_without_a_lab_it_says_so(tmp_path: Path) -> None:
    """Injecting without a running lab tells how to start one."""
    done = remedyd("lab", "inject", "oom", "shop/checkout", "--directory", str(tmp_path))
    assert done.returncode != 0
    assert "no lab is running" in done.stderr
