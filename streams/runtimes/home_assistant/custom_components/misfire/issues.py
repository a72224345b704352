"""Repairs: what needs a person. Each issue names what to do."""

from __future__ import annotations

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN, LOGGER

__all__ = ["clear_fault", "clear_issue", "report_fault", "report_issue"]

_FAULT = "cannot_check"


@callback
def report_issue(hass: HomeAssistant, issue: str, **values: str) -> None:
    """Create a repair issue: ``not_loaded``, ``nobody_to_ask``, ``phone_missing`` and others."""
    severity = ir.IssueSeverity.ERROR if issue == "not_loaded" else ir.IssueSeverity.WARNING
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue,
        is_fixable=False,
        severity=severity,
        translation_key=issue,
        translation_placeholders=values or None,
    )


@callback
def clear_issue(hass: HomeAssistant, issue: str) -> None:
    """Remove a repair issue."""
    ir.async_delete_issue(hass, DOMAIN, issue)


@callback
def report_fault(hass: HomeAssistant, error: Exception) -> None:
    """Log that a command could not be checked, and create an issue."""
    LOGGER.error("A voice command could not be checked", exc_info=error)
    report_issue(hass, _FAULT, error=type(error).__name__)


@callback
def clear_fault(hass: HomeAssistant) -> None:
    """Remove the issue of an earlier fault."""
    if ir.async_get(hass).async_get_issue(DOMAIN, _FAULT) is not None:
        ir.async_delete_issue(hass, DOMAIN, _FAULT)
