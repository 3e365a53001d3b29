"""The hooks that azure.yaml names. azd runs them on the machine of whoever deploys: standard library only."""

import sys

if sys.version_info < (3, 10):  # noqa: UP036  # the app needs 3.11, but whoever deploys may have an older one
    sys.exit(
        f"The hooks of azd need Python 3.10 or later. This is {sys.version.split()[0]}: {sys.executable}"
    )
