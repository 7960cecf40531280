"""What is most dangerous to misread: a size, a share or a stretch of the clip. Each class in every language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tightfit.intent.understand import understand

MEGA = 1_000_000


def sizes(text: str) -> set[int | None]:
    """The size that would be made, and None where it would be asked for first."""
    intent = understand(text)
    return {None} if intent.unclear or intent.question else {intent.target.bytes}


@pytest.mark.parametrize(
    "text",
    [
        *("my line does 2 MB per second, make it 30 MB", "the limit is 5 MB a minute so go for 30 MB"),
        *("der Upload schafft 2 MB pro Sekunde, mach 30 MB draus", "subo a 2 MB por segundo, déjalo en 30 MB"),
        *("j'envoie à 2 Mo par seconde, donc mets 30 Mo", "aqui sobe 2 MB por segundo, deixa em 30 MB"),
        *("上传速度每秒2MB，弄成30MB吧", "アップロードは毎秒2MBなので、30MBにして"),
    ],
)
def test_a_pace_is_no_size(text: str):
    assert sizes(text) == {30 * MEGA}


@pytest.mark.parametrize("text", ["2 MB per second", "2 MB pro Sekunde", "2 Mo par seconde", "每秒2MB", "毎秒2MB"])
def test_a_pace_alone_is_asked_about(text: str):
    assert not understand(text).target.bytes


@pytest.mark.parametrize(
    "text",
    [
        *("make it 50 MB smaller", "50 MB less", "take 50 MB off", "reduce it by 50 MB", "20 MB minimum"),
        *("um 50 MB verkleinern", "50 MB weniger", "50 MB menos", "50 Mo de moins", "réduis de 50 Mo"),
        *("redúcelo en 50 MB", "reduz 50 MB", "50 MB a menos", "减少50MB", "少50MB", "50MB減らして", "50MB小さくして"),
        *("I'm 20 MB over the limit", "ich bin 20 MB über dem Limit", "se pasa por 20 MB", "il y a 20 Mo de trop"),
        *("passou 20 MB do limite", "超了20MB", "20MBオーバーしてる"),
    ],
)
def test_a_size_that_goes_is_no_limit(text: str):
    assert sizes(text) == {None}


@pytest.mark.parametrize(
    "text",
    [
        *("20-30 MB", "somewhere between 20 and 30 MB", "20 to 30 MB", "zwischen 20 und 30 MB", "20 bis 30 MB"),
        *("entre 20 y 30 MB", "entre 20 et 30 Mo", "algo entre 20 e 30 MB", "20到30MB之间", "20から30MBの間で"),
    ],
)
def test_a_range_of_sizes_is_asked_about(text: str):
    assert sizes(text) == {None}


@pytest.mark.parametrize(
    ("text", "size"),
    [
        *(("one point five gigs", 1500), ("point five gigs", 500), ("eins Komma fünf Gigabyte", 1500)),
        *(("uno coma cinco gigas", 1500), ("un virgule cinq giga", 1500), ("um vírgula cinco gigas", 1500)),
        *(("一点五个G", 1500), ("帧率30，80兆", 80), ("1,5 GB bitte", 1500), ("0.5ギガで", 500)),
    ],
)
def test_a_decimal_mark_in_words_and_a_comma_beside_han(text: str, size: int):
    assert sizes(text) == {size * MEGA}


@pytest.mark.parametrize(
    ("text", "size"),
    [
        *(("not 50, I meant 15 MB", 15), ("not 20 MB but 30 MB", 30), ("12 MB no sorry 14", 14)),
        *(("nicht 20 MB, sondern 30 MB", 30), ("12 MB... hmm, doch lieber 15 MB", 15), ("no 20 MB sino 30 MB", 30)),
        *(("pas 20 Mo mais 30 Mo", 30), ("12 Mo... euh, finalement plutôt 15 Mo", 15), ("não 20 MB, mas 30 MB", 30)),
        *(("不是20MB，是30MB", 30), ("12兆……嗯，想了想还是15兆", 15), ("20MBじゃなくて30MB", 30)),
        *(("I said 3 MB, not 30", 3), ("dije 3 MB, no 30", 3), ("j'ai dit 3 Mo, pas 30", 3), ("what I want: 9 MB", 9)),
        *(("猫の動画が300MBくらいあって、見せたいので25MBにしたいです", 25), ("it is simple: 9 MB, square", 9)),
        *(("视频应该是15MB，现在是150MB", 15), ("it was 3 GB, got it to 1.2 GB, now I need 200 MB", 200)),
        *(("es war 3 GB groß, jetzt sind es 1,2 GB, ich brauche 200 MB", 200), ("from 500MB to 50MB", 50)),
        *(("pesaba 3 GB, ahora pesa 1,2 GB, necesito 200 MB", 200), ("元は3GB、今は1.2GB、200MBにしたい", 200)),
    ],
)
def test_what_is_taken_back_and_what_was_is_no_limit(text: str, size: int):
    assert sizes(text) == {size * MEGA}


@pytest.mark.parametrize(
    ("text", "share"),
    [
        *(("cut its size by 40%", 60), ("cut its size to 40%", 40), ("knock it down by a quarter", 75)),
        *(("a third less", 66.67), ("a third of it", 33.33), ("3 times smaller", 33.33), ("60% lighter", 40)),
        *(("um ein Viertel reduzieren", 75), ("auf ein Viertel reduzieren", 25), ("20 Prozent weniger", 80)),
        *(("recorta el tamaño un 40 %", 60), ("recorta el tamaño al 40 %", 40), ("déjalo en un tercio", 33.33)),
        *(("ahórrame un 45 % del peso", 55), ("réduis la taille de 40 %", 60), ("réduis la taille à 40 %", 40)),
        *(("économise 45 % du poids", 55), ("reduz o tamanho em 40%", 60), ("reduz o tamanho para 40%", 40)),
        *(("deixa em um terço do tamanho", 33.33), ("reduz em um quarto", 75), ("deixa 60% mais leve", 40)),
        *(("体积减掉三分之一", 66.67), ("缩小到三分之一", 33.33), ("大小减40%", 60), ("大小减到40%", 40)),
        *(
            ("4分の1だけ小さくして", 75),
            ("4分の1に縮めて", 25),
            ("サイズを40%減らして", 60),
            ("サイズを40%に減らして", 40),
        ),
    ],
)
def test_by_to_and_of(text: str, share: float):
    intent = understand(text)
    assert (intent.target.percent, intent.unclear) == (share, ())


@pytest.mark.parametrize("text", ["frobnicate 45 % del peso", "xyzzy 30 % of the size", "压缩原来的30%"])
def test_a_share_whose_verb_does_not_tell_is_asked_about(text: str):
    assert understand(text).unclear


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        *(("everything after 2:00 can go", None, 120), ("lose the intro (first 6 seconds)", 6, None)),
        *(("start it at 0:12, end it at 0:48", 12, 48), ("fang bei 0:12 an und hör bei 0:48 auf", 12, 48)),
        *(("keep 10 seconds from 0:30", 30, 40), ("trim the first 3 seconds off", 3, None)),
        *(("tudo depois de 2:00 pode sair", None, 120), ("1:05到结尾", 65, None), ("冒頭を3秒カット", 3, None)),
        *(("开头剪掉3秒", 3, None), ("de 1:05 jusqu'à la fin", 65, None), ("1:05から最後まで", 65, None)),
    ],
)
def test_what_goes_is_not_what_stays(text: str, start: float | None, end: float | None):
    trim = understand(text).trim
    assert (trim.start_s or None, trim.end_s) == (start, end)


@pytest.mark.parametrize(
    "text",
    [
        *("keep everything except the last 10 seconds", "alles außer den letzten 10 Sekunden behalten"),
        *("quédate con todo menos los últimos 10 segundos", "garde tout sauf les 10 dernières secondes"),
        *("fica com tudo menos os últimos 10 segundos", "除了最后10秒都留着", "最後の10秒以外は残して"),
    ],
)
def test_all_but_a_stretch_loses_that_stretch(text: str):
    assert understand(text).edits == ({"kind": "remove_segment", "last_s": 10},)


@pytest.mark.parametrize(
    "text", ["Don't crop it use mkv", "nicht zuschneiden, als mkv", "no lo recortes, usa mkv", "别裁剪，用mkv"]
)
def test_a_denied_edit_takes_no_other_wish_with_it(text: str):
    intent = understand(text)
    assert (intent.container, intent.edits, intent.unclear) == ("mkv", (), ())


@pytest.mark.parametrize(
    "text", ["请不要去掉声音，64MB以下", "please don't remove the audio, 64MB", "Ton nicht entfernen, 64MB"]
)
def test_a_denied_silence_is_sound(text: str):
    assert understand(text).audio == "keep"


@pytest.mark.parametrize(
    "text",
    [
        *("between 1:05 and 1:12 the dog barks, remove that part", "from 1:05 to 1:12 it is blurry, cut it out"),
        *("1:05 to 1:12 the dog barks, cut it", "zwischen 1:05 und 1:12 bellt der Hund, das muss raus"),
        *("von 1:05 bis 1:12 ist es unscharf, lösch diesen Teil", "entre 1:05 y 1:12 alguien tose, quítalo"),
        *("entre 1:05 y 1:12 se ve borroso, borra esa parte", "entre 1:05 et 1:12 le chien aboie, retire-moi ça"),
        *("entre 1 min 05 et 1 min 12 c'est flou, vire ce passage", "entre 1:05 e 1:12 alguém tosse, tira isso"),
        *("entre 1:05 e 1:12 fica borrado, apaga esse trecho", "1分05秒到1分12秒有人咳嗽，把这段删掉"),
        *("1:05到1:12孩子哭了，剪掉它", "1:05から1:12はぼやけてるので、その部分を取り除いて"),
        *("1:05から1:12は犬が吠えてるから、そこだけ消して",),
    ],
)
def test_a_stretch_told_of_is_removed_by_a_pronoun(text: str):
    intent = understand(text)
    assert intent.edits == ({"kind": "remove_segment", "start_s": 65, "end_s": 72},)
    assert not intent.unclear


@pytest.mark.parametrize(
    "text",
    [
        *("the last 5 seconds shake, cut it", "die letzten 5 Sekunden wackeln, schneide sie ab"),
        *("los últimos 5 segundos se mueven mucho, córtalos", "les 5 dernières secondes tremblent, coupe-les"),
        *("os últimos 5 segundos tremem, corta fora", "结尾那5秒晃得厉害，剪掉它", "最後の5秒いらないから削って"),
    ],
)
def test_an_end_told_of_is_removed_by_a_pronoun(text: str):
    intent = understand(text)
    assert (intent.edits, intent.unclear) == (({"kind": "remove_segment", "last_s": 5},), ())


@pytest.mark.parametrize(
    "text",
    [
        *("mute only 0:10 to 0:15, someone swears", "from 0:10 to 0:15 a phone rings, mute that part"),
        *(
            "nur von 0:10 bis 0:15 stumm schalten, da flucht einer",
            "silencia solo del segundo 10 al 15, sale un nombre",
        ),
        *("coupe le son seulement de 0:10 à 0:15, on entend un gros mot", "tira o som só de 0:10 a 0:15"),
        *("只把0:10到0:15静音，有人骂人", "0:10到0:15电话响了，把这段静音", "0:10から0:15だけミュートして"),
    ],
)
def test_a_stretch_is_muted_and_nothing_else(text: str):
    intent = understand(text)
    assert intent.edits == ({"kind": "mute", "start_s": 10, "end_s": 15},)
    assert (intent.audio, intent.trim.start_s, intent.unclear) == (None, None, ())


@pytest.mark.parametrize("text", ["only 0:20 to 0:35, mute it", "keep 0:20 to 0:35 and mute it"])
def test_what_is_kept_and_muted_is_both(text: str):
    intent = understand(text)
    assert (intent.audio, intent.trim.start_s, intent.trim.end_s) == ("none", 20, 35)


@pytest.mark.parametrize(
    "text",
    [
        *("from 0:20 to 0:35 there is music, remove it", "the first minute is boring, 20 MB"),
        *("900 MB and reduce it to 80", "reduz em 80 porque o clip tem 900 MB", "it is 900 MB, at 60"),
    ],
)
def test_what_could_be_either_is_asked_about(text: str):
    assert understand(text).unclear


@pytest.mark.parametrize(
    "text",
    [
        *("everything after the first two minutes can go", "alles nach den ersten 2 Minuten kann weg"),
        *(
            "todo lo que viene después de los primeros 2 minutos sobra",
            "tout après les 2 premières minutes peut sauter",
        ),
        *("tudo depois dos primeiros 2 minutos pode sair", "前两分钟之后的都不要", "最初の2分以降はいらない"),
    ],
)
def test_what_follows_the_first_minutes_goes(text: str):
    trim = understand(text).trim
    assert (trim.start_s or None, trim.end_s) == (None, 120)


@pytest.mark.parametrize(
    "text",
    [
        *("it's 900 MB now and I need it at 80", "from 900 MB to 80", "es hat 900 MB und ich brauche es auf 80"),
        *("ahora pesa 900 megas y lo necesito en 80", "elle pèse 900 Mo et je la veux à 80", "de 900 Mo à 80"),
        *("está com 900 MB e preciso que fique em 80", "现在是900兆，要压到80", "今900MBなんですが、80にしたいです"),
        *(
            "12 MB... oops, typo, it is 80 MB",
            "12 MB, ach, falsch getippt, 80 MB",
            "12 MB, uy, me equivoqué, son 80 MB",
        ),
        *(
            "12 Mo... oups, je me suis trompé, c'est 80 Mo",
            "12 MB… ops, errei, é 80 MB",
            "12MB、あ、打ち間違えた、80MB",
        ),
    ],
)
def test_a_second_number_has_the_unit_of_what_was(text: str):
    assert sizes(text) == {80 * MEGA}


@pytest.mark.parametrize(
    "text",
    [
        *("a gigabyte and a half at most", "höchstens anderthalb Gigabyte", "no más de gigabyte y medio"),
        *("un giga et demi maximum", "no máximo giga e meio", "最多一个半G", "1ギガ半以内"),
    ],
)
def test_one_and_a_half_in_words(text: str):
    assert sizes(text) == {1500 * MEGA}


ASKED = [
    *("make it {n} MB", "{n} MB please", "under {n} MB", "auf {n} MB bringen", "höchstens {n} MB", "unter {n} MB"),
    *("déjalo en {n} MB", "menos de {n} MB", "mets-la à {n} Mo", "moins de {n} Mo", "deixa em {n} MB"),
    *("no máximo {n} MB", "压到{n}MB", "{n}MB以内", "{n}MBにして", "{n}MB以下で"),
]
TOLD = [
    *("version {d} of the cut", "my iPhone {d}", "the {d} of us are in it", "it's {d} minutes long", "chapter {d}"),
    *("it weighs {b} MB", "es hat {b} MB", "pesa {b} MB", "elle fait {b} Mo", "tem {b} MB", "原来是{b}MB", "元は{b}MB"),
    *("filmed at {d} fps", "mit {d} Kindern", "para {d} alumnos", "pour {d} élèves", "iPhone {d}拍的", "{d}人で撮影"),
]


@given(
    asked=st.sampled_from(ASKED),
    told=st.sampled_from(TOLD),
    n=st.integers(5, 90),
    d=st.integers(2, 60),
    b=st.integers(100, 900),
    first=st.booleans(),
)
def test_no_other_number_is_ever_the_size(asked: str, told: str, n: int, d: int, b: int, first: bool):
    parts = [told.format(d=d, b=b), asked.format(n=n)]
    text = ", ".join(parts if first else parts[::-1])
    assert sizes(text) <= {None, n * MEGA}, text


@pytest.mark.parametrize(
    "text",
    [
        *("20 MB or 25?", "20 Mo ou bien 25 ?", "20 MB o mejor 25?", "20 MB ou melhor 25?", "20MB还是25？"),
        *("ten to fifteen MB", "zehn bis fünfzehn MB", "la parte del medio, de 1:00 a 2:00, 20 MB o 30 MB"),
        *("zarandéale un tercio", "frobnicate a quarter", "stumm, aber mit Ton, 12 MB", "mudo pero con sonido, 12 MB"),
        *("muette mais avec le son, 12 Mo", "mudo mas com som, 12 MB", "ミュートだけど音は残して、12MB"),
    ],
)
def test_what_may_be_two_things_is_asked_about(text: str):
    assert understand(text).unclear


@pytest.mark.parametrize(
    ("text", "size"),
    [
        *(("2 hundred meg", 200), ("un quart de giga", 250), ("a quarter of a gig", 250), ("um quarto de giga", 250)),
        *(("四分之一个G", 250), ("半个G以内", 500), ("sechzehneinhalb MB", 16.5), ("sorry typo, 14 MB, not 41 MB", 14)),
        *(("me equivoqué, 14 MB, no 41 MB", 14), ("40MB，嗯，还是38MB吧", 38), ("8 MB. Nein, halt, 9 MB.", 9)),
        *(('the form says "max 48 MB"', 48), ("表单上写着“最大48MB”", 48), ("音は消して10MB", 10)),
    ],
)
def test_a_size_is_read_as_it_is_told(text: str, size: float):
    assert understand(text).target.bytes == size * MEGA


@pytest.mark.parametrize(
    "text", ["右に4分の1回転", "半分に分割して", "quiet it down by 30%", "la parte del medio de 1:00 a 2:00 se va"]
)
def test_a_share_of_something_else_is_no_share_of_the_file(text: str):
    assert understand(text).target.percent is None


@pytest.mark.parametrize("text", ["frobnicate the last 30 seconds", "vuela el último medio minuto"])
def test_a_stretch_whose_verb_is_unknown_does_not_simply_stay(text: str):
    intent = understand(text)
    assert intent.unclear
    assert not intent.trim
