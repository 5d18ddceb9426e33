"""`efficient-status demo`: an outage of an invented vendor, watched over real HTTP on loopback.

`story` is what the vendor says, `server` says it over HTTP and counts, `show` watches it with the
parts that watch real pages.  Nothing else imports this package.
"""
