"""Files that mean harm, each made by code: what they name, claim or are called is the attack."""

from __future__ import annotations

import gzip
import os
import socket
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from support.bait import Bait
from support.boxes import alias, box, dref, element, patched
from support.footage import lavfi, make

Write = Callable[[Path, Bait], object]


@dataclass(frozen=True)
class Attack:
    """``write`` makes the file of that ``name``."""

    name: str
    write: Write


def _text(content: str) -> Write:
    """``{media}``, ``{text}``, ``{url}`` and ``{port}`` stand for the bait."""

    def write(path: Path, bait: Bait) -> None:
        told = {"media": bait.media, "text": bait.text, "url": bait.url, "port": bait.port}
        filled = content
        for key, value in told.items():
            filled = filled.replace("{" + key + "}", str(value))
        path.write_text(filled)

    return write


_HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:3\n{head}#EXTINF:3,\n{entry}\n#EXT-X-ENDLIST\n"


def _hls(entry: str, head: str = "") -> Write:
    return _text(_HLS.replace("{head}", head).replace("{entry}", entry))


_SDP = (
    "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n"
)
_DASH = '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT3S"><Period>'
_DASH += '<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{url}</BaseURL>'
_DASH += "</Representation></AdaptationSet></Period></MPD>"
_SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="64" height="64">'
_SVG += '<image xlink:href="file://{media}"/><image href="{url}"/></svg>'
_XXE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file://{text}">]>'
_ASS = "[Script Info]\nScriptType: v4.00+\n[Fonts]\nfontname: ../../evil.ttf\n[Events]\n"
_ASS += "Dialogue: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,{text}\n"

PLAYLISTS = [
    Attack("hls-file.mp4", _hls("file://{media}")),
    Attack("hls-path.mkv", _hls("{media}")),
    Attack("hls-http.mp4", _hls("{url}")),
    Attack("hls.m3u8", _hls("{media}")),
    Attack("hls-bom.mp4", _text("\ufeff" + _HLS.replace("{head}", "").replace("{entry}", "{media}"))),
    Attack("hls-after-blanks.mp4", _text("\n \t\n" + _HLS.replace("{head}", "").replace("{entry}", "{media}"))),
    Attack("hls-after-kilobytes.mp4", _text("\n" * 5000 + _HLS.replace("{head}", "").replace("{entry}", "{media}"))),
    Attack("hls-nested.mp4", _text("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhls-http.mp4\n")),
    Attack("hls-itself.mp4", _text("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhls-itself.mp4\n")),
    Attack("hls-key.mp4", _hls("sibling.ts", '#EXT-X-KEY:METHOD=AES-128,URI="file://{text}"\n')),
    Attack("hls-map.mp4", _hls("sibling.ts", '#EXT-X-MAP:URI="{url}"\n')),
    Attack("hls-concat.mp4", _hls("concat:{url}|file://{text}")),
    Attack("hls-subfile.mp4", _hls("subfile,,start,0,end,64,,:{text}")),
    Attack("hls-crypto.mp4", _hls("crypto+file://{media}")),
    Attack("hls-tcp.avi", _hls("tcp://127.0.0.1:{port}")),
    Attack("hls-udp.mp4", _hls("udp://127.0.0.1:{port}")),
    Attack("list.m3u", _text("{media}\n{url}\n")),
    Attack("list.pls", _text("[playlist]\nFile1={url}\nNumberOfEntries=1\n")),
    Attack("concat.mp4", _text("ffconcat version 1.0\nfile sibling.ts\n")),
    Attack("concat-absolute.mp4", _text("ffconcat version 1.0\nfile {media}\n")),
    Attack(
        "concat-option.mp4", _text("ffconcat version 1.0\nfile sibling.ts\noption protocol_whitelist file,http,tcp\n")
    ),
    Attack("concat-bare.mp4", _text("file '{media}'\nfile '{url}'\n")),
    Attack("dash.mp4", _text('<?xml version="1.0"?>' + _DASH)),
    Attack("dash-bare.mp4", _text(_DASH)),
    Attack("dash-entity.mp4", _text(_XXE + "<MPD>&e;</MPD>")),
    Attack("xspf.mp4", _text("<playlist><trackList><track><location>{url}</location></track></trackList></playlist>")),
    Attack("asx.wmv", _text('<ASX version="3.0"><Entry><Ref href="{url}"/></Entry></ASX>')),
    Attack("smil.mp4", _text('<smil><body><video src="{url}"/></body></smil>')),
    Attack("sdp.mp4", _text(_SDP)),
    Attack("reference.asf", _text("[Reference]\nRef1={url}\nRef2=file://{media}\n")),
    Attack("rtsptext.mov", _text("RTSPtext\nrtsp://127.0.0.1:{port}/x\n")),
    Attack("drawing.mp4", _text(_SVG)),
    Attack("drawing.svg", _text('<?xml version="1.0"?>' + _SVG)),
    Attack("drawing.svgz", lambda path, _: path.write_bytes(gzip.compress(_SVG.encode()))),
]
SUBTITLES_AND_SCRIPTS = [
    Attack(
        "vobsub.idx",
        _text("# VobSub index file, v7\nsize: 64x64\nid: en, index: 0\ntimestamp: 00:00:00:000, filepos: 0\n"),
    ),
    Attack("vobsub.mp4", _text("# VobSub index file, v7\nid: en, index: 0\n")),
    Attack("subrip.mp4", _text("1\n00:00:00,000 --> 00:00:01,000\n<img src='file://{media}'>\n")),
    Attack("ass.mkv", _text(_ASS)),
    Attack("webvtt.mp4", _text("WEBVTT\n\nSTYLE\n::cue {background:url({url})}\n\n00:00.000 --> 00:01.000\nx\n")),
    Attack("sami.mp4", _text("<SAMI><BODY><SYNC Start=0><P><img src={url}></BODY></SAMI>\n")),
    Attack("ttml.mp4", _text('<?xml version="1.0"?><tt><body><p begin="0s">{url}</p></body></tt>')),
    Attack("lyrics.mp4", _text("[ti:x]\n[00:01.00]{url}\n")),
    Attack("script.avs", _text('DirectShowSource("{media}")\n')),
    Attack("script.mp4", _text('AviSource("{media}")\n')),
    Attack("script.vpy", _text('import vapoursynth as vs\nvs.core.lsmas.LWLibavSource("{media}").set_output()\n')),
    Attack("shell.mp4", _text("#!/bin/sh\ncat {text}\n")),
    Attack("metadata.mp4", _text(";FFMETADATA1\ntitle={text}\n")),
    Attack("graph.mp4", _text("movie={media}")),
    Attack("page.mp4", _text("<html><video src='{url}'></video></html>")),
]


