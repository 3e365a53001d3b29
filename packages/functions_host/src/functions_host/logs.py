"""The log of the host process: one line per record, on standard error."""

import logging
import sys
import time

from functions_host.worker.indexing import CORE_LOGGER

_LINE = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s"


def configure_logging(verbose: bool) -> None:
    """Prints the app's records from level INFO; ``verbose`` adds details of the host and the worker core.

    The only handler is on the root logger: the app logs through it, as in Azure.
    """
    formatter = logging.Formatter(_LINE, datefmt="%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    # At INFO the core logs two lines per invocation, and azure-core logs every header of every request.
    quiet = logging.INFO if verbose else logging.WARNING
    for name in (CORE_LOGGER, "azure.core.pipeline.policies.http_logging_policy"):
        logging.getLogger(name).setLevel(quiet)
    logging.getLogger("functions_host").setLevel(logging.DEBUG if verbose else logging.INFO)
