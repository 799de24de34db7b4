from __future__ import annotations
import pytest
from tests.layers.golden_c import CASES, case_id, check_case

@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_all(case): check_case(case)
