"""The plan: neighbouring layers that compiled kernels compute together.

Layers describe themselves as a list of steps (``vocabulary``). Steps that one sequence of kernels
computes, such as a convolution, its bias, relu and max pooling, become a stage; there is one file
for each kind (``conv``, ``dense``). ``matching`` finds the stages of neighbouring layers; ``run``
computes them as one op with a gradient; their buffers are allocated once (``workspace``).
"""
