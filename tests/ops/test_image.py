import numpy as np
import pytest

from kerasish.ops import blocks, image
from tests.support import check_gradients


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("interpolation", image.INTERPOLATIONS)
def test_resizing_has_first_and_second_derivatives(rng, interpolation):
    check_gradients(lambda x: image.resize(x, (3, 7), interpolation), [rng.normal(size=(1, 4, 5, 2))])


def test_padding_and_cropping_undo_each_other(rng):
    x = rng.normal(size=(2, 4, 5, 3))
    padded = image.pad_images(x, 1, 2, 3, 4)
    assert padded.shape == (2, 8, 11, 3)
    assert not padded.numpy()[:, 0].any()
    assert not padded.numpy()[:, :, :2].any()
    np.testing.assert_array_equal(image.crop_images(padded, 1, 2, 3, 4).numpy(), x)
    by_target = image.pad_images(x, top_padding=1, right_padding=4, target_height=8, target_width=11)
    np.testing.assert_array_equal(by_target.numpy(), padded.numpy())
    cropped = image.crop_images(padded, bottom_cropping=3, left_cropping=2, target_height=4, target_width=5)
    np.testing.assert_array_equal(cropped.numpy(), x)
    first = image.pad_images(x.transpose(0, 3, 1, 2), 1, 2, 3, 4, data_format="channels_first")
    np.testing.assert_array_equal(first.numpy(), padded.numpy().transpose(0, 3, 1, 2))


def test_patches_and_blocks_have_gradients(rng):
    x = rng.normal(size=(1, 4, 4, 2))
    check_gradients(lambda v: image.extract_patches(v, 3, strides=1, padding="same"), [x])
    check_gradients(lambda v: blocks.unfold(v, 2, padding=1, stride=2), [x])
    check_gradients(lambda v: blocks.depth_to_space(blocks.space_to_depth(v, 2), 2) ** 2, [x])
    check_gradients(lambda v: blocks.fold(v, 3, 2), [rng.normal(size=(1, 8, 4))])


def test_the_grey_of_integers_is_an_integer():
    grey = image.rgb_to_grayscale(np.full((2, 2, 3), 100, np.uint8))
    assert (grey.dtype, grey.shape) == ("uint8", (2, 2, 1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: image.resize(x[0, 0], (2, 2)), r"Received: images\.shape=\(5, 3\)"),
        (lambda x: image.resize(x, (2, 2), "area"), r"Received: interpolation='area'"),
        (lambda x: image.resize(x, (2, 2), fill_mode="edge"), r"Received: fill_mode='edge'"),
        (lambda x: image.resize(x, (2, 0)), r"Received: size=\(2, 0\)"),
        (lambda x: image.pad_images(x, 1, 1, 1, 1, target_height=9), r"Received: before=1, after=1"),
        (lambda x: image.pad_images(x, 1, 1, target_height=4, target_width=9), r"Received: height: before=1"),
        (lambda x: image.crop_images(x, 2, 0, 2, 0), r"rows cropped=4"),
        (lambda x: image.extract_patches(x, 6), r"Received: inputs\.shape=\(1, 4, 5, 3\)"),
        (lambda x: image.rgb_to_grayscale(x[..., :2]), r"Received: images\.shape=\(1, 4, 5, 2\)"),
        (lambda x: blocks.space_to_depth(x, 2), r"Received: x\.shape=\(1, 4, 5, 3\)"),
        (lambda x: blocks.depth_to_space(x, 2), r"Received: x\.shape=\(1, 4, 5, 3\)"),
        (lambda x: blocks.depth_to_space(x, 1), r"Received: block_size=1"),
        (lambda x: blocks.fold(x[0], 3, 2), r"Received: x\.shape=\(4, 5, 3\)"),
        (lambda x: blocks.unfold(x[0], 2), r"Received: x\.shape=\(4, 5, 3\)"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.ones((1, 4, 5, 3)))
