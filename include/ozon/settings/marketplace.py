"""How the Seller API is called."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from include.ozon.settings.base import Section

# The Seller API's own bounds: requests for one Client-Id, and entries of one page or one list of ids.
RequestsPerSecond = Annotated[int, Field(ge=1, le=50)]
ItemsPerRequest = Annotated[int, Field(ge=1, le=1000)]
Seconds = Annotated[float, Field(gt=0, le=600)]


class ApiSettings(Section):
    requests_per_second: RequestsPerSecond = Field(
        default=45, description="The most requests that the load sends in any one second for one Client-Id."
    )
    other_requests_per_second: RequestsPerSecond = Field(
        default=5,
        description="The same for everything else that calls the API; both together at most Ozon's 50.",
    )
    analytics_seconds_between_requests: float = Field(
        default=4.0,
        ge=0,
        le=600,
        description="The pause between two calls of `/v1/analytics/stocks`, which Ozon limits more strictly.",
    )
    connect_timeout_seconds: Seconds = Field(default=10.0, description="How long connecting to the API may take.")
    read_timeout_seconds: Seconds = Field(
        default=60.0, description="How long the API may be silent before a request counts as failed."
    )
    exchange_timeout_seconds: Seconds = Field(
        default=120.0,
        description="How long one request may take in all, from the name resolution to the last byte of its answer.",
    )
    concurrent_requests: int = Field(
        default=8, ge=1, le=50, description="How many requests may be under way at once for one account."
    )
    attempts: int = Field(
        default=5,
        ge=1,
        le=20,
        description="How often one request is sent before its task's attempt fails; where Ozon refuses it as one too "
        "many, `retry_budget_seconds` alone counts.",
    )
    retry_budget_seconds: float = Field(
        default=180.0,
        ge=0,
        le=3600,
        description="The most time one request waits between its attempts.",
    )
    longest_retry_after_seconds: float = Field(
        default=3600.0,
        gt=0,
        le=3600,
        description="The longest wait that is believed where the API, or a server on the way to it, asks for one.",
    )
    page_size: ItemsPerRequest = Field(default=1000, description="How many entries a page of a list is to hold.")
    details_batch_size: ItemsPerRequest = Field(
        default=1000, description="How many products' details to ask for in one request."
    )
