"""Requests and results as plain facts for the journal, and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from tightfit.domain.codec import Effort
from tightfit.domain.containers import Container
from tightfit.domain.edits import NO_EDITS, Edits
from tightfit.domain.media_info import Identity
from tightfit.domain.request import CompressRequest, Destination, Resolution, Where
from tightfit.domain.result import Result
from tightfit.units import Target


def request_facts(request: CompressRequest, identity: Identity) -> dict[str, Any]:
    """Everything needed to do ``request`` again from any folder, and to see that its source is still the same."""
    target = asdict(request.target)
    target["percent"] = None if request.target.percent is None else str(request.target.percent)
    return {
        "source": str(request.source.absolute()),
        "identity": asdict(identity),
        "target": target,
        "destination": _destination(request.destination) if request.destination else None,
        "output": str(request.output.absolute()) if request.output else None,
        "resolution": asdict(request.resolution),
        "audio": request.audio,
        "overwrite": request.overwrite,
        "jobs": request.jobs,
        "where": str(request.where),
        "no_fallback": request.no_fallback,
        "max_credits": request.max_credits,
        **({"codec": request.codec} if request.codec != "h264" else {}),
        **({"effort": str(request.effort)} if request.effort is not Effort.BALANCED else {}),
        "container": str(request.container) if request.container else None,
        "private": request.private,
        "hdr": request.hdr,
        # Named only where there are some: the unfinished jobs of earlier versions are found by all that is named.
        **({"edits": asdict(request.edits)} if request.edits else {}),
        **({"min_quality": request.min_quality} if request.min_quality else {}),
        **({"report": str(request.report.absolute())} if request.report else {}),
        **({"keeps_rate": True} if request.keeps_rate else {}),
        # Only where they say something: a job that was begun before they were is still the same job.
        **({"stem": request.stem} if request.stem else {}),
        **({"share_bytes": request.share_bytes} if request.share_bytes is not None else {}),
        **({"part": request.part, "parts": request.parts} if request.part is not None else {}),
    }


def _destination(rules: Destination) -> dict[str, Any]:
    """What was not there in earlier versions only where it says something, as below."""
    return {key: value for key, value in asdict(rules).items() if key != "hdr" or value}


def request_of(facts: Mapping[str, Any]) -> CompressRequest:
    from pydantic import TypeAdapter

    target, destination = dict(facts["target"]), facts["destination"]
    if target["percent"] is not None:
        target["percent"] = Decimal(target["percent"])
    return CompressRequest(
        source=Path(facts["source"]),
        target=Target(**target),
        destination=TypeAdapter(Destination).validate_python(destination) if destination else None,
        output=Path(facts["output"]) if facts["output"] else None,
        resolution=Resolution(**facts["resolution"]),
        audio=facts["audio"],
        overwrite=facts["overwrite"],
        jobs=facts["jobs"],
        # Jobs of version 0.1 are older than the cloud.
        where=Where(facts.get("where", Where.LOCAL)),
        no_fallback=facts.get("no_fallback", False),
        max_credits=facts.get("max_credits"),
        codec=facts.get("codec", "h264"),
        effort=Effort(facts.get("effort", Effort.BALANCED)),
        # Jobs of version 0.1 are older than these too.
        container=Container(facts["container"]) if facts.get("container") else None,
        private=facts.get("private", False),
        hdr=facts.get("hdr", "auto"),
        edits=TypeAdapter(Edits).validate_python(facts["edits"]) if "edits" in facts else NO_EDITS,
        min_quality=facts.get("min_quality", 0.0),
        report=Path(facts["report"]) if facts.get("report") else None,
        keeps_rate=facts.get("keeps_rate", False),
        stem=facts.get("stem", ""),
        share_bytes=facts.get("share_bytes"),
        part=facts.get("part"),
        parts=facts.get("parts", 1),
    )


def identity_of(facts: Mapping[str, Any]) -> Identity:
    return Identity(**facts["identity"])


# What may differ between two runs of one job: it changes nothing about the file that is made.
_NO_PART_OF_THE_JOB = ("report", "share_bytes", "overwrite", "jobs", "where", "no_fallback", "max_credits")


def fingerprint(facts: Mapping[str, Any]) -> str:
    """Equal for requests that ask for the same file from the same source at the same place."""
    essence = {key: value for key, value in facts.items() if key not in _NO_PART_OF_THE_JOB}
    return hashlib.sha256(json.dumps(essence, sort_keys=True).encode()).hexdigest()


def result_facts(result: Result) -> dict[str, Any]:
    return asdict(result)


def result_of(facts: Mapping[str, Any], job_id: str) -> Result:
    from pydantic import TypeAdapter

    return replace(TypeAdapter(Result).validate_python(dict(facts)), job_id=job_id)
