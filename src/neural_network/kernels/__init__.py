"""Compiled twins of hot functions: the only home of Numba.

``choice`` says whether kernels run (``use_kernels``), ``threads`` on how many threads,
``compiler`` how a plain Python body becomes one. Every other file holds kernels, and is
imported when one of them is first wanted: importing Numba takes longer than many a sum.
"""
