"""Low-rank adaptation: a frozen kernel plus a product of two thin trainable matrices."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor, Variable, convert_to_tensor
from kerasish.layers.layer import Layer


class LoRA(Layer):
    """The base of layers whose kernel can be fine-tuned with a low rank.

    The kernel in use is `kernel + (lora_alpha / lora_rank) * a @ b`, with `a` of shape `(*kernel.shape[:-1], rank)`
    and `b` of shape `(rank, kernel.shape[-1])`. Files hold the sum, so that they load into a layer without it.

    A subclass keeps its kernel in `_kernel`, the regularizer and the constraint of the kernel in
    `kernel_regularizer` and `kernel_constraint`, and calls `_init_lora` in `__init__` and `_build_lora` at the end
    of `build`.

    Source: Hu et al., 2021, "LoRA: low-rank adaptation of large language models".
    """

    lora_enabled = False
    lora_rank: int | None
    lora_alpha: float | None
    kernel_regularizer: Any
    kernel_constraint: Any
    _kernel: Variable

    def _init_lora(self, rank: int | None, alpha: float | None) -> None:
        if rank is not None and (isinstance(rank, bool) or not isinstance(rank, int) or rank <= 0):
            raise ValueError(
                f"Expected lora_rank of the layer {self.name!r} to be a positive int or None. "
                f"Received: lora_rank={rank!r}"
            )
        self.lora_rank = rank
        self.lora_alpha = alpha if alpha is not None else rank
        self.lora_enabled = False

    def _build_lora(self) -> None:
        if self.lora_rank:
            self.built = True
            self.enable_lora(self.lora_rank, lora_alpha=self.lora_alpha)

    @property
    def kernel(self) -> Any:
        """The kernel in use."""
        if not self.built:
            raise AttributeError(f"The layer {self.name!r} has no kernel before it is built.")
        return self._adapted() if self.lora_enabled else self._kernel

    def _adapted(self) -> Tensor:
        assert self.lora_alpha is not None
        assert self.lora_rank is not None
        return self._kernel + (self.lora_alpha / self.lora_rank) * ops.matmul(self.lora_kernel_a, self.lora_kernel_b)

    def enable_lora(
        self,
        rank: int,
        lora_alpha: float | None = None,
        a_initializer: Any = "he_uniform",
        b_initializer: Any = "zeros",
    ) -> None:
        """Freeze the kernel and train two matrices of a low rank instead.

        Args:
            rank: The rank.
            lora_alpha: The scale of the product is `lora_alpha / rank`; by default the rank.
            a_initializer: The initializer of the first matrix.
            b_initializer: The initializer of the second; zeros leave the layer's function as it was.

        Raises:
            ValueError: If the kernel has a constraint, the layer is not built, or this was done before.
        """
        if self.kernel_constraint is not None:
            raise ValueError(
                f"Low-rank adaptation of the layer {self.name!r} needs a kernel without a constraint. "
                f"Received: kernel_constraint={self.kernel_constraint!r}"
            )
        if not self.built:
            raise ValueError(f"The layer {self.name!r} must be built before low-rank adaptation is enabled.")
        if self.lora_enabled:
            raise ValueError(f"Low-rank adaptation of the layer {self.name!r} is enabled already.")
        shape = self._kernel.shape
        self.lora_kernel_a = self.add_weight(
            name="lora_kernel_a",
            shape=(*shape[:-1], rank),
            initializer=a_initializer,
            regularizer=self.kernel_regularizer,
        )
        self.lora_kernel_b = self.add_weight(
            name="lora_kernel_b",
            shape=(rank, shape[-1]),
            initializer=b_initializer,
            regularizer=self.kernel_regularizer,
        )
        self._kernel.trainable = False
        self.lora_rank = rank
        self.lora_alpha = lora_alpha if lora_alpha is not None else rank
        self.lora_enabled = True

    def _lora_config(self) -> dict[str, Any]:
        return {"lora_rank": self.lora_rank, "lora_alpha": self.lora_alpha} if self.lora_rank else {}

    def save_own_variables(self, store: dict[str, Any]) -> None:
        if not self.lora_enabled:
            super().save_own_variables(store)
            return
        for index, variable in enumerate(self._stored()):
            store[str(index)] = convert_to_tensor(self._adapted()) if variable is self._kernel else variable

    def load_own_variables(self, store: dict[str, Any]) -> None:
        if not self.lora_enabled:
            super().load_own_variables(store)
            return
        variables = self._stored()
        if len(store) != len(variables):
            raise ValueError(
                f"The layer {self.name!r} expects {len(variables)} variables. Received: {len(store)} ({list(store)})"
            )
        for index, variable in enumerate(variables):
            variable.assign(store[str(index)])
        for variable in (self.lora_kernel_a, self.lora_kernel_b):
            variable.assign(ops.zeros_like(variable))

    def _stored(self) -> list[Variable]:
        """The variables that files hold: those of the layer without the adaptation."""
        left_out = (id(self.lora_kernel_a), id(self.lora_kernel_b))
        return [v for v in self._own_variables() if id(v) not in left_out]
