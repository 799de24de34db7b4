"""`plot_model`: a picture of a model, drawn by Graphviz."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int | None = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    **kwargs: Any,
) -> str:
    """The graph of a model in the language of Graphviz.

    Args:
        model: A built model.
        show_shapes: Whether the shapes of the outputs are shown.
        show_dtype: Whether the dtypes are shown.
        show_layer_names: Whether the names are shown, besides the classes.
        rankdir: "TB" from top to bottom, "LR" from left to right.
        expand_nested: Whether nested models are drawn with their layers.
        dpi: Dots per inch.
        subgraph: Whether to return the inner part alone.
        show_layer_activations: Whether activations are shown.
        show_trainable: Whether it is shown what is trained.

    >>> from kerasish import Sequential, layers
    >>> dot = model_to_dot(Sequential([layers.Input((2,)), layers.Dense(1)]))
    >>> dot.splitlines()[0]
    'digraph model {'
    """
    if kwargs:
        raise ValueError(f"Arguments not recognized by `model_to_dot`. Received: {sorted(kwargs)}")
    if not model.built:
        raise ValueError(f"The model {model.name!r} must be built before it is drawn: call it on data first.")
    options = {
        "shapes": show_shapes,
        "dtype": show_dtype,
        "names": show_layer_names,
        "activations": show_layer_activations,
        "trainable": show_trainable,
        "expand": expand_nested,
    }
    body = _draw(model, "", options)
    if subgraph:
        return "\n".join(body)
    head = ["digraph model {", f"  rankdir={rankdir};", *([f"  dpi={dpi};"] if dpi else []), "  node [shape=box];"]
    return "\n".join([*head, *body, "}"])


def _draw(model: Any, prefix: str, options: dict[str, bool]) -> list[str]:
    lines: list[str] = []
    if model._graph is None:
        for layer in model.layers:
            lines.append(f"  {_key(layer, prefix)} [label={_label(layer, options)}];")
        return lines
    for operation in model._graph.operations:
        nested = getattr(operation, "_graph", None)
        if options["expand"] and nested is not None:
            inner = f"{prefix}{operation.name}/"
            lines.append(f'  subgraph "cluster_{inner}" {{ label="{operation.name}";')
            lines += _draw(operation, inner, options)
            lines.append("  }")
        else:
            lines.append(f"  {_key(operation, prefix)} [label={_label(operation, options)}];")
    for node in model._graph.nodes:
        target = _entry(node.operation, prefix, options)
        for tensor in node.input_tensors:
            lines.append(f"  {_exit(tensor._keras_history.operation, prefix, options)} -> {target};")
    return lines


def _key(operation: Any, prefix: str) -> str:
    return f'"{prefix}{operation.name}"'


def _entry(operation: Any, prefix: str, options: dict[str, bool]) -> str:
    graph = getattr(operation, "_graph", None)
    if options["expand"] and graph is not None:
        return _entry(graph.inputs[0]._keras_history.operation, f"{prefix}{operation.name}/", options)
    return _key(operation, prefix)


def _exit(operation: Any, prefix: str, options: dict[str, bool]) -> str:
    graph = getattr(operation, "_graph", None)
    if options["expand"] and graph is not None:
        return _exit(graph.outputs[0]._keras_history.operation, f"{prefix}{operation.name}/", options)
    return _key(operation, prefix)


def _label(operation: Any, options: dict[str, bool]) -> str:
    kind = type(operation).__name__
    parts = [f"{operation.name} ({kind})" if options["names"] else kind]
    activation = getattr(operation, "activation", None)
    if options["activations"] and activation is not None:
        parts.append(f"activation: {getattr(activation, '__name__', activation)}")
    outputs = [output for node in operation._inbound_nodes[:1] for output in node.outputs]
    if options["shapes"] and outputs:
        parts.append("shape: " + ", ".join(str(output.shape) for output in outputs))
    if options["dtype"] and outputs:
        parts.append("dtype: " + ", ".join(output.dtype for output in outputs))
    if options["trainable"] and getattr(operation, "weights", None):
        parts.append("trainable" if operation.trainable else "not trainable")
    text = "\\n".join(part.replace('"', '\\"') for part in parts)
    return f'"{text}"'


def plot_model(
    model: Any,
    to_file: Any = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int | None = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    **kwargs: Any,
) -> Any:
    """Draw a model into a file, with the program `dot` of Graphviz; a file "*.dot" needs no program.

    Args:
        model: A built model.
        to_file: The picture; its ending says the format.
        show_shapes: Whether the shapes of the outputs are shown.
        show_dtype: Whether the dtypes are shown.
        show_layer_names: Whether the names are shown, besides the classes.
        rankdir: "TB" from top to bottom, "LR" from left to right.
        expand_nested: Whether nested models are drawn with their layers.
        dpi: Dots per inch.
        show_layer_activations: Whether activations are shown.
        show_trainable: Whether it is shown what is trained.

    Returns:
        In a notebook, the picture; else None.
    """
    path = Path(to_file)
    source = model_to_dot(
        model,
        show_shapes=show_shapes,
        show_dtype=show_dtype,
        show_layer_names=show_layer_names,
        rankdir=rankdir,
        expand_nested=expand_nested,
        dpi=dpi,
        show_layer_activations=show_layer_activations,
        show_trainable=show_trainable,
        **kwargs,
    )
    ending = path.suffix.lstrip(".") or "png"
    if ending == "dot":
        path.write_text(source)
        return None
    program = shutil.which("dot")
    if program is None:
        raise ImportError(
            "plot_model needs Graphviz, whose program `dot` was not found: install your system's package graphviz, "
            f"or write the source of the picture with to_file='model.dot'. Received: to_file={str(path)!r}"
        )
    subprocess.run([program, f"-T{ending}", "-o", str(path)], input=source.encode(), check=True)
    try:
        from IPython import get_ipython
        from IPython.display import Image
    except ImportError:
        return None
    return Image(filename=str(path)) if ending == "png" and get_ipython() is not None else None
