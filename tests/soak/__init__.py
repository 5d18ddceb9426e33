"""A long night on loopback: many pages, every kind of weather, by a seeded script.

    pages      what each page shows, version after version, and what must be told of what was met
    weather    what its server does instead
    watcher    the program itself, in a process of its own, under a clock that runs fast
    night      plays them all together and hands back what was seen

What must be told is worked out from the script and from which documents arrived, never with
`efficient_status.detect`.
"""
