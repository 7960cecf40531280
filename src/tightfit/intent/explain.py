"""An intent said in a sentence that would be understood as the same intent."""

from __future__ import annotations

from collections.abc import Iterator

from tightfit.intent.lexicon import load
from tightfit.intent.model import Action, Edit, Intent, Picture, Trim

_UNITS = (("GB", 10**9), ("MB", 10**6), ("GiB", 2**30), ("MiB", 2**20))
_QUOTES = (("“", "”"), ("«", "»"), ("「", "」"), ('"', '"'))
# What the languages' templates already put quotation marks around.
_SPOKEN = {"x": "Twitter"}  # one letter is too little for a name
_PLAIN_ACTIONS = (Action.CREDITS, Action.STATUS, Action.CANCEL, Action.HELP, Action.UNKNOWN)


def explain(intent: Intent, language: str | None = None) -> str:
    """What ``intent`` asks for, in its own language or another; what is unclear in it is left out."""
    say = load(language or intent.language).say
    if intent.action in _PLAIN_ACTIONS:
        return say[intent.action.value]
    if intent.action is Action.UPLOAD:
        return say["upload"].format(files=_named(intent.files))
    wishes = [wish for wish in (*_head(intent, say), *_form(intent, say), *_manner(intent, say)) if wish]
    wishes += [_edit(edit, say) for edit in intent.edits]
    return say["joiner"].join(wishes)


def size_text(size: int) -> str:
    """``size`` bytes in a short exact form: 50MB, 9.5MB, 50MiB, 225KB, 4983120B."""
    for unit, scale in _UNITS:
        if size % scale == 0:
            return f"{size // scale}{unit}"
    if size >= 10**6 and size % 10**4 == 0:
        return f"{size / 10**6:.2f}".rstrip("0") + "MB"
    return f"{size // 10**3}KB" if size % 10**3 == 0 else f"{size}B"


def _head(intent: Intent, say: dict[str, str]) -> Iterator[str]:
    if intent.files:
        yield say["files"].format(files=_named(intent.files))
    target = intent.target
    if target.bytes is not None:
        yield say["under"].format(size=size_text(target.bytes))
    elif target.percent is not None:
        yield say["share"].format(percent=_number(target.percent))
    elif target.preset is not None:
        yield say["preset"].format(name=_SPOKEN.get(target.preset, target.preset))
    else:
        yield say[intent.action.value]


def _named(files: tuple[str, ...]) -> str:
    return ", ".join(_quoted(name) for name in files)


def _quoted(name: str) -> str:
    """``name`` between quotation marks that it does not hold itself."""
    left, right = next((pair for pair in _QUOTES if pair[0] not in name and pair[1] not in name), _QUOTES[-1])
    return f"{left}{name}{right}"


def _form(intent: Intent, say: dict[str, str]) -> Iterator[str]:
    if intent.resolution is not None:
        yield _picture(intent.resolution, say)
    if intent.fps is not None:
        yield say["fps"].format(fps=_number(intent.fps))
    if intent.codec:
        yield say["codec"].format(codec=intent.codec)
    if intent.container:
        yield say["container"].format(container=intent.container)
    if intent.aspect:
        yield say["cropped" if intent.fit == "cover" else "aspect"].format(aspect=intent.aspect)
    if intent.trim:
        yield _trim(intent.trim, say)
    if isinstance(intent.audio, int):
        yield say["kbps"].format(kbps=intent.audio)
    elif intent.audio:
        yield say["silent" if intent.audio == "none" else "sound"]


def _picture(bound: Picture, say: dict[str, str]) -> str:
    if bound.width is None and bound.height is None:
        return say["source_size"]
    if bound.width is None:
        return say["lines"].format(height=bound.height)
    if bound.height is None:
        return say["width"].format(width=bound.width)
    return say["box"].format(width=bound.width, height=bound.height)


def _trim(trim: Trim, say: dict[str, str]) -> str:
    if trim.last_s is not None:
        return say["last"].format(last=_seconds(trim.last_s, say))
    if trim.end_s is None:
        return say["onwards"].format(start=_seconds(trim.start_s or 0, say))
    if not trim.start_s:
        return say["beginning"].format(end=_seconds(trim.end_s, say))
    return say["range"].format(start=_seconds(trim.start_s, say), end=_seconds(trim.end_s, say))


def _manner(intent: Intent, say: dict[str, str]) -> Iterator[str]:
    for wish in (intent.quality, intent.speed, intent.where):
        if wish:
            yield say[wish]
    if intent.split is True:
        yield say["split"]
    elif intent.split:
        yield say["parts"].format(parts=intent.split)
    if intent.total:
        yield say["total"]


def _edit(edit: Edit, say: dict[str, str]) -> str:
    kind = edit["kind"]
    if kind == "text":
        said = say["text"].format(text=edit["text"])
        if edit.get("end_s") is not None:
            said += say["text_from"].format(
                start=_seconds(edit.get("start_s") or 0, say), end=_seconds(edit["end_s"], say)
            )
        return said + (say["text_at"].format(place=say[edit["position"]]) if edit.get("position") else "")
    if kind == "music":
        said = say["music_file"].format(file=edit["file"]) if edit.get("file") else ""
        said = said or say["music_mood"].format(mood=edit["mood"])
        return said + (say["music_volume"].format(percent=_percent(edit["volume"])) if "volume" in edit else "")
    if kind == "speed":
        return say["tempo"].format(factor=_number(edit["factor"]))
    if kind == "rotate":
        return say["rotate"].format(degrees=_number(edit["degrees"]))
    if kind == "volume":
        return say["volume"].format(percent=_percent(edit["level"]))
    if kind == "fade":
        parts = [say[f"fade_{way}"].format(seconds=_seconds(edit[f"{way}_s"], say)) for way in _ways(edit)]
        return say["joiner"].join(parts)
    if kind == "crop":
        return say["crop"]
    return _stretch(edit, say)


def _ways(edit: Edit) -> list[str]:
    return [way for way in ("in", "out") if f"{way}_s" in edit]


def _stretch(edit: Edit, say: dict[str, str]) -> str:
    """What is said of a stretch of time: removed, or without sound."""
    if edit.get("last_s") is not None:
        key = "remove_last" if edit["kind"] == "remove_segment" else "mute_last"
        return say[key].format(last=_seconds(edit["last_s"], say))
    key = "remove" if edit["kind"] == "remove_segment" else "mute"
    if edit.get("end_s") is None:
        return say["silent"]
    return say[key].format(start=_seconds(edit.get("start_s") or 0, say), end=_seconds(edit["end_s"], say))


def _seconds(value: float, say: dict[str, str]) -> str:
    return say["seconds"].format(seconds=_number(value))


def _percent(share: float) -> str:
    return _number(round(share * 100, 2))


def _number(value: float) -> str:
    """A number that can be read one way only: a mark before exactly three digits would group thousands."""
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return f"{text}0" if len(text.partition(".")[2]) == 3 else text
