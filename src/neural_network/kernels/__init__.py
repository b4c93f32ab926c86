"""Compiled versions of slow functions; the only package that imports Numba.

``runtime.gate`` chooses between NumPy and a kernel (``use_kernels``), ``runtime.compiler`` makes a
kernel of a plain Python body, ``runtime.threads`` sets the number of threads. All other files hold
kernels and are imported on first use, because importing Numba takes longer than most calls.
"""
