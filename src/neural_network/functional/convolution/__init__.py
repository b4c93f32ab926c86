"""Convolution: public functions (``conv``, ``transpose``), ops, and their bodies (``route``)."""
