"""Behaviours 10 to 14 of the render API, on our server: uploads, whole, refused and broken off."""

from __future__ import annotations

import hashlib
import socket

import httpx
import pytest
from support.served import MAX_UPLOAD, Caller, Served, answer_on, refused, wait_for


def holds_nothing(caller: Caller) -> bool:
    state = caller.state()
    return state["version"] == 0 and state["state"]["video_infos"] == [] and caller.served.leftovers == []


def test_10_an_upload_is_in_the_state_with_true_facts_when_the_answer_arrives(served: Served, clip: bytes):
    caller = served.caller()
    answer = caller.upload(("Sommer Übung.mp4", clip))
    file = answer.json()["data"]["files"][0]
    assert answer.status_code == 200
    assert answer.json()["data"]["session_state_applied"] is True
    assert file["filename"] == "Sommer Übung.mp4"
    assert file["file_type"] == "video"
    assert (file["width"], file["height"], file["fps"], file["duration"]) == (320, 180, 25.0, 2.0)
    assert (file["size"], file["hash"]) == (len(clip), hashlib.sha256(clip).hexdigest())
    assert (file["mime"], file["has_audio"], file["duplicate"]) == ("video/mp4", True, False)
    shown = caller.state()["state"]
    assert [info["file_id"] for info in shown["video_infos"]] == [file["file_id"]]
    assert shown["canvas_config"] == {"width": 320, "height": 180, "ratio": "16:9"}
    assert httpx.get(file["cdn_url"]).content == clip


def test_10_the_same_bytes_again_add_nothing(served: Served, tiny: bytes):
    caller = served.caller()
    first = caller.upload(("a.mp4", tiny)).json()["data"]["files"][0]
    before = caller.state()
    again = caller.upload(("b.mp4", tiny)).json()["data"]["files"][0]
    assert (again["file_id"], again["duplicate"]) == (first["file_id"], True)
    assert caller.state() == before


def test_10_several_files_come_in_one_request(served: Served, tiny: bytes, clip: bytes):
    caller = served.caller()
    files = caller.upload(("a.mp4", tiny), ("b.MP4", clip)).json()["data"]["files"]
    assert [file["filename"] for file in files] == ["a.mp4", "b.MP4"]
    assert len(caller.state()["state"]["video_infos"]) == 2


def test_11_a_file_is_fetched_from_an_allowed_host_and_from_no_other(roaming: Served, hosting: int, tiny: bytes):
    caller = roaming.caller()
    inside = f"http://127.0.0.1:{hosting}"
    for url, code in (
        (f"http://localhost:{hosting}/a.mp4", 422),
        ("http://127.0.0.1:1/a.mp4", 422),
        ("http://10.0.0.1/a.mp4", 422),
        ("http://169.254.169.254/latest/meta-data.mp4", 422),
        ("file:///etc/passwd.mp4", 422),
        (f"{inside}/redirect.mp4", 422),
        (f"{inside}/endless.mp4", 4002),
        (f"{inside}/a.exe", 4001),
    ):
        assert refused(roaming, caller.upload_urls(url), code), url
    assert refused(roaming, caller.upload_urls(f"{inside}/a.mp4", f"{inside}/redirect.mp4"), 422), "all or nothing"
    assert holds_nothing(caller)
    answer = caller.upload_urls(f"{inside}/a.mp4?x=1")
    assert answer.json()["data"]["files"][0]["hash"] == hashlib.sha256(tiny).hexdigest()
    assert len(caller.state()["state"]["video_infos"]) == 1


PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.exe", b"MZ" + bytes(100)),
        ("a.mp4", b"this is a text, no video"),
        ("a.mp4", b""),
        ("a.mp4", PNG),
        ("a", PNG),
        ("a.mp4", b"\x00\x00\x00\x18ftypmp42" + bytes(200)),
        ("a.mp4", b"#EXTM3U\nfile:///etc/passwd"),
        ("a.svg", b"<svg/>"),
    ],
)
def test_12_what_is_not_a_media_file_is_4001(any_mode: Served, name: str, content: bytes):
    caller = any_mode.caller()
    assert refused(any_mode, caller.upload((name, content)), 4001)
    assert holds_nothing(caller)


