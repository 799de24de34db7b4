"""Pooling layers: over windows, over the whole space, and to a given size."""
