"""What a poll costs, measured side by side: `python -m benchmarks [PART …] [--quick] [--write]`.

Each module in `parts` measures one thing and returns a `report.Section`; nothing in here knows a
result.  Servers run in other processes, peers in virtual environments of their own, all under
`benchmarks/.cache`.
"""