@pytest.mark.parametrize("name", ["photo.JPEG", "photo.jpeg", "PHOTO.JPG"])
def test_12_extensions_are_taken_in_any_case(served: Served, name: str):
    answer = served.caller().upload((name, b"\xff\xd8\xff\xe0" + bytes(100)))
    assert answer.json()["data"]["files"][0]["file_type"] == "image"


def test_12_of_several_files_all_are_taken_or_none(served: Served, tiny: bytes):
    caller = served.caller()
    answer = caller.upload(("good.mp4", tiny), ("bad.mp4", b"text"))
    assert refused(served, answer, 4001)
    assert answer.json()["data"]["errors"] == [{"filename": "bad.mp4", "code": 4001}]
    assert holds_nothing(caller)


def padded(tiny: bytes, size: int) -> bytes:
    """The clip with a box of nothing behind it, ``size`` bytes in all."""
    rest = size - len(tiny)
    return tiny + rest.to_bytes(4, "big") + b"free" + bytes(rest - 8)


def test_13_exactly_the_limit_is_taken_and_a_byte_more_is_not(served: Served, tiny: bytes):
    caller = served.caller()
    assert caller.upload(("a.mp4", padded(tiny, MAX_UPLOAD))).status_code == 200
    assert refused(served, caller.upload(("b.mp4", padded(tiny, MAX_UPLOAD + 1))), 4002)
    assert len(caller.state()["state"]["video_infos"]) == 1
    assert served.leftovers == []


def test_13_a_client_that_sends_far_too_much_reads_the_answer(any_mode: Served):
    caller = any_mode.caller()
    assert refused(any_mode, caller.upload(("a.mp4", bytes(30 * MAX_UPLOAD))), 4002)
    assert holds_nothing(caller)


def request_head(caller: Caller, *more: str) -> bytes:
    lines = [
        f"POST /api/upload-video/nemo_agent/me/{caller.session} HTTP/1.1",
        f"Host: 127.0.0.1:{caller.served.port}",
        f"Authorization: Bearer {caller.token}",
        "Content-Type: multipart/form-data; boundary=b",
        *more,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


PART = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.mp4"\r\n\r\n'


def test_13_a_declared_length_over_the_limit_is_refused_before_it_is_sent(served: Served):
    caller = served.caller()
    with served.connect() as connection:
        connection.sendall(request_head(caller, "Content-Length: 900000000") + PART)
        answer = answer_on(connection)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b'"code":4002' in answer


def test_13_an_upload_of_unknown_length_is_cut_at_the_limit(served: Served, tiny: bytes):
    caller = served.caller()
    with served.connect() as connection:
        connection.sendall(request_head(caller, "Transfer-Encoding: chunked"))
        block = PART + tiny + bytes(100_000)
        for _ in range(15):
            connection.sendall(f"{len(block):x}\r\n".encode() + block + b"\r\n")
            block = bytes(100_000)
        answer = answer_on(connection)
    assert b'"code":4002' in answer
    assert wait_for(lambda: holds_nothing(caller), bool)


@pytest.mark.parametrize("reset", [False, True])
def test_14_a_client_that_leaves_in_the_middle_leaves_nothing(served: Served, tiny: bytes, reset: bool):
    caller = served.caller()
    before = caller.state()
    connection = served.connect()
    connection.sendall(request_head(caller, "Content-Length: 500000") + PART + tiny)
    wait_for(lambda: served.leftovers, bool)
    if reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    connection.close()
    wait_for(lambda: served.leftovers, lambda files: not files)
    assert caller.state() == before
    assert caller.upload(("a.mp4", tiny)).status_code == 200
