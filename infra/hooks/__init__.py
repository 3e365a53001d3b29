"""The hooks that azure.yaml names. azd runs them on the machine of whoever deploys: standard library only.

prepackage.py      the durable backend, into host.json
preprovision.py    what Azure would refuse: of settings.py and values.py, and of azure_findings.py, decided from
                   azure_state.py
postdeploy.py      role and event subscriptions, by the decisions of connections.py
environment.py     variables of azd, with their defaults     azure_cli.py     calls of the Azure CLI
report.py          what a check finds                        console.py       what a hook prints
"""

import sys

if sys.version_info < (3, 10):  # noqa: UP036  # the app needs 3.11, but whoever deploys may have an older one
    sys.exit(
        f"The hooks of azd need Python 3.10 or later. This is {sys.version.split()[0]}: {sys.executable}"
    )
