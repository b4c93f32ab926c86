"""What all kernels share: the gate, the compiler and its cache, threads, memory."""
