"""The contract of the backends: every kernel, declared once, one file a family.

A family is a file here, and a module of the same name in each backend that implements or overrides it.
Its kernels are what its `__all__` names (a family that is a package has one), else its public functions.
"""

FAMILIES = (
    "elementwise",
    "reduction",
    "shape",
    "indexing",
    "linalg",
    "activation",
    "dense",
    "conv",
    "pool",
    "normalization",
    "recurrent",
    "attention",
    "embedding",
    "crossentropy",
    "random",
    "optimizer",
)
"""The families, from the simple to the coarse."""
