"""A daemon that stops leaves what has not begun, and makes no noise about it."""

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from remedyd.model import SystemClock
from remedyd.scheduler import Scheduler

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
