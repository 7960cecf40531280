"""The adapter's own promises: secrets out of words, time scaled, answers bounded, nothing loaded too early."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest
from support.rawhttp import RawServer, Request, Response

from tightfit.cloud.api import checked_url
from tightfit.errors import UsageError
from tightfit.net.clock import Clock, clock_for
from tightfit.net.errors import AnswerTooBig, ConnectionBroken, ConnectionFailed, ConnectionStalled
from tightfit.net.http import Http, Limits
from tightfit.net.redact import hush, place, redacted

SECRET = "nmv_usr_4f9aB-x.y~z"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"Bearer {SECRET}", "Bearer [hidden]"),
        ("authorization: bearer abc.def, next", "authorization: bearer [hidden], next"),
        (f"token {SECRET}.", "token [hidden]"),
        ("claim clm_1234 now", "claim [hidden] now"),
        ("https://c/x.mp4?exp=1&sig=abc&w=2", "https://c/x.mp4?exp=[hidden]&sig=[hidden]&w=2"),
        ("https://s3/x?X-Amz-Signature=abc&X-Amz-Date=1", "https://s3/x?X-Amz-Signature=[hidden]&X-Amz-Date=[hidden]"),
        ("https://w/claim?ct=abc", "https://w/claim?ct=[hidden]"),
        ("nothing here", "nothing here"),
    ],
)
def test_secrets_are_taken_out(text: str, kept: str):
    assert redacted(text) == kept


def test_of_a_url_only_its_place_is_told():
    assert place("https://me:pw@host:8/a/b.mp4?sig=1#x") == "https://host:8/a/b.mp4"


def test_the_libraries_are_quiet_and_redacted_when_turned_up(caplog: pytest.LogCaptureFixture):
    hush()
    assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)
    with caplog.at_level(logging.DEBUG, logger="httpcore.http11"):
        logging.getLogger("httpcore.http11").debug("send %r", {"Authorization": f"Bearer {SECRET}"})
    assert SECRET not in caplog.text
    assert "[hidden]" in caplog.text


def test_the_clock_of_tests_runs_a_hundred_times_as_fast():
    assert clock_for("fast").scale == 0.01
    assert clock_for("").scale == 1
    assert Clock(0.01).now() > Clock().now() * 99


def test_the_command_line_loads_no_http_library_for_its_help():
    script = (
        "import sys\nfrom tightfit.cli.app import run\nrun(['--help'])\nrun(['connect', '--offline'])\n"
        "print(sorted({'httpx', 'httpcore', 'httpx_sse', 'h11'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "url", ["mega-api", "ftp://x", "https://user:pw@host", "https://host/?token=1", "http://[::1", "http://a:b", ""]
)
def test_an_address_of_a_service_that_is_none_is_a_usage_error(url: str):
    with pytest.raises(UsageError, match="NEMO_API_URL") as told:
        checked_url(url, "NEMO_API_URL")
    assert "pw" not in str(told.value)


def test_an_address_of_a_service_may_have_a_path_and_a_slash():
    assert checked_url(" https://host:8/api/ ", "NEMO_API_URL") == "https://host:8/api"


pytest_anyio = pytest.mark.anyio
QUICK = Limits(connect_s=1, write_s=1, read_s=0.3, answer_s=0.8, answer_bytes=10_000)


async def _ask(respond: Response, fault: tuple[str, float] | None = None) -> object:
    async def answer(_: Request) -> Response:
        return respond

    with RawServer(answer) as server:
        if fault:
            server.fault("", *fault)
        async with Http(QUICK) as http:
            return await http.ask("GET", server.url + "/x?sig=1", {})


@pytest_anyio
async def test_an_answer_without_end_is_not_read_to_it():
    with pytest.raises(AnswerTooBig):
        await _ask(Response(200, {}, b"x" * 10_001))


@pytest_anyio
async def test_a_drip_is_no_answer_though_each_drop_is_in_time():
    with pytest.raises(ConnectionStalled):
        await _ask(Response(200, {}, b"x" * 1000), ("drip", 0.05))


@pytest_anyio
async def test_silence_is_no_answer():
    with pytest.raises(ConnectionStalled):
        await _ask(Response(200, {}, b"x" * 1000), ("stall", 10))


@pytest_anyio
@pytest.mark.parametrize("fault", [("deaf", 0), ("lost", 0), ("fin_after", 5), ("rst_after", 5)])
async def test_a_broken_answer_may_have_been_heard(fault: tuple[str, float]):
    with pytest.raises(ConnectionBroken) as told:
        await _ask(Response(200, {}, b"x" * 1000), fault)
    assert "sig" not in str(told.value)
    assert told.value.__cause__ is None


@pytest_anyio
async def test_nobody_listening_has_heard_nothing():
    async with Http(QUICK) as http:
        with pytest.raises(ConnectionFailed):
            await http.ask("GET", "http://127.0.0.1:1/", {})
        with pytest.raises(ConnectionFailed):
            await http.ask("GET", "http://no-such-name.invalid/", {})


@pytest_anyio
async def test_a_header_that_can_t_be_sent_is_not_quoted():
    async def never(_: Request) -> Response:
        raise AssertionError("nothing can be sent")

    with RawServer(never) as server:
        async with Http(QUICK) as http:
            with pytest.raises(ConnectionBroken) as told:
                await http.ask("GET", server.url, {"Authorization": f"Bearer {SECRET}\n"})
    assert SECRET not in repr(told.value)
    assert told.value.__suppress_context__
