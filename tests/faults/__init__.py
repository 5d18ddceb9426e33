"""What nature and other people do to us: each fault injected, each outcome asserted."""
