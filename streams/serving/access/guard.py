"""Authentication and authorization: bearer tokens, scopes, tenants and rate limits.

Without an access file every client may do everything; ``listening.py`` decides where that is
allowed.
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
from streams.serving.hosts import HOST_REFUSALS
from streams.telemetry import metrics

__all__ = ["REFUSALS", "SCOPES", "Caller", "Guard", "caller_of"]

logger = logging.getLogger(__name__)

#: The scope that each route requires; ``None`` means public. A route that is not listed is refused.
SCOPES: dict[str, Scope | None] = {
    "/v1/decide": Scope.DECIDE,
    "/v1/decide/batch": Scope.DECIDE,
    "/v1/outcomes": Scope.DECIDE,
    "/v1/late": Scope.DECIDE,
    "/v1/confirmations/{confirmation_id}": Scope.CONFIRM,
    "/metrics": Scope.OPERATE,
    # The operator API (streams/privacy/operator_api.py).
    "/v1/households/{household_id}": Scope.OPERATE,
    "/v1/households/{household_id}/erasure": Scope.OPERATE,
    "/v1/households/{household_id}/export": Scope.EXPORT,
    "/v1/bundles": Scope.OPERATE,
    "/v1/bundles/promotion": Scope.OPERATE,
    "/v1/bundles/rollback": Scope.OPERATE,
    "/v1/labels": Scope.OPERATE,
    "/v1/rules": Scope.OPERATE,
    "/v1/rules/dry-run": Scope.OPERATE,
    "/v1/rules/unclassified": Scope.OPERATE,
    "/v1/rules/{rule_id}": Scope.OPERATE,
    "/healthz": None,
    "/readyz": None,
}

#: Why a request is refused because of its caller or origin, and the HTTP status.
REFUSALS: dict[str, int] = {
    **HOST_REFUSALS,
    "no_token": 401,
    "wrong_token": 401,
    "missing_scope": 403,
    "other_tenant": 403,
    "other_source": 403,
    "rate_exceeded": 429,
}

#: What follows the household key in a household id: a keyed token of 128 bits.
_HOUSEHOLD = r"_[0-9a-f]{32}"


@dataclass(frozen=True, slots=True)
class Caller:
    """The client of a request; ``token`` is ``None`` if there is no access file."""

    guard: Guard
    token: AccessToken | None = None
    household_key: str | None = None

    def owns(self, household_id: str) -> bool:
        """Return whether a household belongs to the caller's tenant.

        A caller without a household key owns every household.
        """
        return self.household_key is None or bool(
            re.fullmatch(re.escape(self.household_key) + _HOUSEHOLD, household_id)
        )

    @property
    def tenant(self) -> str | None:
        """The tenant of the caller's token."""
        return self.token.tenant if self.token else None

    def is_still_valid(self) -> bool:
        """Return whether the token and the household key are unchanged since the request began.

        A stream of late answers stays open for days.
        """
        if self.token is None:
            return True
        return (
            self.guard.knows(self.token)
            and self.guard.household_key(self.token) == self.household_key
        )

    def check(self, value: IntentEvent | Outcome | ConfirmationAnswer) -> None:
        """Check that a value names no household of another tenant.

        Raises:
            RecordError: with code ``other_tenant``.
        """
        heard = value.heard if isinstance(value, ConfirmationAnswer) else None
        for each in (value, heard):
            if each is not None:
                self.check_household(each.household_id)

    def check_household(self, household_id: str) -> None:
        """Check that a household belongs to the caller's tenant.

        Raises:
            RecordError: with code ``other_tenant``.
        """
        if not self.owns(household_id):
            raise _refused(
                "other_tenant",
                "household_id does not belong to this token's tenant: "
                f"it must begin with {self.household_key}_",
            )

    def check_source(self, source: OutcomeSource) -> None:
        """Check that the caller may report as this source.

        Every caller may report as a runtime. Reporting as an operator needs the scope ``operate``.

        Raises:
            RecordError: with code ``other_source``.
        """
        operates = self.token is not None and Scope.OPERATE in self.token.scopes
        if source is OutcomeSource.RUNTIME or (source is OutcomeSource.OPERATOR and operates):
            return
        raise _refused(
            "other_source",
            f"this caller may not report as {source}: send 'runtime', or 'operator' with a token "
            "that has the scope operate",
        )

    def count(self, events: int) -> None:
        """Count events against the token's rate limit.

        Raises:
            RecordError: with code ``rate_exceeded``.
        """
        if self.token is not None and not self.guard.admits(self.token, events):
            raise _refused(
                "rate_exceeded",
                f"the token exceeds its limit of {self.token.per_second} events a second, "
                "or its tenant's tokens exceed theirs together; "
                "send fewer events, or ask for a higher rate",
            )


