"""Recurrent layers, their cells, and wrappers that go along the time axis."""
