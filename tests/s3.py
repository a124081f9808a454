"""A real S3 server: moto's, in a process of its own, once for all tests that ask for it.

A pytest plugin (tests/conftest.py names it). `bucket` is the URL of a new bucket, and this process's environment
leads to the server; a store in it is used like any other.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import fsspec
import pytest

SERVE = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""
_numbers = itertools.count(1)
ON_S3 = pytest.mark.xdist_group("s3")


@dataclass(frozen=True)
class S3:
    """The server: what leads to it, and a look at what it holds."""

    url: str

    @property
    def environ(self) -> dict[str, str]:
        return environ_for(self.url)

    def fs(self) -> Any:
        return fsspec.filesystem("s3", endpoint_url=self.url, key="testing", secret="testing", use_listings_cache=False)

    def new_bucket(self) -> str:
        name = f"media-{next(_numbers)}"
        self.fs().mkdir(name)
        return name


def environ_for(url: str) -> dict[str, str]:
    """The settings of a user whose S3 is at `url`."""
    return {
        "AWS_ENDPOINT_URL_S3": url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.hookimpl(trylast=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    """Under xdist one worker has the server, and the tests that ask for it; those of a group stay in theirs.

    A parameter for which a fixture asks for `bucket` by its name says so itself: `marks=ON_S3`.
    """
    if "s3_server" in getattr(item, "fixturenames", ()) and not item.get_closest_marker("xdist_group"):
        item.add_marker(ON_S3)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3]:
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout is not None and server.stdin is not None
    yield S3(f"http://127.0.0.1:{int(server.stdout.readline())}")
    server.stdin.close()
    server.wait()


@pytest.fixture
def s3(s3_server: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    """The server, found by whatever this test does."""
    for name, value in s3_server.environ.items():
        monkeypatch.setenv(name, value)
    forget_connections()
    return s3_server


def forget_connections() -> None:
    """They remember an earlier environment."""
    fsspec.get_filesystem_class("s3").clear_instance_cache()


@pytest.fixture
def bucket(s3: S3) -> str:
    return f"s3://{s3.new_bucket()}/media"
