"""The command line as a whole: its commands, its help, and where an error becomes an exit code."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.main import get_command

from tightfit import __version__
from tightfit.cli import ask, chat, cloud, compress, demo, doctor, jobs, logs, plan, presets, probe, serve, watch
from tightfit.cli.bare import spelled_out
from tightfit.cli.failures import told, usage_error
from tightfit.cli.streams import complain, make_patient, say
from tightfit.errors import ExitCode
from tightfit.units import SIZE_HELP

HELP = f"""Name a size, get the best-looking video file that fits.

\b
  tightfit vacation.mp4 50MB                    vacation-50MB.mp4, never above 50 000 000 bytes
  tightfit vacation.mp4 25% -o small.mp4        a quarter of its size
  tightfit *.mp4 discord -o smaller/            each within a destination's limit
  tightfit -r Videos 25% -o smaller             every video below a folder
  tightfit *.mp4 50MB --total                   all together in 50 MB, at one quality
  tightfit watch Inbox discord -o smaller       whatever appears there
  tightfit photo.jpg 500KB                      pictures, animations and sounds too
  tightfit clip.mp4 5MB -o clip.gif             or .m4a, .mp3 … for its sound
  tightfit plan vacation.mp4 50MB               what would be done, and why
  tightfit "half the size, no sound" talk.mov   the same in words: English, Deutsch, 中文 …
  tightfit chat vacation.mp4                    a session: make it smaller, undo that …
  tightfit probe vacation.mp4                   what the file really holds
  tightfit jobs resume                          go on with whatever was interrupted
  tightfit connect                              let a render service help, and say what it is sent
  tightfit serve                                the render API, for other programs
  tightfit -- -odd-name.mp4 50MB                a name that begins with a dash

FILE... SIZE is short for compress FILE... --to SIZE, with the same options.

Sizes. {SIZE_HELP}

\b
  50MB  50M  50 mb  50兆  50 megabytes     50 000 000 bytes
  50MiB                                    52 428 800 bytes
  700KB  1.5GB  0,5 GB  1,500 MB           decimal units; a comma or point before exactly
                                           three digits groups thousands
  25%  half                                of the source file's bytes
  discord  whatsapp  email                 a destination: its limit and its rules, like --for
"""

EPILOG = """\b
Exit codes:
    0  every input fits now, or did already
    1  a bug in tightfit, or an encoder that crashed twice; says where the log is
    2  usage: the message names the option and a value that works
    3  an input can't be used; nothing was written for it
    4  no file of that size can hold the clip; says which size can
    5  the network or the cloud service failed, and this machine might not do it instead
    6  an output can't be written: exists, read-only, disk full
    7  another process is at work on this job
  130  interrupted; the job can be resumed
With several inputs the first one that is not 0 counts, and every other input is still done.
"""

_COMPLETING = "_TIGHTFIT_COMPLETE"

app = typer.Typer(
    name="tightfit",
    help=HELP,
    epilog=EPILOG,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    subcommand_metavar="FILE... SIZE | COMMAND ...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"tightfit {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Print the version and exit."),
    ] = False,
) -> None: ...


_MODULES = (compress, plan, ask, chat, probe, jobs, presets, doctor, demo, serve, watch)
for _module in _MODULES:
    _name = _module.__name__.rpartition(".")[2]
    app.command(_name, help=_module.HELP, short_help=_module.SHORT)(getattr(_module, _name))
app.command("connect", help=cloud.CONNECT_HELP, short_help=cloud.CONNECT_SHORT)(cloud.connect)
app.command("credits", help=cloud.CREDITS_HELP, short_help=cloud.CREDITS_SHORT)(cloud.credits)


def run(words: Sequence[str]) -> int:
    """Do what ``words`` say and return the exit code; what went wrong is told on stderr in one paragraph."""
    make_patient()
    logs.keep()
    try:
        # A shell that asks for completions says so in the environment and gives no arguments.
        spelled = [] if _COMPLETING in os.environ else spelled_out(words)
        code = get_command(app).main(spelled, prog_name="tightfit", standalone_mode=False)
    except typer.TyperException as problem:
        return told(usage_error(problem))
    except Exception as error:
        return told(error)
    if code == ExitCode.INTERRUPTED:
        # The parser turns Ctrl-C outside of the work itself into this code, without a word.
        complain("Stopped.")
    return int(code or ExitCode.OK)
