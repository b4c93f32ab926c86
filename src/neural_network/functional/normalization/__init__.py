"""Normalization: the article's columns; batch, layer, group and instance norm."""
