"""REST v1: thin handlers over the service, one module for each thing that is spoken of."""

from fastapi import APIRouter

from remedyd.server.v1 import audits, decisions, policies, proposals, stream, trail, workloads

router = APIRouter(prefix="/v1")
for part in (proposals, decisions, audits, policies, workloads, trail, stream):
    router.include_router(part.router)
