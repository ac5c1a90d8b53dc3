"""Which workloads a policy may touch: kinds, namespaces and names, with `*` as a wildcard."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from remedyd.model.target import Target
from remedyd.policy.reasons import Reason
from remedyd.policy.schema import Match


class Selector:
    """Judges targets against `spec.match`; remembers its answers about kinds and namespaces."""

    def __init__(self, match: Match) -> None:
        """Take the policy's `match`."""
        self._match = match
        self._places: dict[tuple[str, str], tuple[Reason, str] | None] = {}
        self._any_name = not match.names and not match.exclude_names

    def refuses_none(self, places: Iterable[tuple[str, str]], *, all_named: bool) -> bool:
        """Whether targets of these kinds and namespaces are selected, whatever their names."""
        if not (self._any_name and all_named):
            return False
        return all(self._refuse_place(kind, namespace) is None for kind, namespace in places)

    def refuse(self, target: Target) -> tuple[Reason, str] | None:
        """Return why the target is not selected, None when it is."""
        place = (target.kind, target.namespace)
        try:
            refused = self._places[place]
        except KeyError:
            refused = self._places[place] = self._refuse_place(*place)
        if refused is not None or (self._any_name and target.name):
            return refused
        return self._refuse_name(target.name)

    def _refuse_place(self, kind: str, namespace: str) -> tuple[Reason, str] | None:
        match = self._match
        kinds = [str(k) for k in match.target_kinds]
        if kind not in kinds:
            return Reason.KIND, f"the policy acts on {', '.join(kinds)}, not on a {kind or 'row'}"
        if not _selected(namespace, match.namespaces, match.exclude_namespaces):
            return Reason.NAMESPACE, f'the policy does not act in namespace "{namespace}"'
        return None

    def _refuse_name(self, name: str) -> tuple[Reason, str] | None:
        if name and _selected(name, self._match.names, self._match.exclude_names):
            return None
        return Reason.NAME, f'the policy does not act on the name "{name}"'


def _selected(value: str, included: Sequence[str], excluded: Sequence[str]) -> bool:
    wanted = not included or any(fnmatchcase(value, pattern) for pattern in included)
    return wanted and not any(fnmatchcase(value, pattern) for pattern in excluded)
