"""Faults by annotation, for those who have kubectl and nothing else.

kubectl -n shop annotate deployment checkout lab.remedyd.io/fault=oom,need=200
kubectl -n shop annotate deployment checkout lab.remedyd.io/fault-
kubectl annotate node worker-2 lab.remedyd.io/fault=node-down
"""

from typing import Protocol

from remedyd.errors import RemedydError
from remedyd.lab.controllers.objects import DAEMONSETS, DEPLOYMENTS, NODES, STATEFULSETS
from remedyd.lab.controllers.recorder import Recorder
from remedyd.lab.faults import Fault
from remedyd.lab.profiles import PREFIX
from remedyd.lab.timeline import Timeline
from remedyd.model.values import KubeObject

ANNOTATION = f"{PREFIX}fault"
_WATCHED = (DEPLOYMENTS, STATEFULSETS, DAEMONSETS, NODES)


class Injector(Protocol):
    """What carries the wish out."""

    def inject(self, name: str, target: str, params: dict[str, object]) -> Fault:
        """Put a fault in force."""
        ...

    def clear(self, name: str, target: str) -> None:
        """Take a fault away."""
        ...


def parse(text: str) -> tuple[str, dict[str, object]]:
    """Read `oom,need=200` as a fault's name and its parameters."""
    name, *rest = (part.strip() for part in text.split(","))
    pairs = (part.partition("=") for part in rest if part)
    return name, {key.strip(): value.strip() for key, _, value in pairs}


class AnnotationFaults:
    """Follows the annotation; what cannot be done is reported as an Event on the object."""

    def __init__(self, timeline: Timeline, injector: Injector, recorder: Recorder) -> None:
        """Take the time, what injects, and where complaints go."""
        self._timeline = timeline
        self._injector = injector
        self._recorder = recorder
        self._known: dict[str, str] = {}

    def observe(self, type_: str, gvr: str, obj: KubeObject) -> None:
        """Note a change of the annotation."""
        if gvr not in _WATCHED or type_ == "DELETED":
            return
        meta = obj["metadata"]
        wanted = (meta.get("annotations") or {}).get(ANNOTATION, "")
        known = self._known.get(meta["uid"], "")
        if wanted != known:
            self._known[meta["uid"]] = wanted
            self._timeline.after(0.0, lambda: self._change(obj, known, wanted))

    def _change(self, obj: KubeObject, old: str, new: str) -> None:
        meta = obj["metadata"]
        target = meta["name"]
        if obj["kind"] != "Node":
            target = f"{meta['namespace']}/{obj['kind']}/{target}"
        try:
            if old:
                self._injector.clear(parse(old)[0], target)
            if new:
                name, params = parse(new)
                self._injector.inject(name, target, params)
        except RemedydError as error:
            text = f"{error.message}; {error.hint}" if error.hint else error.message
            self._recorder.report(obj, "FaultRefused", text, component="lab", warning=True)
