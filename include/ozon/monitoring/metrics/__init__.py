"""Visibility metrics: what customers can see of an account's products, and what it costs when they cannot."""

from include.ozon.monitoring.metrics.details import detail_lines
from include.ozon.monitoring.metrics.judgement import judge_metrics
from include.ozon.monitoring.metrics.measurement import measure
from include.ozon.monitoring.metrics.model import VisibilityMetrics
from include.ozon.monitoring.metrics.store import history, save

__all__ = ["VisibilityMetrics", "detail_lines", "history", "judge_metrics", "measure", "save"]
