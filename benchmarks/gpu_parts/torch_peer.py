"""The same models in PyTorch: eager, and compiled by `torch.compile`."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from benchmarks.gpu_parts.clock import Contestant
from benchmarks.gpu_parts.models import Setting, Sizes, data


def contestant(setting: Setting, compiled: bool, where: str = "cuda") -> Contestant:
    """A training step with the fused Adam; images are channels-last in memory, the faster layout on tensor cores."""
    import torch

    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(0)
    device = torch.device(where)
    model = _model(setting.model, setting.sizes).to(device)
    x, y = (torch.from_numpy(array).to(device) for array in data(setting))
    if x.ndim == 4:
        x = x.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
        model = model.to(memory_format=torch.channels_last)
    y = y.long()
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=1e-3, eps=1e-7, fused=True)
    half = setting.precision == "bfloat16"

    def loss_of(x: Any, y: Any) -> Any:
        with torch.autocast(where, torch.bfloat16, enabled=half):
            logits = model(x)
        return torch.nn.functional.cross_entropy(logits.float(), y)

    forward = torch.compile(loss_of) if compiled else loss_of

    held = []

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss = forward(x, y)
        loss.backward()
        optimizer.step()
        held[:] = [loss.detach()]

    return Contestant(
        step,
        torch.cuda.synchronize if where == "cuda" else lambda: None,
        parameters=sum(parameter.numel() for parameter in parameters),
        loss=lambda: float(held[0]),
    )


def _model(name: str, sizes: Sizes) -> Any:
    import torch
    from torch import nn

    class Residual(nn.Module):
        def __init__(self, before: int, filters: int, stride: int) -> None:
            super().__init__()
            self.first = nn.Conv2d(before, filters, 3, stride, 1, bias=False)
            self.second = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
            self.norms = nn.ModuleList([nn.BatchNorm2d(filters, 1e-3, 0.01) for _ in range(2)])
            self.shortcut: Any = nn.Identity()
            if stride != 1 or before != filters:
                self.shortcut = nn.Sequential(
                    nn.Conv2d(before, filters, 1, stride, bias=False), nn.BatchNorm2d(filters, 1e-3, 0.01)
                )

        def forward(self, x: Any) -> Any:
            y = torch.relu(self.norms[0](self.first(x)))
            return torch.relu(self.norms[1](self.second(y)) + self.shortcut(x))

    class Last(nn.Module):
        def forward(self, x: Any) -> Any:
            return x[0][:, -1]

    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(sizes.vocabulary, sizes.width)
            layer = nn.TransformerEncoderLayer(
                sizes.width,
                sizes.heads,
                4 * sizes.width,
                0.0,
                "gelu",
                layer_norm_eps=1e-3,
                batch_first=True,
                norm_first=True,
            )
            self.encoder = nn.TransformerEncoder(
                layer, sizes.layers, nn.LayerNorm(sizes.width, 1e-3), enable_nested_tensor=False
            )
            self.head = nn.Linear(sizes.width, sizes.classes)

        def forward(self, x: Any) -> Any:
            return self.head(self.encoder(self.embedding(x)).mean(1))

    if name == "mlp":
        widths = (sizes.inputs, *sizes.hidden)
        hidden = [part for a, b in pairwise(widths) for part in (nn.Linear(a, b), nn.ReLU())]
        return nn.Sequential(*hidden, nn.Linear(widths[-1], sizes.classes))
    if name == "cnn":
        a, b = sizes.filters
        return nn.Sequential(
            nn.Conv2d(1, a, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(a, b, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(sizes.flattened, sizes.dense), nn.ReLU(), nn.Linear(sizes.dense, sizes.classes),
        )  # fmt: skip
    if name == "resnet":
        units, before = [], sizes.stages[0]
        for stage, filters in enumerate(sizes.stages):
            units += [Residual(before, filters, 1 if stage == 0 else 2), Residual(filters, filters, 1)]
            before = filters
        stem = [
            nn.Conv2d(3, sizes.stages[0], 3, 1, 1, bias=False),
            nn.BatchNorm2d(sizes.stages[0], 1e-3, 0.01),
            nn.ReLU(),
        ]
        pool = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(sizes.stages[-1], sizes.classes)]
        return nn.Sequential(*stem, *units, *pool)
    if name == "lstm":
        lstm = nn.LSTM(sizes.features, sizes.units, batch_first=True)
        # Of the two biases, which are only ever added, one stays zero: the other models have one.
        nn.init.zeros_(lstm.bias_hh_l0)
        lstm.bias_hh_l0.requires_grad_(False)
        return nn.Sequential(lstm, Last(), nn.Linear(sizes.units, sizes.classes))
    return Encoder()
