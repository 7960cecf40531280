"""How long a wait may take where others use the machine too."""

from __future__ import annotations

import os


def patience(seconds: float) -> float:
    """``seconds`` on a machine that is not overloaded; elsewhere its share longer."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
