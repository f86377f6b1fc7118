"""Requests that mean harm, over real sockets to a real server: each is refused with its status, and quickly.

How quickly is told beside an ordinary refusal that is measured in turn with it; run with ``-rP`` to read the table.
"""

from __future__ import annotations

import io
import json
import os
import random
import re
import socket
import stat
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import pytest

SEARCHES, UPLOAD = "/v1/searches", "/v1/datasets/mine"
MB = 10**6

SLOW = 500
"""How many times longer than an ordinary refusal, which takes a millisecond or two, the dearest may take."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, sample_dir: Path) -> Iterator[tuple[str, int]]:
    """Where a web process listens that was started from the command line."""
    home = tmp_path_factory.mktemp("home")
    command = [sys.executable, "-m", "api", "api", "--port", "0", "--home", home, "--images-root", sample_dir.parent]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SRNAS_")}
    log = home / "log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [*map(str, command)], stdout=subprocess.PIPE, stderr=errors, env=environment, text=True
        )
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found, log.read_text()
            url = urlsplit(found[0])
            yield str(url.hostname), int(url.port or 0)
        finally:
            process.terminate()
            process.communicate(timeout=30)
    assert "Traceback" not in log.read_text()


def exchanged(address: tuple[str, int], request: bytes, then: bytes = b"") -> tuple[int, float]:
    """Status of the answer to some bytes, and the seconds until it came; ``then`` is sent until there is one."""
    with closing(socket.create_connection(address, timeout=30)) as connection:
        begin = time.perf_counter()
        try:
            connection.sendall(request)
            connection.settimeout(0.0 if then else 30)
            for _ in range(1000 if then else 0):
                try:
                    if head := connection.recv(4096):
                        return status_of(head), time.perf_counter() - begin
                except BlockingIOError:
                    connection.settimeout(30)
                    connection.sendall(then)
                    connection.settimeout(0.0)
            connection.settimeout(30)
        except (BrokenPipeError, ConnectionResetError):  # refused before all was sent
            connection.settimeout(30)
        return status_of(connection.recv(4096)), time.perf_counter() - begin


def status_of(head: bytes) -> int:
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", head)
    assert found, head
    return int(found[1])


def framed(method: str, path: str, body: bytes = b"", *headers: str, kind: str = "", host: str = "localhost") -> bytes:
    """A request as bytes; ``kind`` is its content type."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *headers]
    if kind:
        lines.append(f"Content-Type: {kind}")
    if not any(header.lower().startswith(("content-length", "transfer-encoding")) for header in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def posted(body: bytes, kind: str = "application/json", *headers: str) -> bytes:
    return framed("POST", SEARCHES, body, *headers, kind=kind)


def put(archive: bytes, kind: str = "application/zip", *headers: str) -> bytes:
    return framed("PUT", UPLOAD, archive, *headers, kind=kind)


# -- archives ------------------------------------------------------------------------------------------------------


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def bmp(width: int, height: int, data: bytes) -> bytes:
    head = struct.pack("<2sIHHIIiiHHIIIIII", b"BM", 54 + len(data), 0, 0, 54, 40, width, height, 1, 24, *[0] * 6)
    return head + data


def zipped(files: dict[str, bytes], kind: int = ZIP_DEFLATED, mode: int = stat.S_IFREG | 0o644) -> bytes:
    stream = io.BytesIO()
    with ZipFile(stream, "w") as archive:
        for name, data in files.items():
            info = ZipInfo(name)
            info.external_attr, info.compress_type = mode << 16, kind
            archive.writestr(info, data)
    return stream.getvalue()


def claiming_ten_gigabytes() -> bytes:
    """An archive that says in the field of zip64 that its one file has 10 GB."""
    archive = zipped({"a.png": png(8, 8)}, ZIP_STORED)
    at = archive.index(b"PK\x01\x02")
    extra = struct.pack("<HHQ", 1, 8, 10 * 10**9)
    record, end = bytearray(archive[at:-22]), bytearray(archive[-22:])
    record[24:28], record[30:32] = b"\xff" * 4, struct.pack("<H", len(extra))
    end[12:16] = struct.pack("<I", len(record) + len(extra))
    return archive[:at] + bytes(record) + extra + bytes(end)


def directory_of(entries: int) -> bytes:
    """A directory of a million folders, in zip64, and nothing else."""
    record = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, *[0] * 7, 2, *[0] * 6) + b"a/"
    size = entries * len(record)
    end = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, entries, entries, size, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, size, 1)
    return record * entries + end + locator + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 65535, 65535, size, 0, 0)


def just_below_the_ratio() -> bytes:
    """Whole pictures, each packed a little less than is refused."""
    noise = random.Random(0).randbytes(9_000)
    picture = bmp(8000, 4000, (noise + bytes(MB - len(noise))) * 96)
    return zipped({f"{number}.bmp": picture for number in range(3)})


def junk() -> bytes:
    """A JPEG of which Pillow looks for the next marker byte by byte."""
    return b"\xff\xd8\xff\xe0\x00\x04ab" + random.Random(0).randbytes(2**16).replace(b"\xff", b"a") * 64


