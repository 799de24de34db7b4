"""Data for the training loops: whatever `fit` is given becomes batches of tensors."""

from kerasish.training.data.class_weight import class_weight_to_sample_weight
from kerasish.training.data.epoch_iterator import EpochIterator
from kerasish.training.data.pack import pack_x_y_sample_weight, unpack_x_y_sample_weight
from kerasish.training.data.py_dataset import PyDataset, Sequence
from kerasish.training.data.split import train_validation_split

__all__ = [
    "EpochIterator",
    "PyDataset",
    "Sequence",
    "class_weight_to_sample_weight",
    "pack_x_y_sample_weight",
    "train_validation_split",
    "unpack_x_y_sample_weight",
]
