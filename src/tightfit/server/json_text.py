"""JSON as it leaves: pure ASCII, so that any string that came in, lone surrogates too, can go out again."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response


def dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


class JsonResponse(Response):
    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return dumps(content).encode("ascii")

    @classmethod
    def empty(cls, status: int) -> Response:
        """No JSON at all: what a proxy on the way may answer."""
        return Response(status_code=status)
