"""Words of a graphical editor turned into what can be done here, by tables in English and Chinese. Pure.

The backend's text is untrusted: all it can bring about is one of a closed set of intents, of which only those that
read run by themselves. Nothing in it uploads, fetches, sends or exports.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class UserRoute(StrEnum):
    """Where a user's sentence goes."""

    EXPORT = "export"
    CREDITS = "credits"
    STATE = "state"
    UPLOAD = "upload"
    SSE = "sse"


class GuiIntent(StrEnum):
    """What a sentence of the backend asks for."""

    STATE = "state"
    CREDITS = "credits"
    SUMMARY = "summary"
    OFFER_EXPORT = "offer_export"
    OFFER_EDIT = "offer_edit"


READ_ONLY = frozenset({GuiIntent.STATE, GuiIntent.CREDITS, GuiIntent.SUMMARY})


@dataclass(frozen=True)
class Translation:
    """``text`` without the talk of buttons, and what that talk meant, each once, in order."""

    text: str
    intents: tuple[GuiIntent, ...] = ()


_ROUTES: tuple[tuple[UserRoute, re.Pattern[str]], ...] = (
    (
        UserRoute.EXPORT,
        re.compile(
            r"(?:please\s+|请|帮我)*(?:export\b|download\b|send me the (?:video|file)\b|导出|下载|把视频发给我)"
        ),
    ),
    (
        UserRoute.CREDITS,
        re.compile(
            r"(?:show |check |my |how many |what(?:'s| is) my |查询|查看|我的)*(?:credits?\b|balance\b|积分|余额)"
        ),
    ),
    (
        UserRoute.STATE,
        re.compile(
            r"(?:check |what(?:'s| is) the |查看|查询)*(?:status\b|show (?:me )?(?:the )?tracks\b|状态|显示轨道)"
        ),
    ),
    (
        UserRoute.UPLOAD,
        # "file" alone, or before a name: "file size" and "file it" are no commands.
        re.compile(r"(?:please |请|帮我)*(?:upload\b|上传|files?(?:$| \S+\.[a-z0-9]{2,4}$))"),
    ),
)
# A command is a short sentence that begins with its word; a longer one is an edit that mentions it.
_MOST_WORDS = 6
_QUOTED = re.compile(r"[\"'“”‘’「」『』《》]")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_PER_WORD_CHINESE = 2


def route(text: str) -> UserRoute:
    """Where ``text`` goes; everything that is not plainly a command goes to the agent."""
    said = " ".join(text.split()).casefold().rstrip("!?.。！？")
    words = len(re.findall(r"[^\s\u4e00-\u9fff]+", said)) + len(_CHINESE.findall(said)) / _PER_WORD_CHINESE
    if not said or words > _MOST_WORDS or _QUOTED.search(said):
        return UserRoute.SSE
    return next((where for where, pattern in _ROUTES if pattern.match(said)), UserRoute.SSE)


# The first row that a sentence matches counts.
_RULES: tuple[tuple[GuiIntent, re.Pattern[str]], ...] = tuple(
    (intent, re.compile(pattern, re.IGNORECASE))
    for intent, pattern in (
        (
            GuiIntent.OFFER_EXPORT,
            r"\b(?:click|press|tap|hit|use)\b[^.]*\bexport\b|\bexport button\b|(?:点击|按)[^。]*导出|导出按钮",
        ),
        (GuiIntent.OFFER_EXPORT, r"^\W*export (?:now|it|the video|your video)\b|^\W*导出(?:视频)?\W*$"),
        (
            GuiIntent.CREDITS,
            r"\b(?:click|press|tap)\b[^.]*\b(?:credits?|balance|billing)\b|(?:点击|单击)[^。]*(?:积分|余额|账户|账单)",
        ),
        (GuiIntent.CREDITS, r"\bcheck (?:your )?(?:account|billing)\b|\b(?:account|billing) (?:page|settings)\b"),
        (GuiIntent.CREDITS, r"(?:查看|检查)(?:您的|你的)?(?:账户|账单)"),
        (GuiIntent.SUMMARY, r"\bpreview\b[^.]*\btimeline\b|\btimeline panel\b|时间线[^。]*预览|预览[^。]*时间线"),
        (GuiIntent.OFFER_EDIT, r"\bdrag(?: and |[ -])?(?:drop)?\b|\bdrop (?:it|the|your)\b|拖拽|拖动|拖放"),
        (GuiIntent.STATE, r"^\W*(?:(?:please|then|now|you can)\s+)*open\b|^\W*(?:请|然后)?打开"),
        (GuiIntent.STATE, r"\b(?:click|tap|press)\b|点击|单击"),
        (
            GuiIntent.STATE,
            r"\b(?:go|navigate) to (?:the )?settings\b|\bin the settings (?:panel|page)\b|设置页面|设置面板",
        ),
    )
)
# A full stop inside a word ("clip.mp4") ends nothing.
_SENTENCE = re.compile(r"(?:[^.!?。！？\n]|[.!?](?=\S))+(?:[.!?]+\s*|[。！？]+\s*|\n+)?|\n+|[.!?。！？]+\s*")


def translate(text: str) -> Translation:
    """``text`` sentence by sentence: content stays, directions for a screen nobody sees go. One pass, no recursion."""
    kept, intents = [], []
    for sentence in _SENTENCE.findall(text):
        intent = next((intent for intent, pattern in _RULES if pattern.search(sentence)), None)
        if intent is None:
            kept.append(sentence)
        elif intent not in intents:
            intents.append(intent)
    return Translation("".join(kept).strip(), tuple(intents))
