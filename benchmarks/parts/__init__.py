"""One module a part; each has `run(quick) -> Section`.  A part's name is its module's name."""

PARTS = ("bytes", "cpu", "scale", "disk", "cold", "parse", "peers", "soak")
