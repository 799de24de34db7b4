"""The pooling layers against a real Keras."""

from __future__ import annotations

import pytest

from tests.layers.golden_b import GoldenCase, case_id, cases

CASES = pytest.mark.parametrize("case", cases("Pooling"), ids=case_id)


@CASES
def test_outputs_in_inference_are_those_of_keras(case):
    GoldenCase(case).check_inference()


@CASES
def test_outputs_gradients_and_statistics_in_training_are_those_of_keras(case):
    GoldenCase(case).check_training()


@CASES
def test_weights_have_the_names_shapes_and_order_of_keras(case):
    GoldenCase(case).check_weights()


@CASES
def test_config_is_that_of_keras(case):
    GoldenCase(case).check_config()


@CASES
def test_output_shapes_are_those_of_keras(case):
    GoldenCase(case).check_shapes()
