"""The command ``neural-network`` (extra ``cli``)."""
