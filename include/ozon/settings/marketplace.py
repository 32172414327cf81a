"""The settings of the Seller API's client."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from include.ozon.settings.base import Section

# The Seller API's limits: requests for one Client-Id, and entries of one page or one list of ids.
RequestsPerSecond = Annotated[int, Field(ge=1, le=50)]
ItemsPerRequest = Annotated[int, Field(ge=1, le=1000)]
Seconds = Annotated[float, Field(gt=0, le=600)]


class ApiSettings(Section):
    requests_per_second: RequestsPerSecond = Field(default=45, description="The load's rate limit for one Client-Id.")
    other_requests_per_second: RequestsPerSecond = Field(
        default=5,
        description="The rate limit of all other callers; both together may not exceed Ozon's 50.",
    )
    analytics_seconds_between_requests: float = Field(
        default=4.0,
        ge=0,
        le=600,
        description="The pause between two calls of `/v1/analytics/stocks`, which Ozon limits more strictly.",
    )
    connect_timeout_seconds: Seconds = Field(default=10.0, description="The time limit of connecting to the API.")
    read_timeout_seconds: Seconds = Field(
        default=60.0, description="A request fails if the API sends nothing for this long."
    )
    exchange_timeout_seconds: Seconds = Field(
        default=120.0,
        description="The time limit of one request, from the name resolution to the last byte of its answer.",
    )
    concurrent_requests: int = Field(
        default=8, ge=1, le=50, description="The number of parallel requests for one account."
    )
    attempts: int = Field(
        default=5,
        ge=1,
        le=20,
        description="How often one request is sent before its component's attempt fails. Rate-limited requests do not "
        "count: only `retry_budget_seconds` limits them.",
    )
    retry_budget_seconds: float = Field(
        default=180.0,
        ge=0,
        le=3600,
        description="The longest total wait between the attempts of one request.",
    )
    longest_retry_after_seconds: float = Field(
        default=3600.0,
        gt=0,
        le=3600,
        description="The upper limit of a wait that the API, or a server in between, asks for.",
    )
    page_size: ItemsPerRequest = Field(default=1000, description="The number of entries of one page of a list.")
    details_batch_size: ItemsPerRequest = Field(
        default=1000, description="The number of products in one request for details."
    )
