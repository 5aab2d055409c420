"""`python -m abn_export` is the same as the console script `abn-export`."""

import sys

from .cli import main

sys.exit(main())
