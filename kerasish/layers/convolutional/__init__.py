"""Convolutional layers: plain, transposed, depthwise and separable."""
