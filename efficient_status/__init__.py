"""Watch vendors' status pages and tell, once, what changed."""

__version__ = "0.1.0"