def _png(width: int, height: int) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    rows = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    coded = b"".join(rows.compress(row) for _ in range(height)) + rows.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", coded) + chunk(b"IEND", b"")


def _picture(width: int, height: int) -> Write:
    return lambda path, _: path.write_bytes(_png(width, height))


def _bomb_movie(path: Path, _: Bait) -> None:
    picture = path.with_name(f"{path.name}.png")
    picture.write_bytes(_png(16000, 16000))
    make("-max_pixels", 0x7FFFFFFF, "-i", picture, "-c", "copy", path)
    picture.unlink()


def _made(*options: object) -> Write:
    return lambda path, bait: make("-i", bait.clip, *options, path)


def _many_streams(path: Path, bait: Bait) -> None:
    make("-i", bait.clip, *["-map", "0:v"] * 400, "-c", "copy", path)


def _gap(path: Path, _: Bait) -> None:
    shown = "setpts='if(eq(N,0),0,36000/TB)'"
    make(*lavfi(f"testsrc=s=64x64:r=1:d=2,{shown}"), "-fps_mode", "passthrough", "-c:v", "libx264", path)


def _mp4(change: Callable[[bytes], bytes]) -> Write:
    return lambda path, bait: path.write_bytes(change(bait.clip.read_bytes()))


def _bytes(content: bytes) -> Write:
    return lambda path, _: path.write_bytes(content)


