"""Killed while publishing: no half file is ever seen, no file without its origin, and nothing is published twice."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from prefect_genmedia.media.parts import PART_BYTES, put_in_parts
from prefect_genmedia.media.places import open_place
from tests.patience import until
from tests.s3 import S3, environ_for
from tests.shop import small_cat

SCRIPT = Path(__file__).parent / "publishing.py"
SEED = int(os.environ.get("GENMEDIA_CHAOS_SEED", "1"))
FEW, MANY = 3, 60  # a kill on S3 and the run after it take two seconds
FEW_IN_A_FOLDER, MANY_IN_A_FOLDER = 10, 400


class Publisher:
    """Workers that publish, one after the other."""

    def __init__(self) -> None:
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._process = subprocess.Popen(
            [sys.executable, str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ
        )
        self.pid = 0

    def publish(self, photograph: Path, env: dict[str, str], event: int = 0, road: Road | None = None) -> int:
        """The exit code of a worker."""
        assert self._process.stdin is not None and self._process.stdout is not None
        order = {"photograph": str(photograph), "env": env, "event": event}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        pid = int(self._process.stdout.readline())
        if road is not None:
            road.worker.is_process(pid)
        return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


class Victim:
    """The worker that is to be killed, once it is known which."""

    def __init__(self) -> None:
        self._known = threading.Event()
        self._pid = 0

    def is_process(self, pid: int) -> None:
        self._pid = pid
        self._known.set()

    def kill(self) -> None:
        self._known.wait()
        os.kill(self._pid, signal.SIGKILL)


class Road:
    """A TCP port before the S3 server, that kills the worker once so many bytes have passed to the server."""

    def __init__(self, target: str, kill_after: int | None = None) -> None:
        self._target = ("127.0.0.1", int(target.rpartition(":")[2]))
        self._left = kill_after
        self._lock = threading.Lock()
        self.passed = 0
        self.worker = Victim()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            threading.Thread(target=self._there, args=(connection, server), daemon=True).start()
            threading.Thread(target=self._back, args=(server, connection), daemon=True).start()

    def _there(self, connection: socket.socket, server: socket.socket) -> None:
        try:
            while chunk := connection.recv(4096):
                with self._lock:
                    strike = self._left is not None and self.passed + len(chunk) >= self._left
                    if strike:
                        chunk = chunk[: max(0, (self._left or 0) - self.passed)]
                    server.sendall(chunk)
                    self.passed += len(chunk)
                    if strike:
                        self.worker.kill()
                        # Reset, and not only ended: the server's HTTP takes a header that just ends for a whole one.
                        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        server.close()
                        return
            server.shutdown(socket.SHUT_WR)
        except OSError:
            server.close()

    def _back(self, server: socket.socket, connection: socket.socket) -> None:
        try:
            while chunk := server.recv(65536):
                connection.sendall(chunk)
        except OSError:
            pass
        connection.close()


@pytest.fixture(scope="module")
def publisher() -> Iterator[Publisher]:
    publisher = Publisher()
    yield publisher
    publisher.close()


def seen(location: str) -> dict[str, str]:
    """Every file that is seen in a store, with its sha256; of a manifest, that of the file it tells of."""
    fs, root = open_place(location)
    found = {}
    for path in fs.find(root):
        name = path.removeprefix(fs._strip_protocol(root)).lstrip("/")
        content = fs.cat_file(path)
        if name.startswith("."):
            continue
        found[name] = json.loads(content)["sha256"] if name.endswith(".json") else hashlib.sha256(content).hexdigest()
    return found


def judge(location: str, whole: dict[str, str]) -> int:
    """After a kill: what is there is whole, and no file is without its origin. How many files are there?"""
    there = seen(location)
    assert there.items() <= whole.items()
    pictures = {name for name in there if not name.endswith(".json")}
    assert {f"{name}.json" for name in pictures} <= there.keys()
    return len(there)


def killed_in_a_folder(publisher: Publisher, folder: Path, kills: int) -> None:
    env = {"GENMEDIA_MEDIA_STORE": str(folder / "whole")}
    assert publisher.publish(small_cat(), env) == 0
    whole = seen(env["GENMEDIA_MEDIA_STORE"])
    assert len(whole) == 8
    sizes = set()
    last = next(n for n in range(200, 10_000, 200) if not ended_by_kill(publisher, folder, n))
    for event in sorted(random.Random(SEED).sample(range(1, last), kills)):
        location = str(folder / f"killed-{event}")
        env = {"GENMEDIA_MEDIA_STORE": location}
        if publisher.publish(small_cat(), env, event) != -signal.SIGKILL:
            continue
        sizes.add(judge(location, whole))
        assert publisher.publish(small_cat(), env) == 0
        assert seen(location) == whole
    assert len(sizes) > 1, "every kill struck at the same moment"


def ended_by_kill(publisher: Publisher, folder: Path, event: int) -> bool:
    return publisher.publish(small_cat(), {"GENMEDIA_MEDIA_STORE": str(folder / "aim")}, event) == -signal.SIGKILL


def killed_on_s3(publisher: Publisher, s3: S3, kills: int) -> None:
    bucket = s3.new_bucket()

    def publish(name: str, kill_after: int | None = None) -> tuple[int, int]:
        road = Road(s3.url, kill_after)
        env = {**environ_for(road.url), "GENMEDIA_MEDIA_STORE": f"s3://{bucket}/{name}"}
        code = publisher.publish(small_cat(), env, road=road)
        road.close()
        return code, road.passed

    code, passed = publish("whole")
    assert code == 0
    whole = seen(f"s3://{bucket}/whole")
    assert len(whole) == 8
    sizes = set()
    for number, after in enumerate(sorted(random.Random(SEED).sample(range(1, passed), kills))):
        code, _ = publish(f"killed-{number}", after)
        assert code == -signal.SIGKILL
        sizes.add(judge(f"s3://{bucket}/killed-{number}", whole))
        assert publish(f"killed-{number}")[0] == 0
        assert seen(f"s3://{bucket}/killed-{number}") == whole
    assert len(sizes) > 1, "every kill struck at the same moment"


@pytest.mark.slow
def test_killed_while_publishing_in_a_folder(publisher: Publisher, tmp_path: Path) -> None:
    killed_in_a_folder(publisher, tmp_path, FEW_IN_A_FOLDER)


@pytest.mark.slow
def test_killed_while_publishing_on_s3(publisher: Publisher, s3: S3) -> None:
    killed_on_s3(publisher, s3, FEW)


@pytest.mark.slow
def test_a_large_file_killed_in_the_middle_of_its_parts_is_not_seen_and_goes_on(s3: S3, tmp_path: Path) -> None:
    bucket, film = s3.new_bucket(), tmp_path / "film.mp4"
    content = random.Random(SEED).randbytes(5 * PART_BYTES + 1024)
    location = f"s3://{bucket}/store"

    def keep(content: bytes, kill_after: int | None = None) -> tuple[int, int]:
        film.write_bytes(content)
        road = Road(s3.url, kill_after)
        words = "import sys, pathlib; from prefect_genmedia.media import MediaStore; "
        words += "MediaStore(sys.argv[1]).keep(pathlib.Path(sys.argv[2]), 'published/film.mp4')"
        environ = {**os.environ, **environ_for(road.url), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        worker = subprocess.Popen([sys.executable, "-c", words, location, str(film)], env=environ)
        road.worker.is_process(worker.pid)
        code = worker.wait()
        road.close()
        return code, road.passed

    # Four at once: when the fifth is on its way, the first has come.
    assert keep(content, kill_after=4 * PART_BYTES + PART_BYTES // 2)[0] == -signal.SIGKILL
    assert seen(location) == {}, "half of it is there"
    assert s3.fs().call_s3("list_multipart_uploads", Bucket=bucket)["Uploads"], "it was not sent in parts"
    code, passed = keep(content)
    assert code == 0 and passed < 4.5 * PART_BYTES, "all of it was sent again"
    assert seen(location) == {"published/film.mp4": hashlib.sha256(content).hexdigest()}
    # Another file of that name, which begins in the same way, is not put together with what is left of the first.
    other = content[: 4 * PART_BYTES] + b"other" + content[4 * PART_BYTES :]
    assert keep(content, kill_after=4 * PART_BYTES + PART_BYTES // 2)[0] == -signal.SIGKILL
    assert keep(other) == (0, ANY)
    assert seen(location) == {"published/film.mp4": hashlib.sha256(other).hexdigest()}
    told = s3.fs().call_s3("head_object", Bucket=bucket, Key="store/published/film.mp4")
    assert told["Metadata"] == {"sha256": hashlib.sha256(other).hexdigest()} and told["ContentType"] == "video/mp4"


class Halfway:
    """A bucket's file system that another worker comes between, before the third part is sent."""

    def __init__(self, fs: Any, meanwhile: Callable[[], None]) -> None:
        self._fs, self._meanwhile = fs, meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fs, name)

    def call_s3(self, method: str, **asked: Any) -> Any:
        if method == "upload_part" and asked["PartNumber"] == 3:
            self._meanwhile()
        # As S3 answers, and moto does not.
        open_ones = self._fs.call_s3("list_multipart_uploads", Bucket=asked["Bucket"]).get("Uploads", [])
        if "UploadId" in asked and asked["UploadId"] not in [each["UploadId"] for each in open_ones]:
            raise FileNotFoundError("NoSuchUpload")
        return self._fs.call_s3(method, **asked)


