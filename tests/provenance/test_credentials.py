"""Content Credentials: signed last, read back by C2PA's own library; nothing but them changes."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import c2pa
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from prefect_genmedia.errors import ConfigurationError, GenMediaError, MediaError
from prefect_genmedia.provenance import Mark, Signer, credentials_in, marked, marks_in, signed
from prefect_genmedia.provenance.credentials import can_be_signed, check_signing
from tests.certificates import Paper, authority, paper, self_signed
from tests.provenance.test_marks import KINDS, MARK, file, pixels
from tests.provenance.test_recordings import content_of, decoded

RECORDINGS = ("tone.mp3", "tone-tagged.mp3", "tone.m4a", "tone.wav", "film.mov", "film-fragments.mp4")
NOT_SIGNED = ("tone.flac", "tone.ogg")


@pytest.fixture(scope="module")
def own() -> Paper:
    return paper()


@pytest.fixture(scope="module")
def signer(own: Paper) -> Signer:
    return Signer.of(own.chain, own.key)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_signed_pixel_for_pixel_and_says_how_it_came_about(kind: str, own: Paper, signer: Signer) -> None:
    before = marked(file(kind), MARK)
    parent = file("PNG")
    after = signed(before, signer, [parent])
    assert pixels(after) == pixels(before) and len(after) < len(before) + 20_000
    there = replace(marks_in(before), others=("Content Credentials (C2PA)",))
    assert marks_in(after) == there, "the mark is there as it was"
    found = credentials_in(after)
    assert found is not None and found.valid and found.trusted == "unknown" and not found.problems
    assert found.signed_by == "Studio Lumen, Lumen Ltd" and not found.signed_at
    assert (found.source_type, found.made_by) == (MARK.source_type, MARK.model)
    assert found.parents == (f"sha256 {hashlib.sha256(parent).hexdigest()}",)
    assert credentials_in(after, own.root).trusted == "trusted"
    assert credentials_in(after, paper().root).trusted == "untrusted"
    told = json.loads(c2pa.Reader(f"image/{kind.split()[-1].lower()}", io.BytesIO(after)).json())
    said = {each["label"]: each["data"] for each in told["manifests"][told["active_manifest"]]["assertions"]}
    actions = said["c2pa.actions.v2"]["actions"]
    assert [action["action"] for action in actions] == ["c2pa.created"] and told["validation_state"] == "Valid"
    assert "7c0f" in actions[0]["description"]


@pytest.mark.parametrize("name", RECORDINGS)
@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
@pytest.mark.sampled(3)
def test_a_film_or_a_sound_too(name: str, signer: Signer, tmp_path: Path) -> None:
    before = marked(content_of(name), MARK)
    after = signed(before, signer)
    found = credentials_in(after)
    assert found is not None and found.valid and found.source_type == MARK.source_type
    assert marks_in(after).jobs == MARK.jobs and marks_in(after).generated
    for content, path in ((before, tmp_path / f"before-{name}"), (after, tmp_path / f"after-{name}")):
        path.write_bytes(content)
    assert decoded(tmp_path / f"before-{name}") == decoded(tmp_path / f"after-{name}")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "AVIF"])
def test_a_byte_that_is_changed_since_is_found(kind: str, signer: Signer) -> None:
    after = bytearray(signed(marked(file(kind), MARK), signer))
    after[-40] ^= 1
    found = credentials_in(bytes(after))
    assert found is not None and not found.valid and found.problems


def test_an_avif_whose_items_lie_at_offsets_from_a_base(signer: Signer) -> None:
    """As some encoders write it: C2PA's library would move both the base and the offsets."""
    plain = marked(file("AVIF"), MARK)
    meta, iloc = plain.index(b"meta") - 4, plain.index(b"iloc") - 4
    end = iloc + int.from_bytes(plain[iloc : iloc + 4], "big")
    items = b""
    for place in range(iloc + 16, end, 14):  # number, reference, how many, offset, length
        (offset,) = struct.unpack_from(">I", plain, place + 6)
        items += plain[place : place + 4] + struct.pack(">I", 100) + plain[place + 4 : place + 6]
        items += struct.pack(">I", offset + 8 - 100) + plain[place + 10 : place + 14]
    box = b"iloc" + plain[iloc + 8 : iloc + 12] + b"\x44\x40" + plain[iloc + 14 : iloc + 16] + items
    grown = bytearray(plain[:iloc] + struct.pack(">I", 4 + len(box)) + box + plain[end:])
    grown[meta : meta + 4] = struct.pack(">I", int.from_bytes(plain[meta : meta + 4], "big") + 8)
    assert pixels(bytes(grown)) == pixels(plain) and marks_in(bytes(grown)).generated
    after = signed(bytes(grown), signer)
    assert pixels(after) == pixels(plain) and credentials_in(after).valid and marks_in(after).jobs == MARK.jobs


def test_what_a_signed_parent_says_goes_on(signer: Signer) -> None:
    parent = signed(marked(file("PNG"), MARK), signer)
    child = signed(marked(file("WEBP"), MARK), signer, [parent])
    told = json.loads(c2pa.Reader("image/webp", io.BytesIO(child)).json())
    assert len(told["manifests"]) == 2 and credentials_in(child).valid
    again = signed(child, signer)  # signed twice: what it says last counts
    assert credentials_in(again).valid


