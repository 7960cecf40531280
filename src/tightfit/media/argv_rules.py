"""What an ffmpeg command line of ours may say: a closed grammar, checked before anything runs.

Whatever is not known here is refused, so that a value that slipped in as a word of its own, an option that opens other
files (`-filter_script`, `-attach`, `-report` …) or a filter that does (`movie`, `subtitles` …) never reaches ffmpeg.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

# The only input that is no file: ten frames of one colour, to see whether a binary works.
TRIAL_SOURCE = "color=s=64x64:r=25:d=0.2"

_NUMBER = r"-?\d+(\.\d+)?"
_WORD, _WORDS = r"[A-Za-z0-9_+.-]+", r"[A-Za-z0-9_+.-]+(,[A-Za-z0-9_+.-]+)*"
# An encoder's own parameters: the only thing with a slash in it is a rate, so that no file is named elsewhere.
_PARAMETERS = r"[A-Za-z0-9_=:.,()-]*(fps=\d+/\d+)?[A-Za-z0-9_=:.,()-]*"
_FLAGS = {"-hide_banner", "-nostdin", "-nostats", "-y", "-xerror", "-copyts", "-noaccurate_seek"}
# Each option that takes a value, and what that value has to look like from end to end.
_VALUES = {
    **dict.fromkeys(
        ("-loglevel", "-preset", "-fps_mode", "-c:v", "-c:a", "-c:s", "-bsf:a", "-skip_loop_filter"), _WORD
    ),
    **dict.fromkeys(("-color_primaries", "-color_trc", "-colorspace", "-color_range"), _WORD),
    **dict.fromkeys(("-format_whitelist", "-f"), _WORD),
    **dict.fromkeys(("-stats_period", "-max_alloc", "-filter_complex_threads", "-threads", "-ss", "-crf"), _NUMBER),
    "-q:v": _NUMBER,
    **dict.fromkeys(("-max_streams", "-max_pixels", "-pass", "-flush_packets", "-ac", "-ar"), _NUMBER),
    **dict.fromkeys(("-output_ts_offset", "-loop", "-final_delay"), _NUMBER),
    **dict.fromkeys(("-x264_build", "-frames:v", "-video_track_timescale", "-max_muxing_queue_size"), r"\d+"),
    **dict.fromkeys(("-b:v", "-b:a"), r"\d+k?"),
    "-map_metadata": r"-1|0(:s:a:\d+)?",
    "-map_chapters": "-1",
    "-disposition:v": "attached_pic",
    **dict.fromkeys(("-abr", "-id3v2_version"), r"\d"),
    "-c": "copy",
    "-movflags": r"\+faststart",
    "-fflags": r"\+bitexact",
    "-protocol_whitelist": "file",
    "-codec_whitelist": _WORDS,
    "-progress": "pipe:1",
    "-enc_time_base": r"\d+/\d+",
    **dict.fromkeys(("-x264-params", "-x265-params", "-svtav1-params"), _PARAMETERS),
    # A name without a folder, in the folder the child works in.
    "-passlogfile": r"[A-Za-z0-9_-]+",
    "-map": r"\[\w+\]|\d+:[a-z0-9:]+",
    "-filter_complex": r"[^\x00]*",
}
_COMPILED = {option: re.compile(value) for option, value in _VALUES.items()}
_NAMED_FILE = re.compile(r"file:/[^\x00]*", re.DOTALL)
_NEEDED_BEFORE_INPUT = ("-protocol_whitelist", "-format_whitelist", "-f", "-max_streams", "-max_pixels")
# Demuxers and muxers that name other files instead of holding media.
_SCRIPTS = {"concat", "hls", "dash", "image2", "tee", "segment", "sdp", "rtsp", "lavfi", "ffmetadata"}
# Muxers that write one file and nothing else.
_MADE = {"nut", "matroska", "mp4", "srt", "mp3", "ipod", "adts", "opus", "wav", "gif", "mjpeg"}
_FILTERS = {
    *("trim", "setpts", "settb", "scale", "setsar", "format", "crop", "zscale", "tonemap", "split", "libvmaf", "ssim"),
    *("premultiply", "xpsnr", "setparams", "sidedata", "bwdif", "field", "blend", "hstack", "signalstats", "metadata"),
    *("fps", "palettegen", "paletteuse"),
    *("aformat", "pan", "astats", "aresample", "atrim", "asetpts"),
    *("select", "transpose", "hflip", "vflip", "pad", "fade"),
    *("asetnsamples", "aselect", "atempo", "volume", "afade"),
}
# libvmaf, ssim and metadata write their logs, and paletteuse its tree, into the folder the child works in.
_LOG_PATH = re.compile(r"(?:log_path|stats_file|debug_kdtree|\bfile)=([^:\[\];,]*)")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_ESCAPED, _LABEL = re.compile(r"\\+.|'[^']*'", re.DOTALL), re.compile(r"\[[^\]]*\]")


def violations(argv: Sequence[str]) -> list[str]:
    """What is wrong with an ffmpeg command, in words; nothing where it keeps every rule."""
    found = []
    if "-nostdin" not in argv:
        found.append("it may read the terminal (no -nostdin)")
    since_input: dict[str, str] = {}
    for option, value in _words(argv[1:]):
        if option == "-i":
            found += _input_violations(value, since_input)
            since_input = {}
        elif option == "":
            found += _output_violations(value, since_input)
        elif option not in _FLAGS | _VALUES.keys():
            found.append(f"an unknown option: {option!r}")
        elif option in _VALUES and not _COMPILED[option].fullmatch(value):
            found.append(f"{option} has an odd value: {value!r}")
        elif option == "-filter_complex":
            found += _graph_violations(value)
        since_input[option] = value
    return found


def _words(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(option, its value), ("-i", input) and ("", output)."""
    at = 0
    while at < len(words):
        word = words[at]
        if word == "-" or not word.startswith("-"):
            yield "", word
        elif word in _VALUES or word == "-i":
            at += 1
            yield word, words[at] if at < len(words) else ""
        else:
            yield word, ""
        at += 1


def _input_violations(name: str, options: dict[str, str]) -> list[str]:
    if options.get("-f") == "lavfi" and name == TRIAL_SOURCE:
        return []
    found = [f"an input without {option} before it" for option in _NEEDED_BEFORE_INPUT if option not in options]
    if not _NAMED_FILE.fullmatch(name):
        found.append(f"an input that is no absolute file: {name!r}")
    if options.get("-f") in _SCRIPTS or options.get("-f") != options.get("-format_whitelist"):
        found.append(f"an input of the kind {options.get('-f')!r}")
    return found


def _output_violations(name: str, options: dict[str, str]) -> list[str]:
    kind = options.get("-f", "")
    if kind == "null" and name == "-":
        return []
    if kind in _MADE and _NAMED_FILE.fullmatch(name):
        return []
    return [f"an output that is not ours: {name!r} of the kind {kind!r}"]


def _graph_violations(graph: str) -> list[str]:
    found = []
    bare = _LABEL.sub("", _ESCAPED.sub("_", graph))
    for step in re.split(r"[;,]", bare):
        name = step.partition("=")[0].strip()
        if name not in _FILTERS:
            found.append(f"an unknown filter: {name!r}")
    for path in _LOG_PATH.findall(graph):
        if not _PLAIN_NAME.fullmatch(path):
            found.append(f"a filter that writes elsewhere: {path!r}")
    return found
