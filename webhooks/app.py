"""For ASGI servers that take an import path: `uvicorn prefect_genmedia.webhooks.app:app`."""

from prefect_genmedia.webhooks.receiver import create_receiver

app = create_receiver()
