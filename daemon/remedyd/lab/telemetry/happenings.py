"""What the k8s_events receiver reports: one log document per Event that is new or repeated."""

from remedyd.lab.controllers.objects import parse_stamp
from remedyd.lab.telemetry.documents import Page, milliseconds, nanoseconds
from remedyd.lab.telemetry.resources import Resources
from remedyd.lab.timeline import Timeline
from remedyd.model.values import KubeObject


def report(event: KubeObject, resources: Resources, page: Page, timeline: Timeline) -> None:
    """Add the document of one Event."""
    about, meta = event["involvedObject"], event["metadata"]
    when = event.get("lastTimestamp") or event.get("eventTime") or meta["creationTimestamp"]
    born = parse_stamp(meta["creationTimestamp"]).strftime("%Y-%m-%d %H:%M:%S +0000 UTC")
    attributes = {
        "k8s.event.reason": event["reason"],
        "k8s.event.action": event.get("action", ""),
        "k8s.event.start_time": born,
        "k8s.event.name": meta["name"],
        "k8s.event.uid": meta["uid"],
        "k8s.namespace.name": about.get("namespace", ""),
    }
    if event.get("count"):
        attributes["k8s.event.count"] = event["count"]
    resource = resources.cluster() | {
        "k8s.node.name": (event.get("source") or {}).get("host", ""),
        "k8s.object.kind": about.get("kind", ""),
        "k8s.object.name": about.get("name", ""),
        "k8s.object.uid": about.get("uid", ""),
        "k8s.object.fieldpath": about.get("fieldPath", ""),
        "k8s.object.api_version": about.get("apiVersion", ""),
        "k8s.object.resource_version": about.get("resourceVersion", ""),
    }
    page.log(
        milliseconds(parse_stamp(when)),
        resource,
        attributes,
        event.get("message", ""),
        warning=event["type"] == "Warning",
        observed=nanoseconds(timeline.now()),
    )
