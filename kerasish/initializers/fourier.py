"""`STFT`: the kernels of a short-time Fourier transform, as the weights of a convolution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish.autodiff import Tensor, convert_to_tensor
from kerasish.backend.dtypes import standardize_dtype
from kerasish.initializers.initializer import Initializer
from kerasish.saving.serialization_lib import serialize_keras_object

_COSINE_SUMS = {
    "boxcar": (1.0,),
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
}


def _window(name: Any, length: int, periodic: bool) -> np.ndarray[Any, Any]:
    """A window as an array: `sum of (-1)^k a_k cos(2 pi k n / N)` for the names above, else SciPy's."""
    weights = _COSINE_SUMS.get(name) if isinstance(name, str) else None
    if weights is not None:
        angle = 2 * math.pi * np.arange(length) / max(length if periodic else length - 1, 1)
        if length == 1:
            return np.ones(1)
        return np.sum([(-1) ** k * a * np.cos(k * angle) for k, a in enumerate(weights)], axis=0)
    if isinstance(name, str):
        try:
            from scipy.signal import get_window
        except ImportError as error:
            raise ImportError(
                f"Windows other than {sorted(_COSINE_SUMS)} are made by SciPy: pip install scipy. "
                f"Received: window={name!r}"
            ) from error
        return get_window(name, length, periodic)
    return np.asarray(name)


class STFT(Initializer):
    """The real or the imaginary part of windowed complex waves: `w(t) * exp(-2j * pi * t * f / n_fft) / norm`.

    Its shape is `(frame_length, 1, n_fft // 2 + 1)`, that of the kernel of a `Conv1D`.

    Args:
        side: "real" or "imag".
        window: The name of a window ("hann", …), an array of `frame_length` values, or None.
        scaling: "density" (divide by the root of the sum of the squares of the window), "spectrum" (by the sum
            of its absolute values), or None.
        periodic: Whether a window of a name is periodic instead of symmetric.

    Raises:
        ValueError: If side or scaling is another value.

    >>> STFT("real", window=None)((4, 1, 3)).numpy().round(3)[:, 0, 1].tolist()
    [1.0, 0.0, -1.0, -0.0]
    """

    def __init__(
        self, side: str = "real", window: Any = "hann", scaling: str | None = "density", periodic: bool = False
    ) -> None:
        if side not in ("real", "imag"):
            raise ValueError(f"side must be 'real' or 'imag'. Received: side={side!r}")
        if scaling not in (None, "density", "spectrum"):
            raise ValueError(f"scaling must be 'density', 'spectrum' or None. Received: scaling={scaling!r}")
        if isinstance(window, str):
            _window(window, 1, periodic)
        self.side = side
        self.window = window
        self.scaling = scaling
        self.periodic = periodic

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """The kernel of this shape.

        Raises:
            ValueError: If the window has another length than the frame.
        """
        frame_length, _, frequencies = shape
        time = np.arange(frame_length).reshape(-1, 1, 1)
        angle = -2 * math.pi * time * np.arange(frequencies) / max(2 * (frequencies - 1), 1)
        kernel = np.cos(angle) if self.side == "real" else np.sin(angle)
        if self.window is not None:
            window = _window(self.window, frame_length, self.periodic)
            if window.shape != (frame_length,):
                raise ValueError(
                    f"The window must have the length of the frame, {frame_length}. "
                    f"Received: window.shape={window.shape}"
                )
            norm = 1.0
            if self.scaling == "density":
                norm = math.sqrt(np.square(window).sum())
            elif self.scaling == "spectrum":
                norm = float(np.abs(window).sum())
            kernel = kernel * (window / norm).reshape(-1, 1, 1)
        return convert_to_tensor(kernel, standardize_dtype(dtype))

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            "side": self.side,
            "window": serialize_keras_object(self.window),
            "periodic": self.periodic,
            "scaling": self.scaling,
        }
