"""`python -m efficient_status`: the same as the console script `efficient-status`."""

from efficient_status.main import main

raise SystemExit(main())
