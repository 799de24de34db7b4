"""Layers that move, repeat, crop or pad elements."""
