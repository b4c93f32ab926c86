"""What other libraries call the things of this one; asked only where a look-up or a call fails."""
