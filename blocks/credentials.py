"""Credentials blocks: a key and the provider's address."""

from __future__ import annotations

from typing import Any, Self

from prefect.blocks.abstract import CredentialsBlock
from pydantic import Field, SecretStr, model_validator

from prefect_genmedia.blocks.budget import Budget
from prefect_genmedia.blocks.logo import logo
from prefect_genmedia.blocks.strict import StrictBlock
from prefect_genmedia.operation import Account
from prefect_genmedia.providers.novita.envelope import NOVITA
from prefect_genmedia.providers.ttapi.envelope import TTAPI

ACCOUNT_NAME = (
    "A name for the account that stays when the key is changed, so that jobs bought under the old key are "
    "still found. Without it the account is told by its key."
)


# Pydantic takes the configuration of the last base: StrictBlock's.
class TTAPICredentials(CredentialsBlock, StrictBlock):
    """A TTAPI key: Midjourney, NovelAI and FlowMusic.

    Example:
        ```python
        from prefect_genmedia.blocks import TTAPICredentials

        credentials = TTAPICredentials.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "TTAPI Credentials"
    _block_type_slug = "ttapi-credentials"
    _logo_url = logo("ttapi")
    _documentation_url = "https://docs.ttapi.io/grids/en/development/authentication"  # type: ignore[assignment]

    api_key: SecretStr = Field(description="The TT-API-KEY from the TTAPI dashboard.")
    base_url: str = Field(
        default="https://api.ttapi.io",
        description="The address of the API; https://hold.ttapi.io for Midjourney hosting.",
    )
    account_name: str | None = Field(default=None, description=ACCOUNT_NAME)
    budget: Budget | None = Field(default=None, description="What may be spent with this key.")

    @model_validator(mode="after")
    def _usable(self) -> Self:
        self.get_client()
        if self.budget is not None:
            self.budget.limits().require_unit("quota")
        return self

    def get_client(self, *args: Any, **kwargs: Any) -> Account:
        """The account as the core takes it. Raises ConfigurationError that names the field."""
        return Account(TTAPI, self.base_url, self.api_key.get_secret_value(), self.account_name)


class NovitaCredentials(CredentialsBlock, StrictBlock):
    """A Novita AI key, or one for a server that speaks Novita's v3 API.

    Example:
        ```python
        from prefect_genmedia.blocks import NovitaCredentials

        credentials = NovitaCredentials.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "Novita AI Credentials"
    _block_type_slug = "novita-credentials"
    _logo_url = logo("novita")
    _documentation_url = "https://novita.ai/docs/api-reference/basic-authentication"  # type: ignore[assignment]

    api_key: SecretStr = Field(description="The API key from Novita's key management page.")
    base_url: str = Field(
        default="https://api.novita.ai",
        description="The address of the API; other servers of the same API are given here.",
    )
    account_name: str | None = Field(default=None, description=ACCOUNT_NAME)
    budget: Budget | None = Field(default=None, description="What may be spent with this key.")

    @model_validator(mode="after")
    def _usable(self) -> Self:
        self.get_client()
        if self.budget is not None:
            self.budget.limits().require_unit("USD")
        return self

    def get_client(self, *args: Any, **kwargs: Any) -> Account:
        """The account as the core takes it. Raises ConfigurationError that names the field."""
        return Account(NOVITA, self.base_url, self.api_key.get_secret_value(), self.account_name)
