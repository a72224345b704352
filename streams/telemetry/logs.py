"""Logs: one event, one line; JSON where nobody reads along at a terminal.

No line holds a slot value: what is logged of a decision are ids and words of ours (``streams.telemetry.logs.facts``); of an exception
its type and where it was raised, and never its message, which may repeat what could not be read. The sentence with which a process
ends is the last line: JSON as well, or ``misfire: …`` for people.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

from pydantic_core import to_json

from detector.contracts.decisions import Decision
from streams.wire.traceparent import trace_id

__all__ = ["configure_logs", "facts", "log_decision", "tell_the_end"]

logger = logging.getLogger(__name__)

#: Libraries that tell at the level INFO what happens to each request or record.
_TALKATIVE = ("aiokafka", "httpx", "kafka")


def configure_logs(stream: TextIO | None = None) -> None:
    """Log to ``stream``, standard error where it is left out: lines for people at a terminal, else JSON."""
    target = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(target)
    handler.setFormatter(_Plain() if target.isatty() else _Json())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    sys.excepthook = _unforeseen
    # No line shows any of these, and looking them up takes a third of a line's time.
    logging._srcfile = None  # noqa: SLF001 - as the logging HOWTO says
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def tell_the_end(sentence: str, *, as_json: bool = False) -> None:
    """Say why the process ends: as one more line where logs are JSON, or shall be, else to people."""
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
        logger: whose line it is.
        event: what happened, in a word.
        decision: the decision.
        trace: the ``traceparent`` of what led to it.
        more: what else is known, such as ``seconds``.
    """
    fields = {**facts(decision), "trace_id": trace_id(trace), **more}
    logger.info(event, extra={"fields": fields})


def _unforeseen(
    kind: type[BaseException], error: BaseException, where: TracebackType | None
) -> None:
    """What Python prints a traceback for is a line like any other."""
    logger.critical(
        "the process ends because of an error in misfire itself", exc_info=(kind, error, where)
    )


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    """What a line holds besides time, level, logger and event."""
    fields = dict(getattr(record, "fields", {}))
    if record.exc_info and record.exc_info[0]:
        kind, _, where = record.exc_info
        fields["exception"] = kind.__name__
        fields["raised_at"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(where)
        ]
    return fields


class _Json(logging.Formatter):
    """A JSON object."""

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
    """Time, level, event, and what else is known as name=value."""

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
    """Return what a line of the log and a span may say of a decision: ids and words, none of which somebody said."""
    return {
        "decision_id": decision.decision_id,
        "bundle": decision.bundle,
        "verdict": decision.verdict.value,
        "enforcement": decision.enforcement.value,
        "risk_class": decision.risk_class.value,
        "rung": decision.rung.value,
        "reason": decision.reasons[0].code if decision.reasons else "",
    }
