"""Name a size, get the best-looking video file that fits.

>>> import tightfit
>>> result = tightfit.compress("vacation.mp4", to="50MB")  # doctest: +SKIP
>>> result.bytes <= 50_000_000  # doctest: +SKIP
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tightfit.api import acompress, acompress_all, aplan, aprobe, compress, compress_all, plan, probe

__version__ = "0.1.0"
__all__ = [
    "__version__",
    "acompress",
    "acompress_all",
    "aplan",
    "aprobe",
    "compress",
    "compress_all",
    "plan",
    "probe",
]


def __getattr__(name: str) -> Any:
    """The functions load what they need when first used, so that importing the package costs nothing."""
    if name in __all__:
        from tightfit import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
