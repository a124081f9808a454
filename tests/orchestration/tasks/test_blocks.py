"""The credentials blocks: Prefect's own standards, and what a wrong value says."""

from __future__ import annotations

import pytest
from prefect.testing.standard_test_suites import BlockStandardTestSuite

from prefect_genmedia.blocks import NovitaCredentials, SigningCertificate, TTAPICredentials
from prefect_genmedia.errors import ConfigurationError


@pytest.mark.parametrize("block", [TTAPICredentials, NovitaCredentials, SigningCertificate])
class TestStandards(BlockStandardTestSuite):
    @pytest.fixture
    def block(self, block):
        return block


@pytest.mark.parametrize("block", [TTAPICredentials, NovitaCredentials])
async def test_a_block_is_saved_and_loaded_with_its_key_hidden(block):
    await block(api_key="k-123456").asave("saved", overwrite=True)
    loaded = await block.aload("saved")
    assert loaded.api_key.get_secret_value() == "k-123456"
    assert "k-123456" not in repr(loaded) and "k-123456" not in loaded.model_dump_json()
    assert loaded.get_client().base_url.startswith("https://api.")
    assert "k-123456" not in repr(loaded.get_client())


@pytest.mark.parametrize("url", ["", "api.ttapi.io", "ftp://api.ttapi.io", "https://key@api.ttapi.io", "https://"])
def test_a_base_url_that_is_no_url_is_named(url):
    with pytest.raises(ConfigurationError, match="base_url"):
        TTAPICredentials(api_key="k", base_url=url)


@pytest.mark.parametrize("key", ["", "   ", '""', "two words", "schlüssel"])
def test_a_key_that_cannot_be_one_is_named_and_not_shown(key):
    with pytest.raises(ConfigurationError, match="api_key") as caught:
        NovitaCredentials(api_key=key)
    assert not key.strip('" ') or key not in str(caught.value)


def test_accounts_are_told_apart_by_key_unless_a_name_is_given():
    first, second = TTAPICredentials(api_key="one"), TTAPICredentials(api_key="two")
    assert first.get_client().fingerprint != second.get_client().fingerprint
    named = [TTAPICredentials(api_key=key, account_name="studio").get_client().fingerprint for key in ("one", "two")]
    assert named[0] == named[1]