@pytest.mark.slow
@pytest.mark.parametrize("last", [b"the same", b"another"], ids=["the same film", "one that begins like it"])
def test_two_that_send_a_large_file_of_one_name_both_end_well(s3: S3, tmp_path: Path, last: bytes) -> None:
    bucket, films = s3.new_bucket(), [tmp_path / "first.mp4", tmp_path / "second.mp4"]
    beginning = random.Random(SEED).randbytes(2 * PART_BYTES)
    told = []
    for film, end in zip(films, (b"the same", last), strict=True):
        film.write_bytes(beginning + end)
        told.append({"Metadata": {"sha256": hashlib.sha256(film.read_bytes()).hexdigest()}})
    fs, once = s3.fs(), iter([True])

    def another() -> None:
        if next(once, False):
            until(lambda: len(parts()) == 2, "the first two parts")
            put_in_parts(fs, films[1], f"{bucket}/film.mp4", told[1])

    def parts() -> list[Any]:
        (upload,) = fs.call_s3("list_multipart_uploads", Bucket=bucket)["Uploads"]
        return fs.call_s3("list_parts", Bucket=bucket, Key="film.mp4", UploadId=upload["UploadId"]).get("Parts", [])

    put_in_parts(Halfway(fs, another), films[0], f"{bucket}/film.mp4", told[0])
    assert fs.cat_file(f"{bucket}/film.mp4") == films[0].read_bytes()
    assert fs.call_s3("head_object", Bucket=bucket, Key="film.mp4")["Metadata"] == told[0]["Metadata"]


@pytest.mark.slow
def test_killed_at_many_moments_in_a_folder(publisher: Publisher, tmp_path: Path) -> None:
    killed_in_a_folder(publisher, tmp_path, MANY_IN_A_FOLDER)


@pytest.mark.slow
def test_killed_at_many_moments_on_s3(publisher: Publisher, s3: S3) -> None:
    killed_on_s3(publisher, s3, MANY)
