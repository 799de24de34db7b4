"""Files by Keras 1.2 to 3.15 and tf.keras: they open, predict, evaluate and train on as their writers did."""

from __future__ import annotations

import warnings

import numpy as np
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
)

FILES = collect(GOLDEN)
REFUSED = {"lambda_anonymous"}
# Where today's layers or optimizers compute something else under the same name, training goes on differently.
OTHER_TRAINING = {("opt_nadam", "*"), ("nested_frozen", "keras2.0.8_tf1.13"), ("nested_frozen", "keras2.2.4_tf1.13")}

# Layers that end the way of a mask say so.
pytestmark = pytest.mark.filterwarnings("ignore:The layer .* got an input with a mask")


def is_compiled(entry):
    return entry["compiled"] and entry["optimizer_saved"]


def trains_alike(path, entry):
    return not {(entry["kind"], "*"), (entry["kind"], path.parent.name)} & OTHER_TRAINING


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
    npz = np.load(f"{path}.npz")
    check_predictions(load(path, entry, **({} if entry["format"] == "weights" else {"compile": False})), entry, npz)


@pytest.mark.parametrize(("path", "entry"), cases(FILES, lambda p, e: is_compiled(e)))
def test_a_compiled_file_evaluates_as_its_writer_did(path, entry):
    npz = np.load(f"{path}.npz")
    if "eval_values" in npz:
        check_evaluation(load(path, entry), entry, npz)


@pytest.mark.parametrize(
    ("path", "entry"),
    cases(FILES, lambda p, e: is_compiled(e) and trains_alike(p, e)),
)
def test_a_compiled_file_trains_on_as_its_writer_did(path, entry):
    npz = np.load(f"{path}.npz")
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
    if entry["kind"] in REFUSED:
        pytest.skip("byte code is refused")
    npz = np.load(f"{path}.npz")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = load(path, entry)
        check_predictions(model, entry, npz)
        if is_compiled(entry) and "eval_values" in npz:
            check_evaluation(load(path, entry), entry, npz)
        if is_compiled(entry) and has_training(npz) and trains_alike(path, entry):
            check_training(path, entry, npz)
