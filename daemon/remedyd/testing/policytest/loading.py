"""From paths to tests, or to every mistake in them at once."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from remedyd import documents
from remedyd.actions.registry import SCHEMAS
from remedyd.audits.definition import AuditSet
from remedyd.audits.loader import load_audits
from remedyd.documents import Document, did_you_mean, problem
from remedyd.documents.nodes import Location
from remedyd.errors import InvalidInput, Problem
from remedyd.paths import shipped
from remedyd.policy.guardrails import Guardrails
from remedyd.policy.loader import load_policies
from remedyd.policy.policy import PolicySet
from remedyd.testing.policytest.cases import read_case
from remedyd.testing.policytest.context import Context
from remedyd.testing.policytest.objects import beside
from remedyd.testing.policytest.schema import (
    API_VERSION,
    KIND,
    PolicyTestFile,
    StoryFile,
    StorySpec,
)
from remedyd.testing.policytest.suite import Case, Suite

_KINDS = ("RemediationPolicy", "Audit", KIND, "Scorecard")


@dataclass(frozen=True, slots=True)
class Genre:
    """A kind of file with stories: what it is called, may contain, and how a story is read."""

    kind: str
    noun: str
    key: str
    model: type[StoryFile]
    read: Callable[[Context, StorySpec, Location], Case | None]


POLICY_TESTS = Genre(KIND, "policy tests", "cases", PolicyTestFile, read_case)


@dataclass(frozen=True, slots=True)
class Instead:
    """What takes the place of the policies, audits and guardrails that files name; () for none."""

    policies: tuple[Path, ...] = ()
    audits: tuple[Path, ...] = ()
    guardrails: Guardrails | None = None


def load_suites(
    paths: Sequence[Path], genre: Genre = POLICY_TESTS, instead: Instead | None = None
) -> tuple[Suite, ...]:
    """Load test files, and the documents of their kind anywhere below directories.

    Raises InvalidInput with every problem of every file, also those of the policies and audits
    that the tests name.
    """
    loader = _Loader(genre, instead or Instead())
    for path in paths:
        loader.add(path)
    return loader.finish()


@dataclass(slots=True)
class _Loader:
    """Collects tests and problems; audits and policies that several files name are read once."""

    genre: Genre
    instead: Instead
    problems: list[Problem] = field(default_factory=list)
    suites: list[Suite] = field(default_factory=list)
    _audits: dict[tuple[Path, ...], AuditSet | None] = field(default_factory=dict)
    _policies: dict[tuple[tuple[Path, ...], ...], PolicySet | None] = field(default_factory=dict)

    def add(self, path: Path) -> None:
        """Read a file or everything below a directory."""
        if not path.is_dir():
            self._file(path, wanted=True)
            return
        before = len(self.suites), len(self.problems)
        for file in sorted((*path.rglob("*.yaml"), *path.rglob("*.yml"))):
            if _may_hold_one(file, self.genre):
                self._file(file, wanted=False)
        if before == (len(self.suites), len(self.problems)):
            self.problems.append(Problem(f"no {self.genre.kind} below this directory", str(path)))

    def finish(self) -> tuple[Suite, ...]:
        """Return the tests; raise InvalidInput if anything was wrong."""
        if self.problems:
            ordered = sorted(dict.fromkeys(self.problems), key=lambda p: (p.path, p.line, p.column))
            count = "a problem" if len(ordered) == 1 else f"{len(ordered)} problems"
            text = f"{count} in {self.genre.noun}"
            raise InvalidInput(text, ordered, hint="Correct the places listed.")
        return tuple(self.suites)

    def _file(self, path: Path, *, wanted: bool) -> None:
        try:
            read = documents.read(path)
        except InvalidInput as error:
            self.problems += error.problems
            return
        for document in read:
            if wanted or _looks_like_one(document, self.genre):
                self._document(document)

    def _document(self, document: Document) -> None:
        kind = document.data.get("kind")
        if kind in _KINDS and kind != self.genre.kind:
            text = f"is a {kind}, not a {self.genre.kind}"
            self.problems.append(problem(document, ("kind",), text))
            return
        try:
            file = documents.validate(document, self.genre.model)
        except InvalidInput as error:
            self.problems += error.problems
            return
        audits, policies = self._tested(document, file)
        if audits is None or policies is None:
            return
        substituted = bool(self.instead.policies)
        context = Context(document, file, audits, policies, self.problems, substituted)
        cases = tuple(self._cases(context))
        self._same_names(document, file)
        self.suites.append(
            Suite(
                name=file.metadata.name,
                path=document.path,
                audits=audits,
                policies=policies,
                cluster=file.cluster,
                cases=cases,
            )
        )

    def _cases(self, context: Context) -> Iterator[Case]:
        key, stories = context.file.stories
        for index, spec in enumerate(stories):
            case = self.genre.read(context, spec, (key, index))
            if case is not None:
                rails = self.instead.guardrails or case.guardrails
                yield replace(case, guardrails=rails)

    def _tested(
        self, document: Document, file: StoryFile
    ) -> tuple[AuditSet | None, PolicySet | None]:
        """Return the audits and policies that a file names; None where they cannot be used."""
        for part, named in (("policies", file.policies), ("audits", file.audits)):
            for index, relative in enumerate(named):
                if not beside(document, relative).exists():
                    text = f"there is no {beside(document, relative)}"
                    self.problems.append(problem(document, (part, index), text))
                    return None, None
        own = tuple(beside(document, one) for one in file.audits)
        places = self.instead.audits or own or (shipped("esql"),)
        if places not in self._audits:
            self._audits[places] = self._read_audits(places)
        audits = self._audits[places]
        if audits is None:
            return None, None
        own = tuple(beside(document, one) for one in file.policies)
        files = self.instead.policies or own or (shipped("policies"),)
        if (files, places) not in self._policies:
            self._policies[files, places] = self._read_policies(files, audits)
        return audits, self._policies[files, places]

    def _read_audits(self, places: tuple[Path, ...]) -> AuditSet | None:
        try:
            return load_audits(places)
        except InvalidInput as error:
            self.problems += error.problems
            return None

    def _read_policies(self, files: tuple[Path, ...], audits: AuditSet) -> PolicySet | None:
        try:
            return load_policies(files, audits=audits.specs, actions=SCHEMAS)
        except InvalidInput as error:
            self.problems += error.problems
            return None

    def _same_names(self, document: Document, file: StoryFile) -> None:
        seen: dict[str, int] = {}
        key, stories = file.stories
        for index, case in enumerate(stories):
            first = seen.setdefault(case.name, index)
            if first != index:
                line, _ = document.position((key, first, "name"))
                text = f'the name "{case.name}" is already used in line {line}'
                self.problems.append(problem(document, (key, index, "name"), text))


def _may_hold_one(path: Path, genre: Genre) -> bool:
    """Whether a file found in a directory is worth parsing: others may be templates, or broken."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return bool(re.search(rf"\b{genre.kind}\b|^{genre.key}\s*:", text, re.MULTILINE))


def _looks_like_one(document: Document, genre: Genre) -> bool:
    """Whether a document found in a directory claims to be a test, if only by a misspelt kind."""
    kind = document.data.get("kind")
    if kind == genre.kind or genre.key in document.data:
        return True
    ours = document.data.get("apiVersion") == API_VERSION and kind not in _KINDS
    return ours or bool(did_you_mean(str(kind), [genre.kind]))
