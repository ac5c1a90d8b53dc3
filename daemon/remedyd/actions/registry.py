"""The actions that exist, by the name that policies use."""

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import BaseModel

from remedyd.actions.action import Action
from remedyd.actions.restart import Restart
from remedyd.actions.scale import Scale
from remedyd.actions.status import Status
from remedyd.actions.update_resources import UpdateResources

_ALL: tuple[Action, ...] = (UpdateResources(), Scale(), Restart(), Status())

ACTIONS: Mapping[str, Action] = MappingProxyType({action.type: action for action in _ALL})

SCHEMAS: Mapping[str, type[BaseModel]] = MappingProxyType(
    {action.type: action.params for action in _ALL}
)
"""The parameter schema of each action, for the policy loader."""
