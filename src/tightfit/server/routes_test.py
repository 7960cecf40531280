"""For tests alone (``--test-mode``): move the clock, set the plan of faults."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from tightfit.server.faults import FaultPlan, Faults
from tightfit.server.json_text import JsonResponse
from tightfit.server.services import Here
from tightfit.server.wire import Advance

router = APIRouter(include_in_schema=False)


@router.post("/__test__/clock")
async def advance(here: Here, body: Advance) -> Response:
    here.clock.advance(body.advance_s)
    return JsonResponse({"now": here.clock.now()})


@router.post("/__test__/faults")
async def follow(request: Request, plan: FaultPlan) -> Response:
    faults: Faults = request.app.state.faults
    faults.follow(plan)
    return JsonResponse({"rules": len(plan.rules)})
