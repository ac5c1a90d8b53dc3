"""A daemon that stops leaves what has not begun, and makes no noise about it."""

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from remedyd.lab.scenario import Scenario
from remedyd.lab.world import Lab
from remedyd.model import State, SystemClock
from remedyd.scheduler import Scheduler
from support.byhand import ByHand
from support.proposals import a_proposal

HOUR = timedelta(hours=1)


class Pool(ThreadPoolExecutor):
    """One thread, which says how often it was given work."""

    def __init__(self) -> None:
        super().__init__(1)
        self.given = threading.Semaphore(0)

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
        made = super().submit(*args, **kwargs)
        self.given.release()
        return made


def test_jobs_that_wait_for_a_thread_are_left_without_a_word(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The pool takes them back: no result, and no traceback of a library."""
    go_on, second = threading.Event(), threading.Event()
    pool = Pool()
    scheduler = Scheduler(SystemClock(), pool, lambda name: None)
    scheduler.start()
    scheduler.every("first", HOUR, lambda: go_on.wait(10) and None)
    assert pool.given.acquire(timeout=10)
    scheduler.every("second", HOUR, second.set)
    assert pool.given.acquire(timeout=10)
    scheduler.stop()
    pool.shutdown(wait=False, cancel_futures=True)
    go_on.set()
    pool.shutdown(wait=True)
    assert not second.is_set()
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []


def test_a_long_history_holds_up_no_stop(tmp_path: Path) -> None:
    """Retention ends with the batch that it is at; without a stop it takes all that is old."""
    scenario = Scenario(workloads=(), namespaces=("default", "kube-system"))
    lab = Lab(seed=1, history=timedelta(minutes=5), scenario=scenario)
    with lab, ByHand(lab, tmp_path, limits={"retention_days": 0.001}) as daemon:
        assert daemon.app._wiring is not None
        store = daemon.app._wiring.store
        for number in range(130):
            made = store.create(a_proposal(f"p{number}", f"w{number}"))
            store.transition(made, State.REJECTED)
        lab.advance(timedelta(minutes=2))
        daemon.app._stopping.set()
        daemon.app.chores["retention"]()
        assert len(store.list().items) == 30
        daemon.app._stopping.clear()
        daemon.app.chores["retention"]()
        assert not store.list().items
