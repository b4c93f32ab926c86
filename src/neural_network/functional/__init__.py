"""The mathematics on raw arrays, one file per family."""
