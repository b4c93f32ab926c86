"""Losses: one number for how wrong a prediction is; and the penalty of weights."""
