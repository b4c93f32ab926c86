"""Compiled convolution, a file for each body and the loops that bodies share."""
