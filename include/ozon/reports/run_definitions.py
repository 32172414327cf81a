"""The names and definitions of a run's numbers, for the page's tooltips."""

from __future__ import annotations

from collections.abc import Mapping

from include.ozon.monitoring.metrics.definitions import Definition
from include.ozon.translation import N_

PHASES: Mapping[str, Definition] = {
    "waiting": Definition(
        N_("Waiting"), N_("Waiting for Ozon's limits and before retries, while there was nothing to stage.")
    ),
    "downloading": Definition(
        N_("Downloading"), N_("Waiting for Ozon's answers, and reading them, while there was nothing to stage.")
    ),
    "staging": Definition(
        N_("Staging"), N_("Writing answers to the staging tables. Answers that arrived meanwhile cost no time.")
    ),
    "comparing": Definition(
        N_("Comparing"), N_("Finding the differences between staging and warehouse, and checking the guards.")
    ),
    "merging": Definition(N_("Merging"), N_("Writing the differences to the warehouse, in one transaction.")),
}

RUN_DEFINITIONS: Mapping[str, Definition] = {
    **PHASES,
    "rows_read": Definition(
        N_("Read"), N_("Distinct entries that Ozon sent: inserted + updated + unchanged + rejected.")
    ),
    "rows_inserted": Definition(N_("inserted"), N_("Entries that were new.")),
    "rows_updated": Definition(N_("updated"), N_("Entries that differed from the warehouse.")),
    "rows_unchanged": Definition(N_("unchanged"), N_("Entries equal to the warehouse, which were not written.")),
    "rows_rejected": Definition(N_("rejected"), N_("Entries that could not be loaded. They keep their last state.")),
    "rows_removed": Definition(N_("Removed"), N_("Rows of the warehouse that Ozon no longer has. Not part of read.")),
    "rows_repeated": Definition(N_("Repeated"), N_("Entries received again on another page. Not part of read.")),
    "api_requests": Definition(N_("Requests"), N_("Requests to Ozon, retries included.")),
    "api_retries": Definition(N_("Retries"), N_("Requests that repeated a failed one.")),
    "api_rate_limited": Definition(N_("Rate-limited"), N_("Requests that Ozon refused because there were too many.")),
    "api_wait_seconds": Definition(
        N_("Waited by all threads"),
        N_("Seconds that the parallel requests waited for Ozon's limits and before retries, added up."),
    ),
    "duration_seconds": Definition(N_("Duration"), N_("Seconds from start to end.")),
    "peak_memory_mb": Definition(N_("Peak memory"), N_("The most memory that the process used.")),
}
