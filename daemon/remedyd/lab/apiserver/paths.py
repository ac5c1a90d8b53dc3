"""What a URL path means: which resource, which object, which part of it."""

from dataclasses import dataclass

_NAMESPACE_PARTS = ("status", "finalize")


@dataclass(frozen=True, slots=True)
class ResourcePath:
    """A path to objects; `name` empty for a collection, `watch` for the old watch paths."""

    group: str
    version: str
    namespace: str
    resource: str
    name: str
    subresource: str
    watch: bool = False

    @property
    def group_version(self) -> str:
        """`apps/v1` or `v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def gvr(self) -> str:
        """`apps/v1/deployments`."""
        return f"{self.group_version}/{self.resource}"


def parse(path: str) -> ResourcePath | None:
    """Return what a path under /api or /apis addresses, None for any other path."""
    parts = [part for part in path.split("/") if part]
    if len(parts) >= 3 and parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    elif len(parts) >= 4 and parts[0] == "apis":
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    watch = rest[0] == "watch" and len(rest) > 1
    if watch:
        rest = rest[1:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) >= 2:
        if len(rest) == 2 or (len(rest) == 3 and rest[2] in _NAMESPACE_PARTS):
            part = rest[2] if len(rest) == 3 else ""
            return ResourcePath(group, version, rest[1], "namespaces", rest[1], part, watch)
        namespace, rest = rest[1], rest[2:]
    name = rest[1] if len(rest) > 1 else ""
    return ResourcePath(group, version, namespace, rest[0], name, "/".join(rest[2:]), watch)
