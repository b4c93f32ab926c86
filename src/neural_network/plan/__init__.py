"""The plan: sees a network's layers side by side where each of them sees itself.

Layers say what they do in a small vocabulary (``steps``). Neighbours that can be computed in
one go, convolution, bias, relu and pooling, become one stage (``stages``); stages that follow
each other become one run, which is one op to the tape (``run``). Buffers between stages are
taken once and used again in each step.
"""