def _nested(depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = box(b"moov", content)
    return box(b"ftyp", b"isom\0\0\0\0isom") + content


def _huge_moov(content: bytes) -> bytes:
    at = content.index(b"moov")
    return content[: at - 4] + struct.pack(">I4sQ", 1, b"moov", 2**63) + content[at + 4 :]


_FLV = b"FLV\x01\x05\0\0\0\x09\0\0\0\0\x12\xff\xff\xff" + bytes(7) + b"\x02\0\x0aonMetaData\x08\xff\xff\xff\xff"
_BIG = struct.pack(">I", 0xFFFFFFFF)
BOMBS = [
    Attack("picture-bomb.png", _picture(16000, 16000)),
    Attack("picture-bomb.mp4", _picture(16000, 16000)),
    Attack("picture-wide.png", _picture(65535, 2)),
    Attack("movie-bomb.mov", _bomb_movie),
    Attack(
        "gif-bomb.gif", _bytes(b"GIF89a\xff\xff\xff\xff\x00\x00\x00,\0\0\0\0\xff\xff\xff\xff\x00\x02\x02L\x01\x00;")
    ),
    Attack("streams.mp4", _many_streams),
    Attack("gap.mkv", _gap),
    Attack("lying-duration.mp4", _mp4(lambda c: patched(c, b"mvhd", 16, _BIG))),
    Attack("no-time-base.mp4", _mp4(lambda c: patched(c, b"mdhd", 12, bytes(4)))),
    Attack("huge-time-base.mp4", _mp4(lambda c: patched(c, b"mdhd", 12, _BIG))),
    Attack("negative-time-base.mp4", _mp4(lambda c: patched(c, b"mdhd", 12, struct.pack(">I", 0x80000000)))),
    Attack("movie-time-base.mp4", _mp4(lambda c: patched(c, b"mvhd", 12, bytes(4)))),
    Attack("stts-count.mp4", _mp4(lambda c: patched(c, b"stts", 4, _BIG))),
    Attack("stts-run.mp4", _mp4(lambda c: patched(c, b"stts", 8, _BIG))),
    Attack("stts-step.mp4", _mp4(lambda c: patched(c, b"stts", 12, _BIG))),
    Attack("stsz-count.mp4", _mp4(lambda c: patched(c, b"stsz", 8, _BIG))),
    Attack("stsz-one-size.mp4", _mp4(lambda c: patched(c, b"stsz", 4, struct.pack(">II", 1, 0x7FFFFFFF)))),
    Attack("stsc-count.mp4", _mp4(lambda c: patched(c, b"stsc", 4, _BIG))),
    Attack("stco-count.mp4", _mp4(lambda c: patched(c, b"stco", 4, _BIG))),
    Attack("stco-beyond.mp4", _mp4(lambda c: patched(c, b"stco", 8, _BIG))),
    Attack("ctts-offset.mp4", _mp4(lambda c: patched(c, b"ctts", 8, struct.pack(">Ii", 0xFFFFFFFF, -(2**31))))),
    Attack("edit-list.mp4", _mp4(lambda c: patched(c, b"elst", 4, struct.pack(">IIi", 0xFFFFFFFF, 0xFFFFFFFF, -2)))),
    Attack("stsd-size.mp4", _mp4(lambda c: patched(c, b"avc1", 24, b"\xff\xff\xff\xff"))),
    Attack("deep.mp4", _bytes(_nested(20_000))),
    Attack("moov-endless.mp4", _mp4(lambda c: patched(c, b"moov", -8, bytes(4)))),
    Attack(
        "moov-huge.mp4",
        _mp4(lambda c: c[: c.index(b"moov") - 4] + struct.pack(">I4sQ", 1, b"moov", 2**63) + c[c.index(b"moov") + 4 :]),
    ),
    Attack("moov-self.mp4", _mp4(lambda c: patched(c, b"moov", -8, struct.pack(">I", 8)))),
    Attack("deep.mkv", _bytes(element(0x1A45DFA3, b"\x42\x82\x84webm") + element(0x18538067, b"\xae" * 200_000))),
    Attack("huge-element.mkv", _bytes(element(0x1A45DFA3, b"\x42\x82\x84webm") + element(0x18538067, b"", size=2**55))),
    Attack("pat.ts", _bytes(b"".join(b"G@\x00" + bytes([0x10 | n & 15]) + os.urandom(184) for n in range(5000)))),
    Attack(
        "flv-tables.flv",
        _bytes(
            b"FLV\x01\x05\0\0\0\x09\0\0\0\0\x12\xff\xff\xff" + b"\0" * 7 + b"\x02\0\x0aonMetaData\x08\xff\xff\xff\xff"
        ),
    ),
]


def _linked(path: Path, bait: Bait) -> None:
    make("-i", bait.clip, "-c", "copy", path)
    atom = element(0xB6, element(0x73C4, b"\1") + element(0x91, b"\0") + element(0x6E67, bytes(range(16))))
    chapters = element(0x1043A770, element(0x45B9, element(0x45DD, b"\1") + atom))
    content = path.read_bytes()
    tracks = b"\x16\x54\xae\x6b"  # their index names them too, and stands before them
    at = content.index(tracks, content.index(tracks) + 1)
    segment = content.index(b"\x18\x53\x80\x67") + 4
    # Its length is no longer right: unknown is a legal one.
    path.write_bytes(content[:segment] + b"\x01" + b"\xff" * 7 + content[segment + 8 : at] + chapters + content[at:])


def _attached(path: Path, bait: Bait) -> None:
    font = path.with_name("font.ttf")
    font.write_bytes(b"font")
    named = ("-metadata:s:t", "mimetype=font/ttf", "-metadata:s:t", "filename=../../../evil.ttf")
    make("-i", bait.clip, "-attach", font, *named, "-c", "copy", path)
    font.unlink()


def _zip(path: Path, bait: Bait) -> None:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../evil.txt", "evil")
    path.write_bytes(bait.clip.read_bytes() + packed.getvalue())


def _rmra(path: Path, bait: Bait) -> None:
    address = bait.url.encode() + b"\0"
    rdrf = box(b"rdrf", struct.pack(">I4sI", 0, b"url ", len(address)), address)
    path.write_bytes(box(b"ftyp", b"qt  \0\0\0\0qt  ") + box(b"moov", box(b"rmra", box(b"rmda", rdrf))))


def _dref(entry: Callable[[Bait], bytes]) -> Write:
    return lambda path, bait: path.write_bytes(dref(entry(bait)))


REFERENCES = [
    Attack("reference-movie.mov", _rmra),
    Attack("dref-url.mov", _dref(lambda bait: box(b"url ", bytes(4), bait.url.encode() + b"\0"))),
    Attack("dref-file.mp4", _dref(lambda bait: box(b"url ", bytes(4), f"file://{bait.media}".encode() + b"\0"))),
    Attack("dref-urn.mov", _dref(lambda bait: box(b"urn ", bytes(4), b"x\0" + bait.url.encode() + b"\0"))),
    Attack("dref-alias.mov", _dref(lambda bait: alias(str(bait.elsewhere / ("long/" * 30 + "bait.ts"))))),
    Attack("linked.mkv", _linked),
    Attack("attached.mkv", _attached),
    Attack("zip.mp4", _zip),
    Attack("gif.mp4", lambda path, bait: path.write_bytes(b"GIF89a" + bait.clip.read_bytes())),
    Attack("page.html.mp4", lambda path, bait: path.write_bytes(b"<script>x</script>" + bait.clip.read_bytes())),
    Attack("title.mp4", _made("-c", "copy", "-metadata", "title=\x1b[2J[/red]%s\u202e", "-metadata", "comment=x\ny")),
    Attack("long-title.mkv", _made("-c", "copy", "-metadata", "title=" + "x" * 100_000)),
]


def _link(target: str) -> Write:
    return lambda path, _: path.symlink_to(target)


def _socket(path: Path, _: Bait) -> None:
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(path))


