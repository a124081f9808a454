"""What a user configures in Prefect."""

from prefect_genmedia.blocks.budget import Budget
from prefect_genmedia.blocks.credentials import NovitaCredentials, TTAPICredentials
from prefect_genmedia.blocks.signing import SigningCertificate

__all__ = ["Budget", "NovitaCredentials", "SigningCertificate", "TTAPICredentials"]
