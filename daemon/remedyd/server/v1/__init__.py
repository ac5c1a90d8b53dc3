"""REST v1: thin handlers over the service, one module for each thing that is spoken of."""

from remedyd.server.v1 import (
    audits,
    controls,
    decisions,
    policies,
    proposals,
    stream,
    trail,
    workloads,
)

ROUTERS = tuple(
    part.router
    for part in (proposals, decisions, audits, policies, workloads, trail, stream, controls)
)
