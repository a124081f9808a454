"""Links as they come: without a scheme, relative, in quotes, escaped twice; or the file itself."""

from __future__ import annotations

import base64

import pytest

from prefect_genmedia.errors import MediaError, MediaInvalidError
from prefect_genmedia.media.links import inline_content, resolve

BASE = "https://api.example.com/gateway"
MEANT = [
    ("https://cdn.example.com/a.png?sig=1&x=2", "https://cdn.example.com/a.png?sig=1&x=2"),
    ("HTTPS://CDN.example.com/a.png", "https://CDN.example.com/a.png"),
    ("  https://cdn.example.com/a.png \n", "https://cdn.example.com/a.png"),
    ('"https://cdn.example.com/a.png"', "https://cdn.example.com/a.png"),
    ("<https://cdn.example.com/a.png>", "https://cdn.example.com/a.png"),
    ("\u200bhttps://cdn.example.com/a.png\ufeff", "https://cdn.example.com/a.png"),
    ("https:\\/\\/cdn.example.com\\/a.png", "https://cdn.example.com/a.png"),
    ("https://cdn.example.com/a.png?x=1&amp;y=2", "https://cdn.example.com/a.png?x=1&y=2"),
    ("https://cdn.example.com/a\n.png", "https://cdn.example.com/a.png"),
    ("//cdn.example.com/a.png", "https://cdn.example.com/a.png"),
    ("cdn.example.com/a.png", "https://cdn.example.com/a.png"),
    ("cdn.example.com:8443/a.png", "https://cdn.example.com:8443/a.png"),
    ("/files/a.png", "https://api.example.com/files/a.png"),
    ("files/a.png", "https://api.example.com/gateway/files/a.png"),
    ("a.png", "https://api.example.com/gateway/a.png"),
    ("https://cdn.example.com/a b.png", "https://cdn.example.com/a b.png"),
]


@pytest.mark.parametrize(("text", "url"), MEANT)
def test_a_link_means_an_address(text: str, url: str) -> None:
    assert resolve(text, BASE) == url


def test_a_link_without_a_scheme_has_the_base_urls() -> None:
    assert resolve("//127.0.0.1:8/a", "http://127.0.0.1:7") == "http://127.0.0.1:8/a"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        '""',
        "ftp://h/a",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http://h:port/a",
        "http://[::1",
        "x:y",
    ],
)
def test_what_is_no_web_address_is_told_without_showing_it(text: str) -> None:
    with pytest.raises(MediaError, match="no web address") as said:
        resolve(text, BASE)
    assert not text.strip('" ') or text not in str(said.value)


CONTENT = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 3
TEXT = base64.b64encode(CONTENT).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"data:image/png;base64,{TEXT}",
        f"DATA:image/png;BASE64,{TEXT}",
        f"  data:image/png;charset=utf-8;base64,{TEXT}\n",
        f"data:image/png;base64,{TEXT.rstrip('=')}",
        f"data:image/png;base64,{TEXT[:76]}\r\n{TEXT[76:]}",
        f"data:image/png;base64,{TEXT.replace('+', '%2B').replace('/', '%2F')}",
        f"data:image/png;base64,{TEXT.replace('+', '-').replace('/', '_')}",
    ],
)
def test_a_file_within_the_answer_is_read(text: str) -> None:
    assert inline_content(text) == (CONTENT, "image/png")


def test_bare_base64_of_a_known_kind_is_a_file() -> None:
    assert inline_content(TEXT) == (CONTENT, "")
    assert inline_content(base64.b64encode(bytes(600)).decode()) is None


def test_a_drawing_may_be_written_out() -> None:
    assert inline_content("data:image/svg+xml,%3Csvg%20width='9'/%3E") == (b"<svg width='9'/>", "image/svg+xml")


@pytest.mark.parametrize("content", ["!!!!", TEXT[:-3] + "!"])
def test_a_file_within_the_answer_that_is_no_base64_is_told(content: str) -> None:
    with pytest.raises(MediaInvalidError):
        inline_content(f"data:image/png;base64,{content}")


@pytest.mark.parametrize("text", ["https://h/a.png", "/a.png", "", "a" * 300 + "/b.png", "data", "database/a.png"])
def test_a_link_is_no_file(text: str) -> None:
    assert inline_content(text) is None
