"""Which empty values a Go server writes all the same, and which it leaves out.

The OpenAPI document does not say whether a number is a pointer or a struct a value, yet that
decides whether `0` and `{}` appear in an answer. These tables hold what recorded answers show.
"""

from typing import Any


def words(text: str) -> list[str]:
    """Split a table's line of names."""
    return text.split()


ALWAYS: dict[str, dict[str, Any]] = {
    "core.v1.Container": {"resources": {}},
    "core.v1.EphemeralContainer": {"resources": {}},
    "core.v1.ContainerStatus": {"state": {}, "lastState": {}},
    "core.v1.PodCondition": {"lastProbeTime": None, "lastTransitionTime": None},
    "authentication.v1.TokenRequestSpec": {"boundObjectRef": None},
    "core.v1.PodTemplateSpec": {"metadata": {}, "spec": {}},
    "core.v1.Event": {
        "source": {},
        "firstTimestamp": None,
        "lastTimestamp": None,
        "eventTime": None,
        "reportingComponent": "",
        "reportingInstance": "",
    },
    "events.v1.Event": {
        "deprecatedSource": {},
        "deprecatedFirstTimestamp": None,
        "deprecatedLastTimestamp": None,
    },
    "apps.v1.DeploymentSpec": {"strategy": {}},
    "apps.v1.StatefulSetSpec": {"updateStrategy": {}, "serviceName": ""},
    "apps.v1.StatefulSetStatus": {"availableReplicas": 0},
    "apps.v1.DaemonSetSpec": {"updateStrategy": {}},
    "core.v1.PersistentVolumeClaimSpec": {"resources": {}},
    "core.v1.ServiceStatus": {"loadBalancer": {}},
    "core.v1.NodeStatus": {"daemonEndpoints": {"kubeletEndpoint": {"Port": 0}}},
    "core.v1.LimitRangeSpec": {"limits": None},
    "policy.v1.PodDisruptionBudgetStatus": {
        "disruptionsAllowed": 0,
        "currentHealthy": 0,
        "desiredHealthy": 0,
        "expectedPods": 0,
    },
    "rbac.v1.Role": {"rules": None},
    "rbac.v1.ClusterRole": {"rules": None},
    "autoscaling.v2.HorizontalPodAutoscalerStatus": {"currentMetrics": None, "desiredReplicas": 0},
}
"""Fields beyond the required ones that are written even when empty, and as what."""

_KINDS_WITH_SPEC_AND_STATUS = words(
    "apps.v1.Deployment apps.v1.ReplicaSet apps.v1.StatefulSet apps.v1.DaemonSet core.v1.Pod "
    "core.v1.Namespace core.v1.Node core.v1.Service core.v1.ResourceQuota "
    "core.v1.PersistentVolume core.v1.PersistentVolumeClaim core.v1.ReplicationController "
    "autoscaling.v1.Scale autoscaling.v1.HorizontalPodAutoscaler "
    "autoscaling.v2.HorizontalPodAutoscaler policy.v1.PodDisruptionBudget batch.v1.Job "
    "batch.v1.CronJob networking.v1.Ingress authorization.v1.SubjectAccessReview "
    "authorization.v1.SelfSubjectAccessReview authorization.v1.LocalSubjectAccessReview "
    "authorization.v1.SelfSubjectRulesReview authentication.v1.TokenReview "
    "authentication.v1.TokenRequest"
)
for _name in _KINDS_WITH_SPEC_AND_STATUS:
    ALWAYS[_name] = {"metadata": {}, "spec": {}, "status": {}}
for _name in words(
    "coordination.v1.Lease core.v1.LimitRange storage.v1.VolumeAttachment "
    "networking.v1.IngressClass networking.v1.NetworkPolicy"
):
    ALWAYS[_name] = {"metadata": {}, "spec": {}}

ZERO_LEFT_OUT = frozenset(
    words(
        "minReadySeconds paused hostNetwork hostPID hostIPC stdin stdinOnce tty readOnly "
        "unschedulable observedGeneration updatedReplicas readyReplicas availableReplicas "
        "unavailableReplicas fullyLabeledReplicas currentReplicas updatedNumberScheduled "
        "numberAvailable numberUnavailable initialDelaySeconds periodSeconds timeoutSeconds "
        "successThreshold failureThreshold generation signal hostPort count "
        "publishNotReadyAddresses nodePort active succeeded failed sizeBytes weight denied "
        "authenticated incomplete"
    )
)
"""Optional numbers and booleans that are no pointers: zero and false are not written."""

ZERO_LEFT_OUT_IN = frozenset(
    (
        ("autoscaling.v1.ScaleSpec", "replicas"),
        ("apps.v1.DeploymentStatus", "replicas"),
        ("autoscaling.v2.HorizontalPodAutoscalerStatus", "currentReplicas"),
    )
)

EMPTY_TEXT_KEPT = frozenset(
    words(
        "holderIdentity storageClassName runtimeClassName preferredHolder strategy "
        "preemptionPolicy policy ingressClassName defaultValue serviceName value"
    )
)
"""Optional texts that are pointers or otherwise written when empty."""
