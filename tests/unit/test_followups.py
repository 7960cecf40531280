"""What is said of what was done before, in every language there is; and what only sounds like it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hostile_text import hostile

from tightfit.intent.followup import FollowUp, Kind, follow_up, language_of
from tightfit.intent.lexicon import languages, read, split

SAID: dict[str, dict[str, str]] = {
    "en": {
        "smaller": "make it smaller | even smaller please | it's still too big | can you shrink it further?",
        "smaller little": "a bit smaller | make it a little smaller please",
        "better little": "a bit better quality | make it slightly nicer",
        "better": "better quality please | it's too blurry | improve the quality",
        "same 2": "same for the other two | do the same for the other 2",
        "same others": "and the others too | same for the rest | the others?",
        "same b.mp4": "same for b.mp4 | do the same with b.mp4",
        "undo": "undo that | take it back | go back to the previous one",
        "where": "where is it? | where did you save it? | where's the file",
        "did": "what did you do? | what have you done | show me the history",
        "connect": "connect to the cloud",
        "quit": "bye | that's all, thanks | quit",
    },
    "de": {
        "smaller": "mach es kleiner | noch kleiner bitte | ist immer noch zu groß",
        "smaller little": "ein bisschen kleiner | noch etwas kleiner bitte",
        "better little": "etwas bessere Qualität | ein wenig schärfer",
        "better": "bessere Qualität bitte | sieht schlecht aus",
        "same 2": "dasselbe für die anderen zwei | das gleiche für die anderen 2",
        "same others": "und die anderen auch | genauso für den Rest",
        "same b.mp4": "dasselbe für b.mp4",
        "undo": "mach das rückgängig | nimm das zurück",
        "where": "wo ist es? | wo liegt die Datei? | wo hast du es gespeichert?",
        "did": "was hast du gemacht? | zeig mir den Verlauf",
        "connect": "mit der Cloud verbinden",
        "quit": "tschüss | das wars, danke",
    },
    "es": {
        "smaller": "hazlo más pequeño | todavía más pequeño | sigue siendo demasiado grande",
        "smaller little": "un poco más pequeño",
        "better little": "un poco mejor calidad | un poco más de calidad",
        "better": "mejor calidad por favor | se ve borroso",
        "same 2": "lo mismo para los otros dos | haz lo mismo con los otros 2",
        "same others": "y los demás también | lo mismo para el resto",
        "same b.mp4": "lo mismo para b.mp4",
        "undo": "deshaz eso | deshacer | vuelve a lo anterior",
        "where": "¿dónde está? | ¿dónde lo guardaste?",
        "did": "¿qué hiciste? | ¿qué has hecho? | muéstrame el historial",
        "connect": "conéctate a la nube",
        "quit": "adiós | eso es todo, gracias",
    },
    "fr": {
        "smaller": "plus petit | encore plus petit s'il te plaît | c'est toujours trop gros",
        "smaller little": "un peu plus petit",
        "better little": "un peu meilleure qualité | une qualité un peu meilleure",
        "better": "meilleure qualité | c'est trop flou",
        "same 2": "pareil pour les deux autres | la même chose pour les 2 autres",
        "same others": "et les autres aussi | pareil pour le reste",
        "same b.mp4": "la même chose pour b.mp4",
        "undo": "annule ça | reviens en arrière",
        "where": "où est-il ? | où l'as-tu mis ? | où est le fichier",
        "did": "qu'as-tu fait ? | qu'est-ce que tu as fait ? | montre-moi l'historique",
        "connect": "connecte-toi au cloud",
        "quit": "au revoir | c'est tout, merci",
    },
    "pt": {
        "smaller": "faz menor | ainda menor por favor | ainda está grande demais",
        "smaller little": "um pouco menor",
        "better little": "um pouco melhor | um pouco mais de qualidade",
        "better": "melhor qualidade por favor | ficou ruim",
        "same 2": "o mesmo para os outros dois | faz o mesmo com os outros 2",
        "same others": "e os outros também | o mesmo para o resto",
        "same b.mp4": "o mesmo para b.mp4",
        "undo": "desfaz isso | volta para o anterior",
        "where": "onde está? | cadê o arquivo? | onde você salvou?",
        "did": "o que você fez? | mostra o histórico",
        "connect": "conecta na nuvem",
        "quit": "tchau | é só isso, obrigado",
    },
    "zh": {
        "smaller": "再小一点 | 还是太大了 | 再压缩一下",
        "smaller little": "稍微小一点",
        "better little": "画质稍微好一点",
        "better": "画质好一点 | 太模糊了 | 提高画质",
        "same 2": "另外两个也一样 | 其他2个同样处理",
        "same others": "其他的也一样 | 剩下的也这样",
        "same b.mp4": "b.mp4也一样",
        "undo": "撤销 | 回到上一个",
        "where": "在哪里？ | 文件在哪？ | 存哪了",
        "did": "你做了什么？ | 显示历史",
        "connect": "连接云端",
        "quit": "再见 | 退出",
    },
    "ja": {
        "smaller": "もっと小さくして | まだ大きすぎる",
        "smaller little": "もう少し小さくして",
        "better little": "もう少し画質を上げて | 少しきれいにして",
        "better": "もっときれいに | 画質を良くして",
        "same 2": "他の二つも同じように | 残りの2つも同じことをして",
        "same others": "他のも同じように | 残りも同様に",
        "same b.mp4": "b.mp4も同じように",
        "undo": "元に戻して | 取り消して",
        "where": "どこにありますか？ | どこに保存した？",
        "did": "何をしましたか？ | 履歴を見せて",
        "connect": "クラウドに接続して",
        "quit": "終了 | さようなら",
    },
}
CASES = [
    (language, what, text.strip())
    for language, kinds in SAID.items()
    for what, texts in kinds.items()
    for text in texts.split("|")
]


def exists(name: str) -> bool:
    return name == "b.mp4"


def expected(language: str, what: str) -> FollowUp:
    kind, _, more = what.partition(" ")
    return FollowUp(
        Kind(kind),
        language,
        little=more == "little",
        others=more in ("2", "others"),
        number=2 if more == "2" else None,
        files=("b.mp4",) if more == "b.mp4" else (),
    )


def test_every_language_is_tried():
    assert set(SAID) == set(languages())


@pytest.mark.parametrize(("language", "what", "text"), CASES)
def test_it_is_understood(language: str, what: str, text: str):
    assert follow_up(text, exists, language) == expected(language, what)


@pytest.mark.parametrize(("language", "what", "text"), CASES)
def test_it_is_understood_in_a_session_of_another_language(language: str, what: str, text: str):
    other = "de" if language == "en" else "en"
    found = follow_up(text, exists, other)
    assert found is not None
    assert (found.kind, found.files, found.number) == (
        (want := expected(language, what)).kind,
        want.files,
        want.number,
    )


@pytest.mark.parametrize("language", languages())
def test_every_phrase_of_a_language_file_means_what_it_stands_for(language: str):
    wrong = []
    for key, text in read(language)["talk"].items():
        if key in ("little", "others"):
            continue
        for phrase in split(text):
            found = follow_up(phrase, exists, language)
            if found is None or found.kind != key:
                wrong.append((key, phrase, found))
    assert not wrong


@pytest.mark.parametrize(
    "text",
    [
        *("make it smaller than 40MB", "compress b.mp4 to 5MB", "now for whatsapp", "where is it? rm -rf /"),
        *("undo the subtitles", "make it 20% smaller", "better and smaller", "remove the others", "don't undo that"),
        *("credits", "stop", "help", "half the size", "delete it", "make it louder", "where are the 5 MB"),
        *("nicht rückgängig machen", "kleiner als 5 MB", "hazlo de 5 MB", "plus petit que 10 Mo", "menor que 3 MB"),
        *("小于5MB", "别撤销", "5MBより小さく", "取り消さないで", "undo; reboot", "same $(id)", "", " ", "?"),
    ],
)
def test_what_asks_for_more_or_for_the_contrary_is_no_follow_up(text: str):
    assert follow_up(text, exists, "en") is None


def test_nothing_hostile_is_a_follow_up():
    assert not [text for text in hostile(500, seed=20261128) if follow_up(text, exists)]


@settings(deadline=None)
@given(st.text())
def test_any_text_is_one_or_none(text: str):
    assert isinstance(follow_up(text, exists), FollowUp | None)


@pytest.mark.parametrize(
    ("text", "usual", "language"),
    [
        *(("8MB", "de", "de"), ("discord", "ja", "ja"), ("b.mp4", "fr", "fr"), ("", "pt", "pt")),
        *(("make it smaller", "de", "en"), ("ohne Ton", "en", "de"), ("不要声音", "en", "zh")),
    ],
)
def test_a_session_stays_in_its_language_where_nothing_tells(text: str, usual: str, language: str):
    assert language_of(text, exists, usual) == language
