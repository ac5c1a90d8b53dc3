"""Runs the tests against each mutant, each in a process of its own that is forked when all is set.

The tests are collected once. In a first child they run as they are and tell which lines each of
them passes through; then every mutant gets a child in which the code of one function is replaced
and only the tests that come by run, the fastest first, until one fails. Mutants of what runs at
import get a child that has imported nothing yet. No file is written.
"""

import ast
import contextlib
import gc
import os
import pickle
import sys
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import pytest
from mutants import Mutant, mutants

_OPTIONS = ["-q", "-x", "-s", "-n", "0", "-p", "no:cacheprovider", "-p", "no:randomly"]
_ALIVE, _KILLED = 0, 1
_PATIENCE = 10.0
"""Seconds of tests for a fault in what runs at import: every one of them would have to run."""


@dataclass
class Module:
    """What came of one module: how many mutants, and those that no test noticed."""

    name: str
    total: int = 0
    survivors: list[str] = field(default_factory=list)

    @property
    def score(self) -> float:
        """Percent of the mutants that a test noticed."""
        return 100 * (self.total - len(self.survivors)) / self.total if self.total else 100


class NotGreen(Exception):
    """The tests fail without any fault: then they prove nothing."""


def measure(files: dict[str, Path], tests: list[str]) -> Iterator[Module]:
    """Yield each module's result; `files` by module name. Raise NotGreen if a test fails anyway."""
    session = _forked(lambda: _Fast(files).run(tests), None)
    if isinstance(session, str):
        raise NotGreen(session)
    results, imported, seconds = session
    for name, mutant in imported:
        results[name].total += 1
        order = _fastest(seconds)
        deadline = 20 + 5 * _PATIENCE
        told = _forked(lambda m=mutant, n=name, o=order: _slow(m, n, files[n], o), deadline)
        if told == _ALIVE:
            results[name].survivors.append(_told(mutant))
    yield from results.values()


def _fastest(seconds: dict[str, float]) -> list[str]:
    """Return the tests that are done within the time that one fault at import is worth."""
    found: list[str] = []
    spent = 0.0
    for test in sorted(seconds, key=lambda test: seconds[test]):
        spent += seconds[test]
        if spent > _PATIENCE:
            break
        found.append(test)
    return found


def _told(mutant: Mutant, why: str = "") -> str:
    return f"{mutant.first}: {mutant.was}  ->  {mutant.now}{why}"


