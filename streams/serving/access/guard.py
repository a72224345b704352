"""Who asks: bearer tokens, what each may do, whose households it may name, and how much it may send.

Without an access file everybody who reaches the gateway may do everything; ``edge.py`` says where that is allowed.
"""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from detector.contracts.confirmations import ConfirmationAnswer
from detector.contracts.events import IntentEvent, Outcome, OutcomeSource
from streams.errors import DependencyUnavailable, RecordError, UsageError
from streams.files.private import Stamp, stamp_of
from streams.serving.access.token_file import (
    AccessFile,
    AccessToken,
    Scope,
    read_stamped,
    sha256_of,
)
from streams.serving.hosts import FOREIGN
from streams.telemetry import metrics

__all__ = ["REFUSALS", "SCOPES", "Caller", "Guard", "caller_of"]

logger = logging.getLogger(__name__)

#: What each route takes; ``None`` is for everybody. A route that is not here is refused.
SCOPES: dict[str, Scope | None] = {
    "/v1/decide": Scope.DECIDE,
    "/v1/decide/batch": Scope.DECIDE,
    "/v1/outcomes": Scope.DECIDE,
    "/v1/late": Scope.DECIDE,
    "/v1/confirmations/{confirmation_id}": Scope.CONFIRM,
    "/metrics": Scope.OPERATE,
    # The operator API's (streams/privacy/operator_api.py).
    "/v1/households/{household_id}": Scope.OPERATE,
    "/v1/households/{household_id}/erasure": Scope.OPERATE,
    "/v1/households/{household_id}/export": Scope.EXPORT,
    "/healthz": None,
    "/readyz": None,
}

#: Why a request is refused for who asks or from where, and its status.
REFUSALS: dict[str, int] = {
    **FOREIGN,
    "no_token": 401,
    "wrong_token": 401,
    "missing_scope": 403,
    "other_tenant": 403,
    "other_source": 403,
    "rate_exceeded": 429,
}

#: Of a household's id, what follows the key's: a keyed token of 128 bits.
_HOUSEHOLD = r"_[0-9a-f]{32}"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. Everybody, where there is no access file: then ``token`` is ``None``."""

    guard: Guard
    token: AccessToken | None = None
    household_key: str | None = None

    def owns(self, household_id: str) -> bool:
        """Return whether a household is one of the caller's tenant; without a tenant's key every household is."""
        return self.household_key is None or bool(
            re.fullmatch(re.escape(self.household_key) + _HOUSEHOLD, household_id)
        )

    @property
    def tenant(self) -> str | None:
        """The tenant of the caller's token."""
        return self.token.tenant if self.token else None

    def is_still_known(self) -> bool:
        """Return whether token and household key are those of when the request began: a stream of late answers stays open for days."""
        if self.token is None:
            return True
        return (
            self.guard.knows(self.token)
            and self.guard.household_key(self.token) == self.household_key
        )

    def check(self, value: IntentEvent | Outcome | ConfirmationAnswer) -> None:
        """Make sure that a value names no household of another tenant.

        Raises:
            RecordError: with code ``other_tenant``.
        """
        heard = value.heard if isinstance(value, ConfirmationAnswer) else None
        for each in (value, heard):
            if each is not None:
                self.check_household(each.household_id)

    def check_household(self, household_id: str) -> None:
        """Make sure that a household is one of the caller's tenant.

        Raises:
            RecordError: with code ``other_tenant``.
        """
        if not self.owns(household_id):
            raise _refused(
                "other_tenant",
                f"household_id is none of this token's tenant: it has to begin with {self.household_key}_",
            )

    def check_source(self, source: OutcomeSource) -> None:
        """Make sure that the caller may report as this source: as a runtime, and as an operator with a token that may operate.

        Raises:
            RecordError: with code ``other_source``.
        """
        operates = self.token is not None and Scope.OPERATE in self.token.scopes
        if source is OutcomeSource.RUNTIME or (source is OutcomeSource.OPERATOR and operates):
            return
        raise _refused(
            "other_source",
            f"this caller may not report as {source}: send 'runtime', or 'operator' with a token of the scope operate",
        )

    def count(self, events: int) -> None:
        """Count what is sent against the token's rate.

        Raises:
            RecordError: with code ``rate_exceeded``.
        """
        if self.token is not None and not self.guard.admits(self.token, events):
            raise _refused(
                "rate_exceeded",
                f"the token sends more than its {self.token.per_second} events a second, or more than its tenant's tokens may together; "
                "send fewer, or ask for a higher rate",
            )


