"""The options that edit, for `compress` and `plan`."""

from __future__ import annotations

from typing import Annotated, Any

import typer


def _option(name: str, metavar: str, said: str) -> Any:
    return typer.Option(name, metavar=metavar, help=said, show_default=False, rich_help_panel="Edits")


Trim = Annotated[
    str | None,
    _option("--trim", "START-END", "Keep this stretch: seconds or mm:ss(.fff); either side may be empty."),
]
Cut = Annotated[list[str] | None, _option("--cut", "START-END", "Take this stretch out; may be given several times.")]
Fps = Annotated[
    str | None, _option("--fps", "RATE", "Upper bound of frames per second: auto, source, or a number such as 30.")
]
Speed = Annotated[str | None, _option("--speed", "FACTOR", "2 takes half the time; the sound keeps its pitch.")]
Crop = Annotated[
    str | None,
    _option("--crop", "WxH+X+Y", "Show this part of the picture: size, and place from the upper left corner."),
]
Rotate = Annotated[str | None, _option("--rotate", "DEGREES", "Turn clockwise by 90, 180 or 270.")]
Aspect = Annotated[str | None, _option("--aspect", "W:H", "Shape of the picture: 9:16, 1:1 …")]
Fit = Annotated[
    str | None,
    _option("--fit", "WAY", "With --aspect: contain (black beside the picture) or cover (cut off what sticks out)."),
]
Mute = Annotated[
    list[str] | None,
    _option("--mute", "START-END", "Silence this stretch; may be given several times. All of it: --audio none."),
]
Volume = Annotated[str | None, _option("--volume", "FACTOR", "1 leaves it as it is, 0.5 is half as loud.")]
Fade = Annotated[str | None, _option("--fade", "IN,OUT", "Fade picture and sound in and out, in seconds.")]
