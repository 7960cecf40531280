"""What is said becomes a request with its edits, or a sentence that says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tightfit.domain.edits import Aspect, Edits, Fade, Fit, Stretch
from tightfit.domain.media_info import Identity
from tightfit.domain.request import CompressRequest, Resolution
from tightfit.engine.edit_options import parse_edits
from tightfit.engine.facts import fingerprint, request_facts, request_of
from tightfit.engine.requests import make_request
from tightfit.engine.spoken import requests_for
from tightfit.errors import UsageError
from tightfit.intent.understand import understand


def said(text: str) -> CompressRequest:
    intent = understand(text, files=["clip.mp4"])
    assert not intent.unclear, intent.unclear
    (request,) = requests_for(intent)
    return request


EDITED = {
    "keep only the first 30 seconds": Edits(trim=Stretch(0, 30)),
    "keep the last 10 seconds": Edits(trim=Stretch(last_s=10)),
    "remove 0:20 to 0:35": Edits(cuts=(Stretch(20, 35),)),
    "cut the last 5 seconds off": Edits(cuts=(Stretch(last_s=5),)),
    "rotate it 90 degrees to the left": Edits(rotate=270),
    "play it at 2x": Edits(speed=2),
    "make it 9:16": Edits(aspect=Aspect(9, 16)),
    "crop it to a square": Edits(aspect=Aspect(1, 1, Fit.COVER)),
    "mute it from 0:10 to 0:20": Edits(mutes=(Stretch(10, 20),)),
    "set the volume to 40%": Edits(volume=0.4),
    "fade in 2 seconds": Edits(fades=(Fade(2, 0),)),
    "schneide die ersten 8 Sekunden weg": Edits(trim=Stretch(8)),
    "make it square, crop it": Edits(aspect=Aspect(1, 1, Fit.COVER)),
    "recorta a 1:1": Edits(aspect=Aspect(1, 1, Fit.COVER)),
    "裁剪成9:16": Edits(aspect=Aspect(9, 16, Fit.COVER)),
    "最后3秒淡出": Edits(fades=(Fade(0, 3),)),
}


@pytest.mark.parametrize(("text", "edits"), EDITED.items(), ids=EDITED.keys())
def test_edits_without_a_size_are_done_as_well_as_the_source_was(text: str, edits: Edits):
    request = said(text)
    assert request.edits == edits
    assert (request.keeps_rate, request.resolution) == (True, Resolution(source=True))
    assert (request.limit_for(1000), request.target.slug) == (1000, "edited")


def test_edits_with_a_size_are_done_within_it():
    request = said("first 30 seconds at 30 fps under 20MB, vertical 9:16")
    assert request.limit_for(10**9) == 20_000_000
    assert request.edits == Edits(trim=Stretch(0, 30), fps=30, aspect=Aspect(9, 16))
    assert not request.keeps_rate


REFUSED = {
    'write "Hello" at the top': "writing on the picture",
    "add some calm music": "adding music",
    "crop the sides": "not known",
    "rotate it by 45 degrees": "--rotate 45",
}


@pytest.mark.parametrize(("text", "why"), REFUSED.items(), ids=REFUSED.keys())
def test_what_no_encoder_can_do_is_refused_in_one_sentence(text: str, why: str):
    with pytest.raises(UsageError, match=why) as refused:
        requests_for(understand(text, files=["clip.mp4"]))
    assert refused.value.hint


IDENTITY = Identity(1, 2, 3, 4, "5")


@pytest.mark.parametrize("text", [*EDITED, "compress it to 20MB", "25%, 720p, 30 fps"])
def test_a_request_comes_back_from_the_journal_as_it_went_in(text: str):
    request = said(text)
    facts = request_facts(request, IDENTITY)
    again = request_of(facts)
    assert (again.edits, again.keeps_rate, again.target) == (request.edits, request.keeps_rate, request.target)
    assert fingerprint(request_facts(again, IDENTITY)) == fingerprint(facts)


def test_another_edit_is_another_job_and_none_is_the_job_it_always_was():
    def mark(**options: str) -> str:
        edits = parse_edits(options)  # type: ignore[arg-type]
        return fingerprint(request_facts(make_request(Path("a.mp4"), to="5MB", edits=edits), IDENTITY))

    assert len({mark(), mark(trim="1-2"), mark(trim="1-3"), mark(rotate="90")}) == 4
    assert "edits" not in request_facts(make_request(Path("a.mp4"), to="5MB"), IDENTITY)
