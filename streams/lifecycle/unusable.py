"""Records of a followed topic that cannot be applied: they are logged and counted."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from streams.errors import RecordError
from streams.telemetry import metrics

__all__ = ["Report", "report_unusable"]

logger = logging.getLogger(__name__)

#: Called with a record, which has a ``topic`` and an ``offset``, and with what is wrong with it.
Report = Callable[[Any, RecordError], None]


def report_unusable(record: Any, error: RecordError) -> None:
    """Log and count a record that is not applied."""
    metrics.UNUSABLE_RECORDS.labels(record.topic, error.code).inc()
    logger.error(
        "the record at offset %d of %s is not applied: %s (%s)",
        record.offset,
        record.topic,
        error,
        error.code,
    )