class Guard:
    """Authenticates requests and applies rate limits.

    It reads the access file again after a change, so a revoked token is refused at once.

    Args:
        file: the access file; without ``file`` and ``own`` every client may do everything.
        own: the only token of an operator API without an access file; it is valid for the
            households of every tenant.
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
    def requires_token(self) -> bool:
        """Whether requests need a token."""
        return self._file is not None or self._own is not None

    def knows(self, token: AccessToken) -> bool:
        """Return whether the access file still contains this token, unchanged."""
        if self._file is not None:
            self._refresh(self._file)
        return self._tokens.get(token.id) == token

    def household_key(self, token: AccessToken) -> str | None:
        """Return the prefix of the household ids of a known token's tenant.

        ``None`` means that the token is valid for every household.
        """
        return None if token is self._own else self._access.tenants[token.tenant]

    def admits(self, token: AccessToken, events: int) -> bool:
        """Count events of a token; return whether the token and its tenant stay within their rates.

        Events that exceed the token's own rate do not count against its tenant.
        """
        own = RateLimitItemPerSecond(token.per_second)
        if not self._limiter.hit(own, "token", token.id, cost=events):
            return False
        shared = RateLimitItemPerSecond(self._rates.get(token.tenant, token.per_second))
        return self._limiter.hit(shared, "tenant", token.tenant, cost=events)

    async def __call__(self, request: Request) -> None:
        """Authenticate a request; ``caller_of`` then returns the caller.

        This is a FastAPI dependency of every route.

        Raises:
            RecordError: with a code of ``REFUSALS``.
        """
        route = request.scope["route"].path
        scope = SCOPES.get(route, Scope.OPERATE)
        if not self.requires_token or scope is None:
            request.state.caller = Caller(self)
            return
        token = self._authenticate(request.headers.get("authorization"))
        # A token never has the scope ``None`` of a route that is not listed.
        if SCOPES.get(route) not in token.scopes:
            raise _refused("missing_scope", f"the token may not {SCOPES.get(route) or 'do this'}")
        request.state.caller = self._caller(token)

    def log_in(self, sent: str) -> AccessToken:
        """Return the access token that a person types on the desk's page.

        Raises:
            RecordError: with code ``no_token``, ``wrong_token`` or ``missing_scope``.
        """
        token = self._authenticate(f"Bearer {sent}")
        if Scope.OPERATE not in token.scopes:
            raise _refused("missing_scope", "the token may not operate")
        return token

    def caller_with(self, token: AccessToken) -> Caller | None:
        """Return the caller that has logged in with a token, or ``None`` if it was revoked.

        Raises:
            RecordError: with code ``rate_exceeded``.
        """
        return self._caller(token) if self.knows(token) else None

    def _caller(self, token: AccessToken) -> Caller:
        caller = Caller(self, token, self.household_key(token))
        caller.count(1)
        return caller

    def _authenticate(self, header: str | None) -> AccessToken:
        if self._file is not None:
            self._refresh(self._file)
        scheme, _, given = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not given:
            raise _refused("no_token", "send a bearer token: Authorization: Bearer TOKEN")
        name, _, secret = given.strip().partition(".")
        token = self._tokens.get(name)
        # Always compare, so that neither the time nor the answer reveals whether the id exists.
        right = hmac.compare_digest(sha256_of(secret), token.sha256 if token else sha256_of(""))
        if token is None or not right:
            raise _refused("wrong_token", "the token is unknown; it may have been revoked")
        return token

    def _refresh(self, file: Path) -> None:
        try:
            # A stamp from the file clock's last tick is not settled: a second change within the
            # same tick would not show.
            if self._stamp is None or not self._stamp.settled or stamp_of(file) != self._stamp:
                self._read(file)
        except (OSError, DependencyUnavailable, UsageError) as error:
            # Keep the last tokens: while the file is being replaced, requests must still succeed.
            if self._stamp is not None:
                logger.error("%s; using the tokens that were read last", error)  # noqa: TRY400
            self._stamp = None

    def _read(self, file: Path) -> None:
        access, self._stamp = read_stamped(file)
        self._access, self._tokens = access, {token.id: token for token in access.tokens}
        self._rates = {
            tenant: rate for tenant in access.tenants if (rate := access.rate_of(tenant))
        }


def caller_of(request: Request) -> Caller:
    """Return the caller that ``Guard`` authenticated."""
    caller: Caller = request.state.caller
    return caller


def _refused(code: str, text: str) -> RecordError:
    metrics.REFUSED.labels(code).inc()
    return RecordError(code, text)
