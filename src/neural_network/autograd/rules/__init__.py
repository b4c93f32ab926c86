"""How each function of NumPy is computed on tensors, one file for each of its kinds."""
