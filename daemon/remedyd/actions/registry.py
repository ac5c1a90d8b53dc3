"""The actions that exist, by the name that policies use."""

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import BaseModel

from remedyd.actions.action import Action
from remedyd.actions.adjust_hpa import AdjustHPA
from remedyd.actions.delete_pod import DeletePod
from remedyd.actions.escalate import Escalate
from remedyd.actions.resize_pods import ResizePods
from remedyd.actions.restart import Restart
from remedyd.actions.rollout_undo import RolloutUndo
from remedyd.actions.scale import Scale
from remedyd.actions.scale_to_baseline import ScaleToBaseline
from remedyd.actions.status import Status
from remedyd.actions.update_resources import UpdateResources

_ALL: tuple[Action, ...] = (
    UpdateResources(),
    ResizePods(),
    Scale(),
    ScaleToBaseline(),
    AdjustHPA(),
    Restart(),
    RolloutUndo(),
    DeletePod(),
    Escalate(),
    Status(),
)

ACTIONS: Mapping[str, Action] = MappingProxyType({action.type: action for action in _ALL})

SCHEMAS: Mapping[str, type[BaseModel]] = MappingProxyType(
    {action.type: action.params for action in _ALL}
)
"""The parameter schema of each action, for the policy loader."""
