"""Convolution kernels: tiled, by shifts, by FFT, depthwise, and prepared ones for networks."""
