"""Pooling: largest number or mean of each window."""