def _named(path: Path, bait: Bait) -> None:
    (path.parent / "named.txt").write_text(bait.canary)
    path.symlink_to("named.txt")


NO_FILES = [
    Attack("passwd.mp4", _link("/etc/passwd")),
    Attack("secret.mp4", _named),
    Attack("loop.mp4", _link("loop.mp4")),
    Attack("zero.mp4", _link("/dev/zero")),
    Attack("random.mp4", _link("/dev/urandom")),
    Attack("terminal.mp4", _link("/dev/tty")),
    Attack("environ.mp4", _link("/proc/self/environ")),
    Attack("memory.mp4", _link("/proc/self/mem")),
    Attack("kernel.mp4", _link("/proc/kcore")),
    Attack("descriptor.mp4", _link("/proc/self/fd/0")),
    Attack("pipe.mp4", lambda path, _: os.mkfifo(path)),
    Attack("socket.mp4", _socket),
    Attack("folder.mp4", lambda path, _: path.mkdir()),
]


def _clip(path: Path, bait: Bait) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bait.clip.read_bytes())


# A sound clip each; what they are called is the attack, on what reads names or on what shows them. ``{port}`` stands
# for the bait's.
NAMES_FOR_FFMPEG = [
    Attack(name, _clip)
    for name in (
        *("-i.mp4", "http:x.mp4", "lit%d.png", "-y", "pipe:0.mp4", "tcp:127.0.0.1:{port}.mp4", "concat:a|b.mp4"),
        *("subfile,,start,0,end,9,,:x.mp4", "data:,x.mp4", "img%03d.mp4", "x;[0:v]movie=y.mp4", "back\\slash.mp4"),
        *("x" * 251 + ".mp4", os.fsdecode(b"bad\xff\xfe.mp4")),
    )
]
NAMES_FOR_PEOPLE = [
    Attack(name, _clip)
    for name in (
        *("a|b.mp4", "crypto:x.mp4", "*.mp4", "a?[b].mp4", "'quoted'.mp4", "line\nfeed.mp4", "esc\x1b]0;x\x07.mp4"),
        *("[/red].mp4", "[bold]x.mp4", "rtl\u202e4pm.mp4", "emoji\U0001f600.mp4", "CON.mp4", "dot..mp4", " .mp4"),
        *("$(id)`id`.mp4", "%s%n.mp4", "nul\u2400.mp4", "%.mp4", "~.mp4", "a&b;c.mp4"),
    )
]

ATTACKS = [*PLAYLISTS, *SUBTITLES_AND_SCRIPTS, *BOMBS, *REFERENCES, *NO_FILES, *NAMES_FOR_FFMPEG, *NAMES_FOR_PEOPLE]
