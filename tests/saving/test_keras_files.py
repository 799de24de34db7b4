"""Files by Keras 1.2 to 3.15 and tf.keras: they open, predict, evaluate and train on as their writers did."""

from __future__ import annotations

import warnings

import pytest

import kerasish
from kerasish.saving import LoadError
from tests.saving.keras_files import (
    EXTERNAL,
    GOLDEN,
    check_evaluation,
    check_predictions,
    check_training,
    collect,
    has_training,
    label,
    load,
    read_npz,
)

FILES = collect(GOLDEN)
REFUSED = {"lambda_anonymous"}
# Where training goes on differently, and why.
OTHER_TRAINING = {
    # Frozen batch normalization used the moments of the batch.
    ("nested_frozen", "keras2.0.8_tf1.13"),
    ("nested_frozen", "keras2.2.4_tf1.13"),
    # The writer forgets a part of the state, which is restored here; what it did without a stop is partly chance.
    ("opt_nadam", "keras2.1.6_tf1.13"),
    ("opt_nadam", "keras2.2.4_tf1.13"),
    # The writer did not clip gradients, though it was told to.
    ("opt_adam_clipvalue", "tfkeras2.1"),
    ("opt_sgd_clipnorm", "tfkeras2.1"),
}
# Where numbers differ already before: the corners of images lay elsewhere; a loss was counted in another way.
OTHER_NUMBERS = {("upsampling_bilinear", "keras2.2.4_tf1.13"), ("regularized", "keras3.0")}

# Layers that end the way of a mask say so.
pytestmark = pytest.mark.filterwarnings("ignore:The layer .* got an input with a mask")


def is_compiled(entry):
    return entry["compiled"] and entry["optimizer_saved"]


def trains_alike(path, entry):
    return (entry["kind"], path.parent.name) not in OTHER_TRAINING


def cases(files, wanted):
    return [
        pytest.param(path, entry, id=label(path))
        for path, entry in files
        if entry["kind"] not in REFUSED and wanted(path, entry)
    ]


def test_the_golden_files_cover_every_generation():
    assert len(FILES) >= 40
    assert len({path.parent.name for path, _ in FILES}) == 15


@pytest.mark.parametrize(("path", "entry"), cases(FILES, lambda p, e: True))
def test_a_file_predicts_what_its_writer_predicted(path, entry):
    npz = read_npz(path)
    check_predictions(load(path, entry, **({} if entry["format"] == "weights" else {"compile": False})), entry, npz)


@pytest.mark.parametrize(("path", "entry"), cases(FILES, lambda p, e: is_compiled(e)))
def test_a_compiled_file_evaluates_as_its_writer_did(path, entry):
    npz = read_npz(path)
    if "eval_values" in npz:
        check_evaluation(load(path, entry), entry, npz)


@pytest.mark.parametrize(
    ("path", "entry"),
    cases(FILES, lambda p, e: is_compiled(e) and trains_alike(p, e)),
)
def test_a_compiled_file_trains_on_as_its_writer_did(path, entry):
    npz = read_npz(path)
    if has_training(npz):
        check_training(path, entry, npz)


@pytest.mark.parametrize(("path", "entry"), [pytest.param(p, e, id=label(p)) for p, e in FILES if e["kind"] in REFUSED])
def test_byte_code_is_refused_by_name(path, entry):
    with pytest.raises(LoadError, match="byte code"):
        kerasish.models.load_model(path)


def test_a_missing_custom_object_is_named():
    path = next(path for path, entry in FILES if "scaled_square" in entry["custom_objects"])
    with pytest.raises(LoadError, match="scaled_square"):
        kerasish.models.load_model(path)


@pytest.mark.skipif(EXTERNAL is None, reason="KERASISH_KERAS_FILES names no folder")
@pytest.mark.parametrize(
    ("path", "entry"), [pytest.param(p, e, id=label(p)) for p, e in (collect(EXTERNAL) if EXTERNAL else [])]
)
def test_a_file_of_the_external_folder(path, entry):
    if entry["kind"] in REFUSED or (entry["kind"], path.parent.name) in OTHER_NUMBERS:
        pytest.skip("byte code is refused, and some old computations are no more")
    npz = read_npz(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = load(path, entry)
        except LoadError as error:
            if "Unknown layer" in str(error) or "Unknown optimizer" in str(error):
                pytest.skip(f"not part of kerasish: {error}")
            raise
        check_predictions(model, entry, npz)
        if is_compiled(entry) and "eval_values" in npz:
            check_evaluation(load(path, entry), entry, npz)
        if is_compiled(entry) and has_training(npz) and trains_alike(path, entry):
            check_training(path, entry, npz)
