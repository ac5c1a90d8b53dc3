"""How simulated containers use memory and CPU, and how they end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remedyd.lab.behaviour import Behaviour, End, leak, ramp
from remedyd.lab.profiles import Profile, profile_of
from remedyd.lab.quantities import MEBIBYTE, mebibytes, quantity

MIB = float(MEBIBYTE)
times = st.floats(min_value=0, max_value=3600, allow_nan=False)


def profile(memory: float = 60, limit: float | None = 128) -> Profile:
    """Return a profile; memory in MiB."""
    bound = None if limit is None else limit * MIB
    return Profile(memory * MIB, 0.04, 4, 2, bound, 64 * MIB, 0.2, 0.1)


@given(times, st.floats(min_value=1, max_value=4000), st.floats(min_value=0, max_value=1))
def test_the_working_set_never_exceeds_the_limit(at: float, need: float, phase: float) -> None:
    """Whatever a container wants, the kernel gives it no more than its limit."""
    behaviour = Behaviour(profile(), 0.0, phase, growth=ramp(0.0, 60 * MIB, need * MIB, 20))
    assert 0 < behaviour.working_set(at) < 128 * MIB


@given(times, times, st.floats(min_value=0, max_value=1))
def test_cpu_time_only_grows(first: float, second: float, phase: float) -> None:
    """The CPU counter of one run never goes back."""
    behaviour = Behaviour(profile(), 0.0, phase)
    early, late = sorted((first, second))
    assert 0 <= behaviour.cpu_time(early) <= behaviour.cpu_time(late) + 1e-9


def test_a_container_that_fits_never_ends() -> None:
    """A need below the limit is no reason to die."""
    growth = ramp(0.0, 60 * MIB, 100 * MIB, 20)
    assert Behaviour(profile(), 0.0, 0.0, growth=growth).end() is None


def test_a_container_is_killed_when_its_need_crosses_the_limit() -> None:
    """A need above the limit ends in an OOM kill at the moment of crossing."""
    growth = ramp(0.0, 60 * MIB, 196 * MIB, 20)
    assert Behaviour(profile(), 0.0, 0.0, growth=growth).end() == End(10.0, "OOMKilled", 137)


def test_a_leak_crosses_every_limit() -> None:
    """A leak of 34 MiB a minute from 60 MiB reaches 128 MiB after two minutes."""
    end = Behaviour(profile(), 0.0, 0.0, growth=leak(0.0, 34)).end()
    assert end == End(120.0, "OOMKilled", 137)


def test_without_a_limit_nothing_is_killed() -> None:
    """A container without a limit grows for ever."""
    assert Behaviour(profile(limit=None), 0.0, 0.0, growth=leak(0.0, 500)).end() is None


def test_the_earlier_end_wins() -> None:
    """A crash that comes before the OOM kill is what happens."""
    crash = End(5.0, "Error", 1)
    behaviour = Behaviour(profile(), 0.0, 0.0, growth=leak(0.0, 34), crash=crash)
    assert behaviour.end() == crash


def test_annotations_set_a_profile_per_container() -> None:
    """The container's own annotation wins over the pod's."""
    notes = {"lab.remedyd.io/memory": "90Mi", "lab.remedyd.io/memory.proxy": "21Mi"}
    pod = {"metadata": {"annotations": notes}}
    app, proxy = (profile_of(pod, {"name": name}) for name in ("app", "proxy"))
    assert (app.memory, proxy.memory) == (90 * MIB, 21 * MIB)


def test_without_annotations_usage_follows_the_resources() -> None:
    """An unknown workload uses a good part of what it may, and is not killed for it."""
    resources = {"limits": {"memory": "200Mi"}, "requests": {"cpu": "100m"}}
    found = profile_of({"metadata": {}}, {"name": "app", "resources": resources})
    assert found.memory == 90 * MIB
    assert found.cpu == pytest.approx(0.04)


def test_quantities_read_as_numbers() -> None:
    """Quantities in all their spellings are one number."""
    assert [quantity(text) for text in ("250m", "1", "1Gi", "1024Mi", "1k", None)] == [
        0.25, 1.0, 2.0**30, 2.0**30, 1000.0, 0.0,
    ]  # fmt: skip
    assert mebibytes(1.5 * MIB) == "2Mi"
