"""The contract of the backends: every kernel, declared once, one file a family.

A family is a file here, and a file of the same name in each backend that implements or overrides it.
Its public functions are its kernels.
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
