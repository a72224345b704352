from __future__ import annotations

from pathlib import Path

from detector.contracts.decisions import RiskClass, Rung
from streams.files.policy import read_policy
from streams.gateway.degraded_reasons import LOWER_RUNGS
from streams.gateway.documents import failures
from streams.gateway.documents.failures import FAILURES, Failure

PAGE = Path(failures.__file__).with_suffix(".md")


def test_the_page_is_generated_from_the_failures() -> None:
    assert PAGE.read_text("utf-8") == failures.page(), (
        f"python -m streams.gateway.documents.failures > {PAGE.name}"
    )


def test_the_fallbacks_are_those_of_the_packaged_policy() -> None:
    ruled = [failure for failure in FAILURES if failure.rung is Rung.POLICY]
    wanted = {risk: read_policy().classes[risk].fallback for risk in RiskClass}
    assert ruled
    assert all(failure.answers == wanted for failure in ruled)


def test_every_reason_of_the_gateway_is_on_its_rung() -> None:
    def on(rung: Rung) -> set[str]:
        return {
            failure.code
            for failure in FAILURES
            if failure.rung is rung and _is_the_gateways(failure)
        }

    assert on(Rung.GATEWAY) == LOWER_RUNGS[Rung.GATEWAY].keys()
    # The last two are internal errors of misfire, not failures of its environment.
    assert on(Rung.POLICY) == LOWER_RUNGS[Rung.POLICY].keys() - {"worker_refused", "internal_error"}


def _is_the_gateways(failure: Failure) -> bool:
    return not failure.code.startswith("gateway_")
