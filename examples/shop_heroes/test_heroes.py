"""Against both providers emulated on this machine, and an S3 server beside them: nothing is paid, no key is needed."""

import asyncio
from collections.abc import Iterator

import pytest
import s3fs
from heroes import shop_heroes
from moto.server import ThreadedMotoServer
from pydantic import SecretStr

from prefect_genmedia.blocks import TTAPICredentials
from prefect_genmedia.emulator import Emulator
from prefect_genmedia.flows import BatchReport


@pytest.fixture
def bucket(genmedia_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[s3fs.S3FileSystem]:
    """A real S3 server with an empty bucket, which the flow publishes to."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("GENMEDIA_MEDIA_STORE", "s3://shop/media")
    s3fs.S3FileSystem.clear_instance_cache()  # one of an earlier test may lead elsewhere
    fs = s3fs.S3FileSystem(use_listings_cache=False)
    fs.mkdir("shop")
    yield fs
    server.stop()


@pytest.mark.usefixtures("genmedia_prefect")
def test_each_product_is_bought_once_and_lies_in_the_bucket(
    genmedia_emulator: Emulator, bucket: s3fs.S3FileSystem
) -> None:
    TTAPICredentials(api_key=SecretStr("any"), base_url=genmedia_emulator.url).save("ttapi", overwrite=True)
    genmedia_emulator.add_faults({"kind": "submit_lose_reply", "times": 1})

    asyncio.run(shop_heroes(dry_run=True))
    assert genmedia_emulator.billed() == 0

    asyncio.run(shop_heroes())
    kettle = bucket.ls("shop/media/published/heroes/kitchen", detail=False)
    assert [path.rpartition("/")[2] for path in kettle if path.endswith(".jpg")] == [
        "kettle-01-open-graph.jpg",
        "kettle-01-shopify-product.jpg",
        "kettle-01-thumb.jpg",
    ]

    again = asyncio.run(shop_heroes())
    assert isinstance(again, BatchReport)
    assert [hero.state for hero in again.outcomes] == ["already there"] * 3
    assert genmedia_emulator.billed() == 3