def _forked(work: Callable[[], Any], seconds: float | None) -> Any:
    """Return what `work` returns in a child; _KILLED when it dies or takes too long."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        os.setpgid(0, 0)
        answer: Any = _KILLED
        with contextlib.suppress(BaseException):
            answer = work()
        with os.fdopen(theirs, "wb") as out:
            pickle.dump(answer, out)
        os._exit(0)
    os.close(theirs)
    timer = threading.Timer(seconds, os.killpg, (child, 9)) if seconds else None
    if timer:
        timer.start()
    try:
        with os.fdopen(ours, "rb") as told:
            data = told.read()
    finally:
        if timer:
            timer.cancel()
        os.waitpid(child, 0)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, 9)  # what the tests started
    return pickle.loads(data) if data else _KILLED


def _quiet() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


def _slow(mutant: Mutant, name: str, path: Path, tests: list[str]) -> int:
    """Run the tests with a module that is imported with the fault in it."""
    _quiet()
    sys.meta_path.insert(0, _Finder(name, path, mutant.tree))
    return _ALIVE if pytest.main([*_OPTIONS, *tests], plugins=[_Steady()]) == 0 else _KILLED


class _Finder(MetaPathFinder, Loader):
    def __init__(self, name: str, path: Path, tree: ast.Module) -> None:
        self._name, self._path, self._tree = name, path, tree

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name != self._name:
            return None
        package = self._path.name == "__init__.py"
        spec = ModuleSpec(name, self, origin=str(self._path), is_package=package)
        if package:
            spec.submodule_search_locations = [str(self._path.parent)]
        return spec

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._tree, str(self._path), "exec"), module.__dict__)


class _Steady:
    """A pytest plugin: Hypothesis tries the same examples each time, and does not shrink them."""

    def pytest_configure(self) -> None:
        from hypothesis import Phase, settings  # not earlier: pytest rewrites its plugin

        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("steady", database=None, derandomize=True, phases=phases)
        settings.load_profile("steady")


class _Fast(_Steady):
    """A pytest plugin that takes the loop over the tests into its own hands."""

    def __init__(self, files: dict[str, Path]) -> None:
        self._files = files
        self._names = {str(path): name for name, path in files.items()}
        self._results = {name: Module(name) for name in files}
        self._imported: list[tuple[str, Mutant]] = []
        self._seconds: dict[str, float] = {}
        self._passed_by: dict[tuple[str, int], set[str]] = {}
        self._failed = ""
        self._stop = False

    def run(self, tests: list[str]) -> Any:
        self._progress = os.fdopen(os.dup(2), "w")
        _quiet()
        try:
            code = pytest.main([*_OPTIONS, *tests], plugins=[self])
        except BaseException:
            return traceback.format_exc()
        if self._failed or code != 0:
            return self._failed or f"pytest ended with {code}"
        return self._results, self._imported, self._seconds

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            if self._stop:
                raise _Noticed
            self._failed = f"{report.nodeid}\n{report.longreprtext}"

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            return True
        told = _forked(lambda: self._as_it_is(session), None)
        if not isinstance(told, tuple):
            self._failed = str(told)
            return True
        self._seconds, self._passed_by = told
        functions = self._functions()
        gc.freeze()
        for name, path in self._files.items():
            for mutant in mutants(path.read_text()):
                if mutant.function is None:
                    self._imported.append((name, mutant))
                else:
                    self._try(session, name, mutant, functions)
            left = self._results[name].survivors
            told = f"{name}: {self._results[name].total} tried, {len(left)} survived"
            print(told, *left, sep="\n    ", file=self._progress, flush=True)
        return True

    def _functions(self) -> dict[tuple[str, str, int], list[FunctionType]]:
        found = defaultdict(list)
        for thing in gc.get_objects():
            if type(thing) is FunctionType and thing.__code__.co_filename in self._names:
                found[_key(thing.__code__)].append(thing)
        return found

    def _try(self, session: pytest.Session, name: str, mutant: Mutant, functions: Any) -> None:
        path = str(self._files[name])
        passing = set()
        for line in range(mutant.first, mutant.last + 1):
            passing |= self._passed_by.get((path, line), set())
        items = [item for item in session.items if item.nodeid in passing]
        items.sort(key=lambda item: self._seconds[item.nodeid])
        result = self._results[name]
        result.total += 1
        if not items:
            result.survivors.append(_told(mutant, "  (no test comes by)"))
            return
        live = functions[(path, *mutant.function)]
        code = _find(compile(mutant.tree, path, "exec"), (path, *mutant.function))
        if not live or code is None:
            result.survivors.append(_told(mutant, "  (function not found)"))
            return
        deadline = 10 + 5 * sum(self._seconds[item.nodeid] for item in items)
        if _forked(lambda: self._with(live, code, items), deadline) == _ALIVE:
            result.survivors.append(_told(mutant))

    def _with(self, live: list[FunctionType], code: CodeType, items: list[pytest.Item]) -> int:
        _quiet()
        for function in live:
            function.__code__ = code
        self._stop = True
        try:
            _each(items)
        except _Noticed:
            return _KILLED
        return _ALIVE

    def _as_it_is(self, session: pytest.Session) -> Any:
        """Run all tests once; return how long each takes and which pass through each line."""
        lines: dict[tuple[str, int], set[str]] = defaultdict(set)
        seconds: dict[str, float] = {}
        now = ""

        def local(frame: FrameType, event: str, arg: object) -> Any:
            lines[(frame.f_code.co_filename, frame.f_lineno)].add(now)
            return local

        def trace(frame: FrameType, event: str, arg: object) -> Any:
            return local(frame, event, arg) if frame.f_code.co_filename in self._names else None

        threading.settrace(trace)
        for item, following in zip(session.items, [*session.items[1:], None], strict=True):
            now, start = item.nodeid, time.perf_counter()
            sys.settrace(trace)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            sys.settrace(None)
            seconds[now] = time.perf_counter() - start
            if self._failed:
                return self._failed
        return seconds, dict(lines)


class _Noticed(BaseException):
    """A test failed: the mutant is dead."""


def _each(items: list[pytest.Item]) -> None:
    for item, following in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


def _key(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def _find(code: CodeType, key: tuple[str, str, int]) -> CodeType | None:
    if _key(code) == key:
        return code
    inner = (one for one in code.co_consts if isinstance(one, CodeType))
    return next((found for one in inner if (found := _find(one, key))), None)
