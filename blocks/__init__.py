"""What a user configures in Prefect."""

from prefect_genmedia.blocks.budget import Budget
from prefect_genmedia.blocks.credentials import NovitaCredentials, TTAPICredentials

__all__ = ["Budget", "NovitaCredentials", "TTAPICredentials"]
