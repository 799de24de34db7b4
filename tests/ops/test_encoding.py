import pytest

from kerasish.ops import encoding


def test_one_hot_and_multi_hot_codes():
    codes = encoding.one_hot([[1, -1, 3]], 3, dtype="int32")
    assert (codes.dtype, codes.tolist()) == ("int32", [[[0, 1, 0], [0, 0, 0], [0, 0, 0]]])
    assert encoding.one_hot([0, 2], 3, axis=0).tolist() == [[1, 0], [0, 0], [0, 1]]
    assert encoding.multi_hot([[0, 2], [1, 1]], 3).tolist() == [[1, 0, 1], [0, 1, 0]]
    assert encoding.multi_hot([[0, 2]], num_tokens=3).tolist() == [[1, 0, 1]]
    for function in (encoding.one_hot, encoding.multi_hot):
        with pytest.raises(ValueError, match="sparse"):
            function([1], 3, sparse=True)
    with pytest.raises(ValueError, match="num_classes"):
        encoding.multi_hot([1])
