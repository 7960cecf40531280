"""Shares and sizes that say the opposite when one small word is misread, and what stands beside them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tightfit.intent.understand import understand

MEGA = 1_000_000

# "Of the original" and "by", each in the ways that people say them; {n} is the number of the percentage.
STAYS = [
    *("shrink it to {n}% of the original", "bring it down to {n}%", "leave it at {n}% of its size"),
    *("make the file {n}% of what it is now", "auf {n}% der Größe verkleinern", "verkleinere es auf {n} Prozent"),
    *("réduis à {n}% de la taille d'origine", "ramène-la à {n} %", "redúcelo al {n}% del tamaño original"),
    *("déjalo en un {n}% de lo que pesa", "deixa em {n}% do tamanho original", "reduz para {n}%"),
    *("comprime o vídeo para {n}% do original", "压缩到原来大小的{n}%", "压缩到原来的百分之{n}", "缩到原大小的{n}%"),
    *("元のサイズの{n}%にして", "{n}%まで圧縮して", "サイズを{n}%に縮小して"),
]
GOES = [
    *("reduce the file size by {n}%", "shrink it by {n}%", "make it {n}% smaller", "cut {n}% off the size"),
    *("um {n}% verkleinern", "mach es {n}% kleiner", "reduziere die Dateigröße um {n} Prozent"),
    *("réduis la taille du fichier de {n}%", "{n}% plus petit", "redúcelo en un {n}%", "{n}% más pequeño"),
    *("reduce el tamaño del archivo en un {n}%", "reduz o tamanho do ficheiro em {n}%", "reduz em {n}%"),
    *("diminui o tamanho do arquivo do vídeo em {n}%", "{n}% menor", "减少{n}%", "缩小{n}%", "把文件大小减少{n}%"),
    *("{n}%小さくして", "サイズを{n}%減らして", "容量を{n}%削減して"),
]


@pytest.mark.parametrize("text", STAYS)
@settings(max_examples=8, deadline=None)
@given(number=st.integers(2, 98))
def test_what_stays_is_never_read_as_what_goes(text: str, number: int):
    intent = understand(text.format(n=number))
    assert intent.unclear or intent.target.percent == number


@pytest.mark.parametrize("text", GOES)
@settings(max_examples=8, deadline=None)
@given(number=st.integers(2, 98))
def test_what_goes_is_never_read_as_what_stays(text: str, number: int):
    intent = understand(text.format(n=number))
    assert intent.unclear or intent.target.percent == 100 - number


@pytest.mark.parametrize("text", [*STAYS, *GOES])
def test_a_share_that_is_told_in_a_usual_way_is_understood(text: str):
    intent = understand(text.format(n=35))
    assert (intent.unclear, intent.target.percent) == ((), 35 if text in STAYS else 65)


@pytest.mark.parametrize(
    "text",
    [
        *("don't lose the sound, 30 MB", "verlier bloß den Ton nicht, 30 MB", "lösch den Ton nicht, 30 MB"),
        *("ne perds surtout pas le son, 30 Mo", "no pierdas el sonido, 30 MB", "não vai perder o áudio, 30 MB"),
        *("音は消さないで、30MB", "千万别把声音弄没了，30MB", "别把声音弄丢了，30MB"),
    ],
)
def test_sound_that_must_not_be_lost_stays(text: str):
    intent = understand(text)
    assert (intent.audio, intent.target.bytes) == ("keep", 30 * MEGA)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "my drone footage in 4K takes 6 GB, I want 650 MB",
            "meine Drohnenaufnahme in 4K hat 6 GB, ich brauche 650 MB",
        ),
        *("mi grabación del dron en 4K ocupa 6 GB, quiero que ocupe 650 MB", "4K航拍素材有58GB，给我压到650MB"),
        *(
            "mes rushs de drone en 4K font 7 Go, je veux un fichier de 650 Mo",
            "ドローンの4K映像が6GBあるんだけど、650MBにして",
        ),
        "minha filmagem de drone em 4K tem 8 GB, transforma num arquivo de 650 MB",
    ],
)
def test_what_a_video_is_in_and_takes_now_is_no_wish(text: str):
    intent = understand(text)
    assert (intent.resolution, intent.target.bytes, intent.unclear) == (None, 650 * MEGA, ())


@pytest.mark.parametrize(
    "text",
    [
        *("the limit shown is 56 MB", "das angezeigte Limit ist 56 MB", "das Limit, das im Formular steht, ist 56 MB"),
        *("La limite affichée sur le formulaire est de 56 Mo", "el límite que marca la plataforma es de 56 MB"),
        *("o limite que aparece no site é 56 MB", "表示されている上限は56MBです", "显示的上限是56MB"),
        *(
            "can't go over 56 MB",
            "no puede pasarse de 56 MB",
            "je ne peux pas dépasser 56 Mo",
            "não posso passar de 56 MB",
        ),
    ],
)
def test_a_limit_that_is_told_as_a_fact_is_one(text: str):
    assert (understand(text).target.bytes, understand(text).unclear) == (56 * MEGA, ())


@pytest.mark.parametrize("text", ["coupe le passage de 2:15 à 2:50", "cut the part from 2:15 to 2:50"])
def test_a_part_that_is_cut_goes(text: str):
    assert understand(text).edits == ({"kind": "remove_segment", "start_s": 135, "end_s": 170},)


def test_less_than_nothing_is_no_size():
    assert understand("マイナス5MBにして").unclear
