from __future__ import annotations

from typing import Any

import pytest

from tests.layers.golden_c import case_id, cases, check_case


@pytest.mark.parametrize(
    "case", cases("MultiHeadAttention", "GroupedQueryAttention", "Attention", "AdditiveAttention"), ids=case_id
)
def test_outputs_weights_and_gradients_are_those_of_keras(case: dict[str, Any]) -> None:
    check_case(case)
