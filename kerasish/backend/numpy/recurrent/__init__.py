"""Recurrent networks: one GEMM projects all inputs, each step adds a small GEMM and its gates.

Scratch is time-major, (T, N, ...), so that a step is one contiguous block. The backward kernels first turn
the caches into factors by which the incoming gradients are multiplied, for all steps at once; a masked step
has factors that pass the state's gradient on and give none to the weights. The products with `x` and the
states come last, one GEMM each.
"""

from kerasish.backend.numpy.recurrent._gru import gru, gru_backward
from kerasish.backend.numpy.recurrent._lstm import lstm, lstm_backward
from kerasish.backend.numpy.recurrent._simple_rnn import simple_rnn, simple_rnn_backward

__all__ = ["gru", "gru_backward", "lstm", "lstm_backward", "simple_rnn", "simple_rnn_backward"]