class Guard:
    """Knows who may do what. Reads the access file again when it was changed: a token that was revoked is refused at once.

    Args:
        file: the access file; without one everybody may do everything, unless there is
        own: the one token, for the households of every tenant, of an operator API without an access file.
    """

    def __init__(self, file: Path | None, own: AccessToken | None = None) -> None:
        self._file = file
        self._own = own
        self._stamp: Stamp | None = None
        self._access = AccessFile()
        self._tokens: Mapping[str, AccessToken] = {own.id: own} if own else {}
        self._rates: Mapping[str, int] = {}
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        if file is not None:
            self._read(file)

    @property
    def closed(self) -> bool:
        """Whether tokens are asked for."""
        return self._file is not None or self._own is not None

    def knows(self, token: AccessToken) -> bool:
        """Return whether a token is in the access file as it was."""
        if self._file is not None:
            self._refresh(self._file)
        return self._tokens.get(token.id) == token

    def household_key(self, token: AccessToken) -> str | None:
        """Return the id that every household of a known token's tenant begins with; ``None`` is every household."""
        return None if token is self._own else self._access.tenants[token.tenant]

    def admits(self, token: AccessToken, events: int) -> bool:
        """Count events of a token; return whether they are within its rate, and within that of its tenant's tokens together.

        What a token's own rate refuses counts against that token, and not against its tenant's others.
        """
        own = RateLimitItemPerSecond(token.per_second)
        if not self._limiter.hit(own, "token", token.id, cost=events):
            return False
        together = RateLimitItemPerSecond(self._rates.get(token.tenant, token.per_second))
        return self._limiter.hit(together, "tenant", token.tenant, cost=events)

    async def __call__(self, request: Request) -> None:
        """Let a request in, as a dependency of every route; ``caller_of`` says afterwards who asks.

        Raises:
            RecordError: with a code of ``REFUSALS``.
        """
        caller = Caller(self)
        route = request.scope["route"].path
        if self.closed and SCOPES.get(route, Scope.OPERATE) is not None:
            if self._file is not None:
                self._refresh(self._file)
            token = self._known(request.headers.get("authorization"))
            if SCOPES.get(route) not in token.scopes:
                raise _refused(
                    "missing_scope", f"the token may not {SCOPES.get(route) or 'do this'}"
                )
            caller = Caller(self, token, self.household_key(token))
            caller.count(1)
        request.state.caller = caller

    def _known(self, header: str | None) -> AccessToken:
        scheme, _, given = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not given:
            raise _refused("no_token", "a bearer token is needed: Authorization: Bearer TOKEN")
        name, _, secret = given.strip().partition(".")
        token = self._tokens.get(name)
        # Compared in any case: neither the time nor the answer tells whether the id or the secret is wrong.
        right = hmac.compare_digest(sha256_of(secret), token.sha256 if token else sha256_of(""))
        if token is None or not right:
            raise _refused("wrong_token", "the token is not known here; it may have been revoked")
        return token

    def _refresh(self, file: Path) -> None:
        try:
            # A file that was changed within the last tick of its clock is read again: another change would not be seen.
            if self._stamp is None or not self._stamp.settled or stamp_of(file) != self._stamp:
                self._read(file)
        except (OSError, DependencyUnavailable, UsageError) as error:
            # What was read last holds: a file that is being replaced must not shut every home out.
            if self._stamp is not None:
                logger.error("%s; the tokens that were read last are taken until then", error)  # noqa: TRY400 - a sentence
            self._stamp = None

    def _read(self, file: Path) -> None:
        access, self._stamp = read_stamped(file)
        self._access, self._tokens = access, {token.id: token for token in access.tokens}
        self._rates = {
            tenant: rate for tenant in access.tenants if (rate := access.rate_of(tenant))
        }


def caller_of(request: Request) -> Caller:
    """Return who asks; ``Guard`` has found out."""
    caller: Caller = request.state.caller
    return caller


def _refused(code: str, text: str) -> RecordError:
    metrics.REFUSED.labels(code).inc()
    return RecordError(code, text)