def test_what_nobody_generated_and_what_can_hold_no_credentials(signer: Signer) -> None:
    assert signed(file("PNG"), signer) == file("PNG")
    assert credentials_in(file("PNG")) is None
    for name in NOT_SIGNED:
        content = marked(content_of(name), MARK)
        assert not can_be_signed(content)
        with pytest.raises(MediaError, match="no Content Credentials"):
            signed(content, signer)


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP521R1()),
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["P-384", "P-521", "RSA", "Ed25519"],
)
def test_other_kinds_of_keys_sign_as_well_and_many_at_once(key: object) -> None:
    given = paper(key=key)
    signer = Signer.of(given.chain.replace("\n", " "), given.key.replace("\n", " "))  # as a form with one line has it
    content = marked(file("PNG"), MARK)
    with ThreadPoolExecutor(4) as pool:
        for after in pool.map(lambda _: signed(content, signer), range(8)):
            assert credentials_in(after).valid


def refused(given: Paper, passphrase: str | None = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        check_signing(Signer.of(given.chain, given.key, passphrase))
    said = str(caught.value)
    secret = given.key.splitlines()[1] if "\n" in given.key else given.key
    assert secret not in said and caught.value.__cause__ is None and "Nothing was bought" in said
    return said


def test_what_cannot_sign_is_refused_before_money_is_spent_and_not_shown() -> None:
    good, other = paper(), paper()
    assert "does not belong" in refused(Paper(good.chain, other.key, good.root))
    assert "issued itself" in refused(self_signed())
    assert "valid from" in refused(paper(days=(-20, -2)))
    assert "valid from" in refused(paper(days=(2, 20)))
    assert "private key, which would be written" in refused(Paper(good.chain + good.key, good.key, good.root))
    assert "no PEM" in refused(Paper("nothing", good.key, good.root))
    assert "no PEM" in refused(Paper(good.chain, "n0thing-of-the-kind", good.root))
    assert "no PEM" in refused(good, "a passphrase that it has not")
    assert "kind that C2PA" in refused(paper(key=rsa.generate_private_key(public_exponent=65537, key_size=1024)))
    server = refused(paper(use=ExtendedKeyUsageOID.SERVER_AUTH))
    assert "cannot be used" in server and "Studio Lumen" in server
    check_signing(Signer.of(good.chain, good.key))
    assert good.key.splitlines()[1] not in repr(Signer.of(good.chain, good.key))


def test_without_the_extra_it_says_what_to_install(signer: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    content = signed(marked(file("PNG"), MARK), signer)
    monkeypatch.setitem(sys.modules, "c2pa", None)  # as Python has it for what is not there
    for attempt in (lambda: check_signing(signer), lambda: signed(content, signer), lambda: credentials_in(content)):
        with pytest.raises(ConfigurationError, match="not installed") as caught:
            attempt()
        assert "prefect-genmedia[c2pa]" in caught.value.advice


@pytest.mark.parametrize("cut", [40, 200, 2000])
def test_cut_and_broken_files_are_not_valid_and_nothing_else_happens(cut: int, signer: Signer) -> None:
    whole = signed(marked(file("PNG"), MARK), signer)
    for content in (whole[:cut], whole[:cut] + b"\xff" * 50 + whole[cut + 50 :]):
        found = credentials_in(content)
        assert found is None or not found.valid


# -- a time stamp authority -------------------------------------------------------------------------


@pytest.fixture
def stamps(tmp_path: Path) -> Iterator[str]:
    """The address of an authority; openssl stamps."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    given = paper("Stamps", use=ExtendedKeyUsageOID.TIME_STAMPING, by=authority())
    (tmp_path / "tsa.pem").write_text(given.chain)
    (tmp_path / "tsa.key").write_text(given.key)
    (tmp_path / "serial").write_text("01")
    (tmp_path / "tsa.cnf").write_text(
        "[tsa]\ndefault_tsa = one\n[one]\n"
        f"serial = {tmp_path}/serial\nsigner_cert = {tmp_path}/tsa.pem\nsigner_key = {tmp_path}/tsa.key\n"
        f"certs = {tmp_path}/tsa.pem\nsigner_digest = sha256\ndefault_policy = 1.2.3.4\n"
        "digests = sha256, sha384, sha512\n"
        "accuracy = secs:1\nordering = yes\ness_cert_id_chain = no\ness_cert_id_alg = sha256\n"
    )

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = tmp_path / "query.tsq"
            query.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            command = ["openssl", "ts", "-reply", "-config", f"{tmp_path}/tsa.cnf", "-queryfile", str(query)]
            done = subprocess.run([*command, "-out", f"{tmp_path}/reply"], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            content = (tmp_path / "reply").read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_time_stamp_says_when(stamps: str, own: Paper) -> None:
    after = signed(marked(file("PNG"), MARK), Signer.of(own.chain, own.key, time_stamp_url=stamps))
    found = credentials_in(after)
    assert found is not None and found.valid and found.signed_at.startswith("20"), found


def test_an_authority_that_is_away_is_told_before_money_is_spent(own: Paper) -> None:
    away = Signer.of(own.chain, own.key, time_stamp_url="http://127.0.0.1:9/")
    with pytest.raises(ConfigurationError, match="cannot be used"):
        check_signing(away)
    with pytest.raises(GenMediaError, match="cannot be signed"):
        signed(marked(file("PNG"), Mark()), away)
