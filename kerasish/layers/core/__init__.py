"""The layers that others are built of."""
