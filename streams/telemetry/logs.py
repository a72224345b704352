"""Logging: one line per event, as text on a terminal and as JSON elsewhere.

No line contains a slot value. A decision is logged as ids and fixed words (see ``facts``). An
exception is logged as its type and where it was raised, never its message, because a message can
quote unreadable input. The reason why a process exits is its last line: JSON in a JSON log,
otherwise ``misfire: …``.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

from pydantic_core import to_json

from detector.contracts.decisions import Decision
from streams.wire.traceparent import trace_id

__all__ = ["configure_logs", "errors_only", "facts", "log_decision", "log_exit", "log_facts"]

logger = logging.getLogger(__name__)

#: Libraries that log every request or record at level INFO.
_VERBOSE_LIBRARIES = ("aiokafka", "httpx", "kafka")


def configure_logs(stream: TextIO | None = None) -> None:
    """Log to ``stream`` (default: standard error), as text on a terminal and as JSON elsewhere."""
    target = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(target)
    handler.setFormatter(_Plain() if target.isatty() else _Json())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    # No line shows these fields, and finding them takes a third of the time of a log call.
    logging._srcfile = None  # noqa: SLF001 - documented in the logging HOWTO
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    for name in _VERBOSE_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


@contextmanager
def errors_only(name: str) -> Iterator[None]:
    """Inside the block, the logger of this name logs only errors."""
    named = logging.getLogger(name)
    level = named.level
    named.setLevel(logging.ERROR)
    try:
        yield
    finally:
        named.setLevel(level)


def log_exit(sentence: str, *, as_json: bool = False) -> None:
    """Log why the process exits; ``as_json`` forces JSON before logging is configured."""
    if any(isinstance(handler.formatter, _Json) for handler in logging.getLogger().handlers):
        logger.critical("%s", sentence)
    elif as_json:
        record = logger.makeRecord(logger.name, logging.CRITICAL, "", 0, sentence, (), None)
        print(_Json().format(record), file=sys.stderr)
    else:
        print(f"misfire: {sentence}", file=sys.stderr)


def log_decision(
    logger: logging.Logger, event: str, decision: Decision, trace: bytes, **more: str | float
) -> None:
    """Log a decision as one line.

    Args:
        logger: the logger to use.
        event: what happened, in one word.
        decision: the decision.
        trace: the ``traceparent`` of the request or record behind the decision.
        more: additional fields, such as ``seconds``.
    """
    log_facts(logger, event, facts(decision), trace, **more)


def log_facts(
    logger: logging.Logger, event: str, found: Mapping[str, str], trace: bytes, **more: str | float
) -> None:
    """Log a decision whose ``facts`` are known, like ``log_decision``."""
    if logger.isEnabledFor(logging.INFO):
        logger.info(event, extra={"fields": {**found, "trace_id": trace_id(trace), **more}})


def _log_uncaught(
    kind: type[BaseException], error: BaseException, where: TracebackType | None
) -> None:
    """Log an uncaught exception as one line, in place of Python's traceback."""
    logger.critical("exiting because of an internal error", exc_info=(kind, error, where))


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    """Return the fields of a line besides time, level, logger and event."""
    fields = dict(getattr(record, "fields", {}))
    if record.exc_info and record.exc_info[0]:
        kind, _, where = record.exc_info
        fields["exception"] = kind.__name__
        fields["raised_at"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(where)
        ]
    return fields


class _Json(logging.Formatter):
    """Formats a record as a JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_fields(record),
        }
        return to_json(line, fallback=str).decode()


class _Plain(logging.Formatter):
    """Formats a record as time, level, event and the other fields as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        event = " ".join(record.getMessage().split())
        return " ".join(
            [
                f"{time} {record.levelname:7} {event}",
                *(f"{name}={value}" for name, value in _fields(record).items()),
            ]
        )


def facts(decision: Decision) -> dict[str, str]:
    """Return the ids and fixed words of a decision that may appear in a log line or a span."""
    return {
        "decision_id": decision.decision_id,
        "bundle": decision.bundle,
        "verdict": decision.verdict.value,
        "enforcement": decision.enforcement.value,
        "risk_class": decision.risk_class.value,
        "rung": decision.rung.value,
        "reason": decision.reasons[0].code if decision.reasons else "",
    }
