"""Published files are signed last, by a certificate from a block; what cannot sign stops a run before it buys."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from prefect_genmedia.blocks import SigningCertificate
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.flows import illustrate
from prefect_genmedia.imaging import Rendition
from prefect_genmedia.provenance import credentials_in, marks_in
from prefect_genmedia.tasks import recipes
from tests.certificates import Paper, paper, self_signed
from tests.patience import PATIENCE

SIZES = [Rendition(name=f"as-{kind}", width=96, height=96, format=kind) for kind in ("jpeg", "png", "webp", "avif")]


async def saved(given: Paper, name: str) -> None:
    block = SigningCertificate(certificate=given.chain, private_key=given.key)
    assert given.key.splitlines()[1] not in repr(block) + str(block)
    await block.asave(name, overwrite=True)


async def test_every_published_file_is_signed_and_verify_says_by_whom(
    emulator, ttapi, child_env, tmp_path, monkeypatch, caplog
):
    own = paper()
    await ttapi.asave("sign-t", overwrite=True)
    await saved(own, "studio")
    monkeypatch.setenv("GENMEDIA_SIGNING_CERTIFICATE", "studio")
    made = await illustrate(
        prompts=["a lighthouse"], refinement=None, renditions=SIZES, advanced={"ttapi_credentials": "sign-t"}
    )
    (item,) = made.items
    picked, files = item.picked[0], item.published[0]
    for file in files:
        content = file.path.read_bytes()
        found, mark = credentials_in(content, own.root), marks_in(content)
        assert found.valid and found.trusted == "trusted" and found.source_type == mark.source_type, file.uri
        assert mark.jobs == tuple(each.job.job_id for each in item.purchases)
        assert found.parents == (f"sha256 {picked.sha256}",)
        told = json.loads(Path(f"{file.path}.json").read_text())
        assert (told["sha256"], told["bytes"]) == (file.sha256, len(content)), "of the signed file"
    secret = own.key.splitlines()[1]
    assert secret not in caplog.text + made.model_dump_json()

    changed = tmp_path / "changed.png"
    content = bytearray(files[1].path.read_bytes())
    content[-40] ^= 1
    changed.write_bytes(content)
    (tmp_path / "root.pem").write_text(own.root)
    command = [sys.executable, "-m", "prefect_genmedia.cli", "verify"]

    def verify(*asked: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *map(str, asked)], env=child_env, capture_output=True, text=True, timeout=PATIENCE
        )

    said = verify(*(file.path for file in files))
    assert said.returncode == 0, said.stdout + said.stderr
    assert said.stdout.count("valid, signed by Studio Lumen, Lumen Ltd, and whether to trust") == len(files)
    said = verify("--trust", tmp_path / "root.pem", "--json", files[0].path, changed)
    assert said.returncode == 1
    good, bad = (row["content_credentials"] for row in json.loads(said.stdout))
    assert (good["valid"], good["trusted"], bad["valid"]) == (True, "trusted", False) and bad["problems"]
    assert "NOT VALID: assertion.dataHash.mismatch" in verify(changed).stdout


@pytest.mark.slow
async def test_a_recipe_is_done_again_once_it_is_to_be_signed(emulator, ttapi, monkeypatch):
    await ttapi.asave("sign-t", overwrite=True)
    await saved(paper(), "studio-recipe")
    made = await illustrate(
        prompts=["a kite"], refinement=None, renditions=SIZES[:1], advanced={"ttapi_credentials": "sign-t"}
    )
    picture, recipe = made.items[0].picked[0], [{"step": "sizes", "sizes": [SIZES[1].model_dump()]}]
    (plain,) = await recipes.apply(picture, recipe)
    assert credentials_in(plain.path.read_bytes()) is None
    monkeypatch.setenv("GENMEDIA_SIGNING_CERTIFICATE", "studio-recipe")
    (once,) = await recipes.apply(picture, recipe)
    assert credentials_in(once.path.read_bytes()).valid
    assert await recipes.apply(picture, recipe) == [once], "signed once"


@pytest.mark.parametrize("wrong", ["no block", "its own issuer", "run out", "no library", "no mark"])
@pytest.mark.sampled(5)
async def test_what_cannot_sign_stops_a_run_before_it_buys(emulator, ttapi, monkeypatch, wrong):
    await ttapi.asave("sign-t", overwrite=True)
    monkeypatch.setenv("GENMEDIA_SIGNING_CERTIFICATE", f"cannot-{wrong.replace(' ', '-')}")
    if wrong != "no block":
        given = self_signed() if wrong == "its own issuer" else paper(days=(-9, -1) if wrong == "run out" else (-1, 9))
        await saved(given, f"cannot-{wrong.replace(' ', '-')}")
    if wrong == "no library":
        monkeypatch.setitem(sys.modules, "c2pa", None)  # as Python has it for what is not there
    if wrong == "no mark":
        monkeypatch.setenv("GENMEDIA_MARK", "false")
    with pytest.raises(ConfigurationError) as caught:
        await illustrate(
            prompts=["a kite"], refinement=None, renditions=SIZES[:1], advanced={"ttapi_credentials": "sign-t"}
        )
    says = {
        "no block": "there is no GenMedia Signing Certificate block",
        "its own issuer": "issued itself",
        "run out": "valid from",
        "no library": "not installed",
        "no mark": "GENMEDIA_MARK is off",
    }
    assert says[wrong] in caught.value.message and caught.value.money == "Nothing was bought."
    assert emulator.submits() == 0 == emulator.billed()
