"""The Prefect server of the tests and of the examples: one in each process that runs them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.prefect_server import PrefectServer


@pytest.fixture(scope="session")
def genmedia_prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """As the pack's own fixture, whose harness brings all of the server's code into this process too."""
    from prefect.context import _temporary_global_settings_context
    from prefect.context import get_settings_context as settings_context
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker
    from prefect.settings import PREFECT_API_URL, temporary_settings

    server = PrefectServer(tmp_path_factory.mktemp("prefect"), timely=False)
    server.start()
    try:
        server.wait()
        # The global settings are for threads and event loops that were there before.
        with temporary_settings({PREFECT_API_URL: server.url}), _temporary_global_settings_context(settings_context()):
            yield
            APILogWorker.instance().drain()  # what it has still to tell the server
            EventsWorker.drain_all()
    finally:
        server.close()