# -- attacks -------------------------------------------------------------------------------------------------------

FORM = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'
ENDLESS = f"{2**14:x}\r\n".encode() + b" " * 2**14 + b"\r\n"
TEN_GB = f"Content-Length: {10 * 10**9}"

ATTACKS: dict[str, tuple[int, Callable[[], bytes], bytes]] = {
    "zip bomb": (413, lambda: put(zipped({"a.png": bytes(100 * MB)})), b""),
    "zip bomb just below the ratio": (413, lambda: put(just_below_the_ratio()), b""),
    "path traversal": (422, lambda: put(zipped({"../../a.png": png(8, 8)})), b""),
    "symlink": (422, lambda: put(zipped({"a.png": b"/etc/passwd"}, mode=stat.S_IFLNK | 0o777)), b""),
    "10 GB claimed in the archive": (413, lambda: put(claiming_ten_gigabytes()), b""),
    "10 GB claimed for the archive": (413, lambda: put(b"PK", "application/zip", TEN_GB), b""),
    "10 GB claimed for a document": (413, lambda: posted(b"{", "application/json", TEN_GB), b""),
    "a million folders": (413, lambda: put(directory_of(MB)), b""),
    "65,536 pixels wide": (422, lambda: put(zipped({"a.png": png(65_536, 8)})), b""),
    "slow headers": (422, lambda: put(zipped({f"{n}.jpg": junk() for n in range(3)}, ZIP_STORED)), b""),
    "no archive": (422, lambda: put(random.Random(0).randbytes(MB)), b""),
    "an upload as JSON": (415, lambda: put(b"{}", "application/json"), b""),
    "a document as a form": (415, lambda: posted(FORM, "multipart/form-data; boundary=x"), b""),
    "a document as text": (415, lambda: posted(b"{}", "text/plain"), b""),
    "a document as nothing": (415, lambda: posted(b"{}", ""), b""),
    "oversized JSON": (413, lambda: posted(json.dumps({"name": "x" * 2 * MB}).encode()), b""),
    "deep JSON": (400, lambda: posted(b'{"a":' * 150_000 + b"1" + b"}" * 150_000), b""),
    "a flood of small values": (400, lambda: posted(b'{"a":[' + b"1," * 500_000 + b"1]}"), b""),
    "a long number": (400, lambda: posted(b'{"seed":' + b"9" * 900_000 + b"}"), b""),
    "no JSON": (400, lambda: posted(b"\xff\xfe{"), b""),
    "an endless body": (413, lambda: posted(b"", "application/json", "Transfer-Encoding: chunked"), ENDLESS),
    "a flood of headers": (
        400,
        lambda: framed("GET", "/health/live", b"", *(f"X-{n}: {'y' * 90}" for n in range(9999))),
        b"",
    ),
    "a long path": (400, lambda: framed("GET", "/" + "x" * 2**20), b""),
    "another host": (400, lambda: framed("GET", "/v1/searches", host="evil.example"), b""),
    "no host": (400, lambda: b"GET /v1/searches HTTP/1.1\r\n\r\n", b""),
    "bad percent-encoding": (404, lambda: framed("GET", "/v1/searches/%zz%"), b""),
    "bytes that are no UTF-8": (404, lambda: framed("GET", "/v1/searches/%ff%fe"), b""),
    "NUL in a path": (404, lambda: framed("GET", "/v1/searches/%00"), b""),
    "traversal in a path": (404, lambda: framed("GET", "/v1/artifacts/..%2f..%2fetc%2fpasswd/file"), b""),
    "no HTTP": (400, lambda: b"\x16\x03\x01\x02\x00" * 100 + b"\r\n\r\n", b""),
}

ORDINARY = posted(b"[]")


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_about_as_quickly_as_anything_and_the_service_goes_on(
    address: tuple[str, int], attack: str
) -> None:
    status, make, then = ATTACKS[attack]
    request = make()
    taken, ordinary = [], []
    for _ in range(3):
        ordinary.append(exchanged(address, ORDINARY)[1])
        found, seconds = exchanged(address, request, then)
        assert found == status
        taken.append(seconds)
    ratio = min(taken) / min(ordinary)
    print(f"{attack:32} {len(request) / MB:7.2f} MB  {status}  {min(taken):6.3f} s  {ratio:6.1f} x")
    assert ratio < SLOW
    assert exchanged(address, framed("GET", "/health/live"))[0] == 200


def test_whoever_dawdles_keeps_nobody_waiting(address: tuple[str, int]) -> None:
    halves = [socket.create_connection(address, timeout=30) for _ in range(64)]
    try:
        for number, half in enumerate(halves):
            half.sendall(posted(b'{"na', "application/json", "Content-Length: 99") if number % 2 else b"GET / HT")
        assert exchanged(address, ORDINARY)[0] == 400
        assert exchanged(address, framed("GET", SEARCHES))[0] == 200
    finally:
        for half in halves:
            half.close()
    assert exchanged(address, framed("GET", SEARCHES))[0] == 200
