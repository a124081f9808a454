"""The name of prefect_genmedia.wire.http in version 0.1."""

from prefect_genmedia.wire.http import http_pool

__all__ = ["http_pool"]
