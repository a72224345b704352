"""The bundles: channels side by side, gates, promotion and rollback with a reason."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from detector.contracts.decisions import RiskClass, Verdict
from detector.contracts.errors import BundleError
from streams.desk.index import Index
from streams.desk.queries import Queries
from streams.desk.rendering import message, page
from streams.desk.requests import visit_of
from streams.errors import DependencyUnavailable, RecordError, UsageError
from streams.files.bundles import read_bundle
from streams.files.signing import read_public_key
from streams.lifecycle.channel_changes import Reason
from streams.lifecycle.promotion import channels, examine, promote
from streams.lifecycle.rollback import roll_back
from streams.settings import Settings
from streams.wire.announcements import ACTIVE

__all__ = ["BundlePages"]

_BACK = "/desk/bundles"


class BundlePages:
    """Pages of the bundles. A bundle decides for every tenant, so one tenant's token only looks.

    Args:
        index: the index of decisions.
        settings: the settings with which bundles are announced.
    """

    def __init__(self, index: Index, settings: Settings) -> None:
        self._index = index
        self._settings = settings
        self._changing = threading.Lock()

    def bundles(self, request: Request) -> Response:
        """Show the channels, and what recent decisions each bundle made."""
        return self._page(request)

    async def gates(self, request: Request, form: dict[str, str]) -> Response:
        """Show the result of each gate of a candidate, without promoting it."""

        def examined() -> Response:
            with self._change(request):
                key = read_public_key(self._settings.bundle_public_key)
                candidate = read_bundle(_directory(form), key=key)
                found = examine(self._settings, candidate)
            return self._page(request, gates=found, form=form)

        return await run_in_threadpool(examined)

    async def promote(self, request: Request, form: dict[str, str]) -> Response:
        """Announce a bundle, unless a gate refuses it."""

        def promoted() -> Response:
            with self._change(request) as who:
                found = promote(
                    self._settings,
                    _directory(form),
                    Reason(who, form.get("why", "").strip()),
                    channel=form.get("channel", "").strip() or ACTIVE,
                    canary=_share(form.get("canary", "")),
                    force="force" in form,
                )
            if found.announcement is None:
                return self._page(request, gates=found.gates, form=form, refused=True)
            number = found.announcement.number
            text = f"Workers and gateways take the bundle now (announcement {number})."
            return message(request, "Promoted", text, back=_BACK)

        return await run_in_threadpool(promoted)

    async def roll_back(self, request: Request, form: dict[str, str]) -> Response:
        """Return a channel to the bundle before."""

        def rolled_back() -> Response:
            with self._change(request) as who:
                reason = Reason(who, form.get("why", "").strip())
                done = roll_back(self._settings, reason, channel=form.get("channel", ACTIVE))
            if done is None:
                return message(request, "Withdrawn", "The shadow has ended.", back=_BACK)
            text = f"The bundle before decides again (announcement {done.number})."
            return message(request, "Rolled back", text, back=_BACK)

        return await run_in_threadpool(rolled_back)

    @contextmanager
    def _change(self, request: Request) -> Iterator[str]:
        """Admit one change at a time, and yield who makes it."""
        visit = visit_of(request)
        if visit.caller.household_key is not None:
            raise RecordError(
                "other_tenant", "a bundle decides for every tenant; this token is of one tenant"
            )
        if not self._changing.acquire(blocking=False):
            raise RecordError("busy", "another bundle is being examined; try again in a minute")
        try:
            yield visit.by
        except (UsageError, BundleError) as error:
            raise RecordError("schema", str(error)) from None
        except (DependencyUnavailable, OSError) as error:
            raise RecordError("unavailable", str(error)) from None
        finally:
            self._changing.release()

    def _page(self, request: Request, **more: Any) -> Response:
        caller = visit_of(request).caller
        try:
            found, problem = channels(self._settings), ""
        except DependencyUnavailable as error:
            found, problem = [], str(error)
        counts = Queries(self._index, caller.household_key).bundles()
        values: dict[str, Any] = {"gates": (), "form": {}, "refused": False} | more
        return page(
            request,
            "bundles.html",
            422 if values["refused"] else 200,
            channels=found,
            problem=problem,
            rows=_side_by_side(counts),
            versions=sorted({bundle for bundle, _, _ in counts}),
            may_change=caller.household_key is None,
            **values,
        )


def _side_by_side(
    counts: Mapping[tuple[str, str, str], int],
) -> list[tuple[str, Callable[[str], tuple[int, int]]]]:
    """Return for each risk class a function of the bundle: its commands, and the interrupted."""
    commands, interrupted = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for (bundle, risk, verdict), number in counts.items():
        commands[bundle, risk] += number
        interrupted[bundle, risk] += number if verdict != Verdict.ALLOW else 0

    def of(risk: str, bundle: str) -> tuple[int, int]:
        return commands[bundle, risk], interrupted[bundle, risk]

    return [(risk.value, partial(of, risk.value)) for risk in RiskClass]


def _directory(form: Mapping[str, str]) -> Path:
    """Return the directory of the candidate.

    Raises:
        RecordError: there is none, or it is no path.
    """
    given = form.get("directory", "").strip()
    if not given or "\0" in given:
        raise RecordError("schema", "give the directory of a bundle, as this process sees it")
    return Path(given)


def _share(text: str) -> float:
    """Return the share of a percentage such as ``5`` or ``5%``; empty: all.

    Raises:
        RecordError: it is not a number.
    """
    try:
        return float(text.strip().removesuffix("%") or "100") / 100.0
    except ValueError:
        raise RecordError("schema", "the canary is a percentage, such as 5") from None
