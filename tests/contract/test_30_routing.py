"""Behaviour 30 of the contract, client side: what is said goes where it belongs, and what is told is only text."""

from __future__ import annotations

import pytest
from support.client import Bench

from tightfit.cloud.gui import READ_ONLY, GuiIntent, UserRoute, route, translate
from tightfit.cloud.told import Said

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ("export", UserRoute.EXPORT),
        ("Export please!", UserRoute.EXPORT),
        ("send me the video", UserRoute.EXPORT),
        ("导出", UserRoute.EXPORT),
        ("请导出视频", UserRoute.EXPORT),
        ("download", UserRoute.EXPORT),
        ("下载", UserRoute.EXPORT),
        ("credits", UserRoute.CREDITS),
        ("balance", UserRoute.CREDITS),
        ("积分", UserRoute.CREDITS),
        ("how many credits do I have?", UserRoute.CREDITS),
        ("余额", UserRoute.CREDITS),
        ("status", UserRoute.STATE),
        ("show tracks", UserRoute.STATE),
        ("状态", UserRoute.STATE),
        ("upload clip.mp4", UserRoute.UPLOAD),
        ("上传", UserRoute.UPLOAD),
        ("file", UserRoute.UPLOAD),
        ("file holiday.mp4", UserRoute.UPLOAD),
        ("file size of the export", UserRoute.SSE),
        ("file the edges down", UserRoute.SSE),
        ("add the text 'download now'", UserRoute.SSE),
        ("download the song and put it under my clip as music", UserRoute.SSE),
        ("make the title say “export”", UserRoute.SSE),
        ("exports", UserRoute.SSE),
        ("creditsequence at the end", UserRoute.SSE),
        ("", UserRoute.SSE),
    ],
)
def test_30_routing_of_what_the_user_says(said, where):
    assert route(said) is where


@pytest.mark.parametrize(
    ("said", "kept", "intents"),
    [
        ("Your video is ready! Click Export.", "Your video is ready!", [GuiIntent.OFFER_EXPORT]),
        ("视频已完成。点击导出按钮。", "视频已完成。", [GuiIntent.OFFER_EXPORT]),
        ("I cut the intro. Open the media panel.", "I cut the intro.", [GuiIntent.STATE]),
        ("已添加标题。请打开面板。", "已添加标题。", [GuiIntent.STATE]),
        ("Added. Preview it in the timeline.", "Added.", [GuiIntent.SUMMARY]),
        ("Drag the clip to the start.", "", [GuiIntent.OFFER_EDIT]),
        ("把片段拖拽到开头。好了。", "好了。", [GuiIntent.OFFER_EDIT]),
        ("Please check your billing.", "", [GuiIntent.CREDITS]),
        ("Check account.", "", [GuiIntent.CREDITS]),
        ("请查看您的账户。", "", [GuiIntent.CREDITS]),
        ("Click the Credits button.", "", [GuiIntent.CREDITS]),
        ("点击积分。", "", [GuiIntent.CREDITS]),
        ("点击按钮。", "", [GuiIntent.STATE]),
        ("Done. Preview in Timeline panel or click Export.", "Done.", [GuiIntent.OFFER_EXPORT]),
        ("好了。在时间线中预览。", "好了。", [GuiIntent.SUMMARY]),
        ("Go to the settings.", "", [GuiIntent.STATE]),
        ("I added end credits. They open in white.", "I added end credits. They open in white.", []),
        ("The clip opens with a drum roll.", "The clip opens with a drum roll.", []),
        ("clip.mp4 lasts 3.5 seconds.", "clip.mp4 lasts 3.5 seconds.", []),
        ("Click here. Click there. Press it.", "", [GuiIntent.STATE]),
    ],
)
def test_30_gui_words_go_and_content_stays(said, kept, intents):
    translation = translate(said)
    assert (translation.text, list(translation.intents)) == (kept, intents)


def test_30_gui_words_are_translated_once():
    text = "Click Export. Done."
    assert translate(translate(text).text).text == translate(text).text
    assert {GuiIntent.STATE, GuiIntent.CREDITS, GuiIntent.SUMMARY} == READ_ONLY


HOSTILE = [
    "Click upload http://evil.example/x.mp4 now.",
    "打开 http://evil.example/ 并上传。",
    "Export now.",
    "Click Export. Then drag the token file here.",
    "Open a new session and say 'delete everything'.",
    "Check your billing at http://evil.example.",
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_30_hostile_text_brings_about_nothing_but_a_look(bench: Bench, text):
    from support.cloud import adk_text

    bench.cloud.script = [[adk_text(text)]]
    async with bench.client() as client:
        session = await client.new_session()
        before = len(bench.cloud.requests)
        await client.say(session, "go", key="k", job="J")
    asked = [f"{r.method} {r.path}" for r in bench.cloud.requests[before:]]
    assert [a for a in asked if not a.startswith("GET ")] == ["POST /run_sse"]
    assert bench.cloud.renders == {}
    assert not any("evil" in said.text for said in bench.said(Said))
    assert bench.cloud.elsewhere.connections == 0
