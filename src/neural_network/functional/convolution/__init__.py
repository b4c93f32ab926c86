"""Convolution: the face (``conv``), the sum as it stands (``direct``), and by Fourier (``fft``)."""
