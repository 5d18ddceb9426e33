"""A scorecard of politeness that grades any client from its request log alone."""
