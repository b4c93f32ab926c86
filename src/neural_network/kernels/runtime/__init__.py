"""What every kernel stands on: whether to use one, compiling, the cache, threads, memory."""
