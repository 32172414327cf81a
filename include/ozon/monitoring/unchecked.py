"""Rules that no check measures: their alerts come from events, failed checks, and undelivered notifications."""

from __future__ import annotations

from include.ozon.monitoring.rule import Rule
from include.ozon.settings.limits import State
from include.ozon.translation import N_

RUN_DEADLINE = Rule(
    name="run_deadline",
    title=N_("a run missed its deadline"),
    measures=N_("Runs end within `deadlines`."),
    limits=State(level="critical"),
    next_step=N_("Look at the run; if it hangs, mark its task as failed."),
    meaning="A run has not ended when it should have.",
    remedy="The mail names what is running; [a run that is stuck](#a-run-that-is-stuck).",
)

TASK_FAILED = Rule(
    name="task_failed",
    title=N_("a task failed"),
    measures=N_("No task of this package has failed for good."),
    limits=State(level="critical"),
    next_step=N_("The last error in its log names what to do, in one sentence; then clear the task."),
    meaning="A task has failed for good, its retries included.",
    remedy="Its log's last error: find the class [below](#errors); then clear the task.",
)

UNMEASURED = Rule(
    name="unmeasured",
    title=N_("checks could not be measured"),
    measures=N_("Every check could be measured."),
    limits=State(level="warning"),
    next_step=N_("The log of `check` in ozon_health_check shows what made them fail."),
    meaning="A check itself failed: neither good nor bad.",
    remedy="The log of `check` in `ozon_health_check`.",
)

CHANNEL_FAILED = Rule(
    name="channel_failed",
    title=N_("a channel does not deliver alerts"),
    measures=N_("Every channel delivers."),
    limits=State(level="warning"),
    next_step=N_("Check the channel's connection in Airflow, then `ozon alerts test`."),
    meaning="A channel cannot deliver; you were notified by the others.",
    remedy="`ozon alerts test CHANNEL` shows why; what it missed is sent later.",
)

EVENTS = (RUN_DEADLINE, TASK_FAILED)
"""Rules whose alerts come from events: nothing measures them again, so they end without a resolution."""

RULES = (RUN_DEADLINE, TASK_FAILED, UNMEASURED, CHANNEL_FAILED)
