"""Test a running gateway with valid and invalid requests generated from its OpenAPI description.

Each answer must match the description.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from streams.local.processes import free_port
from tests.integration.stream import bundle_on_disk
from tests.integration.test_gateway import gateway

pytestmark = pytest.mark.slow

#: Limits each operation and mode to seconds.
EXAMPLES = 25
OPERATIONS = (
    "POST /v1/decide",
    "POST /v1/decide/batch",
    "POST /v1/outcomes",
    "POST /v1/confirmations/{confirmation_id}",
)

WITHOUT: dict[str, tuple[Any, ...]] = {
    # Without a worker, confirmations get 504, as the description says.
    "POST /v1/confirmations/{confirmation_id}": (not_a_server_error,),
    # Events of an array fail separately: invalid events get an array of problems.
    "POST /v1/decide/batch": (negative_data_rejection,),
}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Load the operations of a gateway with a bundle and without a broker, which answers alone."""
    folder = tmp_path_factory.mktemp("gateway")
    _, place = bundle_on_disk(folder)
    with gateway(f"127.0.0.1:{free_port()}", place, folder / "log", wait=False) as url:
        found = schemathesis.openapi.from_url(f"{url}/openapi.json")
        operations = (each.ok() for each in found.get_all_operations())
        yield {operation.label: operation for operation in operations}


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("name", OPERATIONS)
def test_the_gateway_conforms_to_its_openapi_description(
    api: dict[str, Any], name: str, mode: GenerationMode
) -> None:
    without = list(WITHOUT.get(name, ()))
    if mode is GenerationMode.NEGATIVE:
        # The generator invalidates one part; a time in the future may be another.
        without.append(positive_data_acceptance)

    @given(api[name].as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any) -> None:
        case.headers = {**(case.headers or {}), "X-Misfire-Deadline-Ms": "10"}
        # A description cannot express that callbacks go only to hosts that the operator lists.
        case.headers.pop("X-Misfire-Late-Url", None)
        if mode is GenerationMode.POSITIVE and isinstance(case.body, dict):
            # Nor that a time is not in the future, or that an answer belongs to its question.
            said = case.body.get("data", case.body)
            for each in (said, said.get("heard")):
                if isinstance(each, dict):
                    each["time"] = "2026-01-05T18:00:00Z"
            if isinstance(said.get("heard"), dict):
                said["heard"]["household_id"] = said["household_id"]
            if "confirmation_id" in said:
                said["confirmation_id"] = case.path_parameters["confirmation_id"] = "0" * 40
        case.call_and_validate(excluded_checks=without)

    ask()


def test_every_operation_with_input_is_tested(api: dict[str, Any]) -> None:
    assert {name for name in api if name.startswith("POST ")} == set(OPERATIONS)
