"""Where a clip is cut: at the encoder's own keyframes, in pieces long enough to be worth a process."""

from __future__ import annotations

from collections.abc import Sequence

from tightfit.domain.pieces import Segment

# Starting a process and seeking cost about 0.1 s of CPU; pieces of 5 s lose nothing to that. Short clips
# take shorter pieces, since having several is what makes correcting cheap.
_LONGEST_NEEDED_S = 5.0
_SHORTEST_S = 1.5
_SHARE_OF_CLIP = 0.1


def cut_into_segments(idrs: Sequence[int], frames: int, duration_s: float, joints: Sequence[int] = ()) -> list[Segment]:
    """Merge neighbouring GOPs until each piece lasts max(1.5, min(5, a tenth of the clip)) seconds.

    ``idrs`` are ascending frame numbers, the first one 0. A remainder that is too short joins the piece before it.
    At each of ``joints`` a piece begins, however short it is: what lies before it is from elsewhere in the source.
    """
    least = max(_SHORTEST_S, min(_LONGEST_NEEDED_S, duration_s * _SHARE_OF_CLIP)) * frames / duration_s
    cuts = [0]
    for idr in sorted({*idrs, *joints} - {0}):
        if idr in joints and len(cuts) > 1 and cuts[-1] not in joints and idr - cuts[-1] < least:
            cuts.pop()
        if idr in joints or idr - cuts[-1] >= least:
            cuts.append(idr)
    if len(cuts) > 1 and cuts[-1] not in joints and frames - cuts[-1] < least:
        cuts.pop()
    return [Segment(i, first, last) for i, (first, last) in enumerate(zip(cuts, [*cuts[1:], frames], strict=True))]
