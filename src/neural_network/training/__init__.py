"""What turns gradients into learning: parameter updates and metrics."""
