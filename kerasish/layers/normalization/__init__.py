"""Normalization layers: by the moments of the batch, of each sample, of groups of channels, and by norms."""
