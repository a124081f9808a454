"""The receiver of provider callbacks."""

from prefect_genmedia.webhooks.receiver import create_receiver

__all__ = ["create_receiver"]
