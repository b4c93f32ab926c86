"""The fuzzer: odd arguments, damaged files, kills; ``make fuzz`` and ``make kill-test``."""
