"""What a journal says of work that was done twice."""

from __future__ import annotations

import json
import sqlite3


def made_again(db: sqlite3.Connection) -> list[tuple[str, int]]:
    """Job and number of each segment that was made anew though its piece was finished, corrections left out."""
    rows = db.execute("SELECT job, kind, data FROM events ORDER BY number").fetchall()
    finished: set[tuple[str, int]] = set()
    again = []
    for job, kind, data in rows:
        if kind == "restarted":
            finished = {one for one in finished if one[0] != job}
        elif kind == "made":
            piece = json.loads(data)
            one = (job, piece["segment"])
            if not piece["again"]:
                if one in finished:
                    again.append(one)
                finished.add(one)
    return again
