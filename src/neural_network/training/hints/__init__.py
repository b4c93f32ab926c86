"""Hints: warnings of programs that run, but probably not as their author wants them."""
