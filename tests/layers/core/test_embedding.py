from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kerasish import config, ops
from kerasish.layers import Embedding
from kerasish.regularizers import L2
from tests.layers.golden_c import case_id, cases, check_case
from tests.layers.support import check_layer

TABLE = np.arange(8, dtype=np.float32).reshape(4, 2)


@pytest.mark.parametrize("case", cases("Embedding"), ids=case_id)
def test_outputs_weights_and_gradients_are_those_of_keras(case: dict[str, Any]) -> None:
    check_case(case)


def test_the_layer_keeps_the_contract() -> None:
    check_layer(
        Embedding,
        {"input_dim": 4, "output_dim": 2},
        inputs=np.array([[0, 3, 1], [2, 2, 0]], np.int32),
        weights=[TABLE],
        expected_output=TABLE[[[0, 3, 1], [2, 2, 0]]],
        expected_weights=1,
        supports_masking=False,
    )


def test_regularizer_and_constraint_reach_the_table() -> None:
    layer = Embedding(4, 2, embeddings_regularizer=L2(0.1), embeddings_constraint="non_neg", weights=TABLE)
    layer(np.array([1]))
    assert layer.losses[0].item() == pytest.approx(0.1 * (TABLE**2).sum())
    assert type(layer.embeddings.constraint).__name__ == "NonNeg"


def test_weights_may_be_a_matrix_or_a_list_that_holds_it() -> None:
    for weights in (TABLE, [TABLE], TABLE.tolist()):
        assert Embedding(4, 2, weights=weights).get_weights()[0].tolist() == TABLE.tolist()


def test_mask_zero_marks_the_padding() -> None:
    y = Embedding(4, 2, mask_zero=True)(np.array([[1, 0, 2]]))
    assert y._keras_mask.tolist() == [[True, False, True]]
    assert Embedding(4, 2)(np.array([[1, 0, 2]]))._keras_mask is None


def test_floats_are_cut_to_integers() -> None:
    layer = Embedding(4, 2, weights=TABLE)
    assert layer(np.array([[2.0, 1.0]], np.float32)).tolist() == TABLE[[[2, 1]]].tolist()


def test_large_integers_survive_half_precision() -> None:
    table = np.arange(5000, dtype=np.float32)[:, None] % 7
    layer = Embedding(5000, 1, weights=table, dtype="mixed_float16")
    assert layer(np.array([4097.0, 4099.0], np.float32)).tolist() == [[4097 % 7], [4099 % 7]]


def test_input_length_of_keras_2_is_accepted() -> None:
    assert Embedding(4, 2, input_length=10)(np.array([[1]])).shape == (1, 1, 2)


@pytest.mark.skipif(config.backend() == "cupy", reason="a GPU does not wait to look at the integers")
def test_an_integer_out_of_range_is_an_error_that_names_the_layer() -> None:
    with pytest.raises(IndexError, match=r"'words' takes integers from 0 to 3\. Received: inputs from 1 to 4"):
        Embedding(4, 2, name="words")(ops.array([[1, 4]]))


@pytest.mark.skipif(config.backend() != "cupy", reason="on a CPU it is an error")
def test_an_integer_out_of_range_gives_zeros_on_a_gpu() -> None:
    rows = Embedding(4, 2, embeddings_initializer="ones")(ops.array([[1, 4]]))
    assert rows.tolist() == [[[1.0, 1.0], [0.0, 0.0]]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_dim": 0, "output_dim": 2}, "input_dim=0"),
        ({"input_dim": 4, "output_dim": 2.5}, "output_dim=2.5"),
        ({"input_dim": 4, "output_dim": True}, "output_dim=True"),
        ({"input_dim": 4, "output_dim": 2, "lora_rank": 2}, "lora_rank=2"),
        ({"input_dim": 4, "output_dim": 2, "quantization_config": {}}, "quantization_config"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"Received: .*{message}"):
        Embedding(**arguments)


def test_the_table_is_not_there_before_it_is_built() -> None:
    with pytest.raises(AttributeError, match="before it is built"):
        _ = Embedding(4, 2).embeddings
