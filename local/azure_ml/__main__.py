"""``python -m local.azure_ml --state DIR --script samples/score.py --model-dir samples/model ..``"""

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from local.azure_ml.config import Ports, ServiceConfig, even_pace, standard_deployments
from local.azure_ml.info import ServiceInfo
from local.azure_ml.service import AzureMlService


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.azure_ml",
        description="Emulates Azure ML on one machine until Ctrl-C or SIGTERM.",
    )
    parser.add_argument(
        "--state", type=Path, required=True, metavar="DIR", help="jobs, keys and default output"
    )
    parser.add_argument(
        "--script", type=Path, required=True, metavar="FILE", help="scoring script: init(), run()"
    )
    parser.add_argument(
        "--model-dir", type=Path, required=True, metavar="DIR", help="becomes AZUREML_MODEL_DIR"
    )
    parser.add_argument(
        "--port-file", type=Path, metavar="FILE", help="write addresses and credentials here (JSON)"
    )
    parser.add_argument("--seconds-per-phase", type=float, default=1.0, help="Preparing, Running, Finalizing")
    parser.add_argument("--token-lifetime", type=int, default=3600, metavar="SECONDS")
    parser.add_argument("--keep-tags", action="store_true", help="keep the tags that a caller sends")
    for option, what in (
        ("datastore", "NAME=DIR"),
        ("storage", "URL=DIR"),
        ("asset", "NAME:VERSION=PATH"),
    ):
        parser.add_argument(f"--{option}", action="append", default=[], type=_mapping, metavar=what)
    for server in ("entra", "identity", "endpoint", "arm", "control", "history"):
        parser.add_argument(f"--{server}-port", type=int, default=0, metavar="PORT", help="0: any free one")
    return parser


def _mapping(text: str) -> tuple[str, Path]:
    name, separator, folder = text.rpartition("=")
    if not separator or not name or not folder:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form KEY=PATH")
    return name, Path(folder)


def _config(arguments: argparse.Namespace) -> ServiceConfig:
    return ServiceConfig(
        state=arguments.state,
        deployments=standard_deployments(arguments.script, arguments.model_dir),
        pace=even_pace(arguments.seconds_per_phase),
        token_lifetime=arguments.token_lifetime,
        keep_tags=arguments.keep_tags,
        datastores=dict(arguments.datastore),
        storage=dict(arguments.storage),
        assets=dict(arguments.asset),
        ports=Ports(
            arguments.entra_port,
            arguments.identity_port,
            arguments.endpoint_port,
            arguments.arm_port,
            arguments.control_port,
            arguments.history_port,
        ),
    )


def _describe(info: ServiceInfo) -> str:
    return "\n".join(
        (
            f"Microsoft Entra   {info.authority_host}{info.tenant_id}",
            f"managed identity  {info.identity_endpoint}",
            f"batch endpoint    {info.scoring_uri}  deployments: {', '.join(info.deployments)}",
            f"resource manager  {info.arm_url}",
            f"run history       {info.run_history_url}",
            f"control           {info.control_url}",
            f"CA bundle         {info.ca_bundle}",
        )
    )


def main() -> int:
    arguments = _parser().parse_args()
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.WARNING)
    logging.getLogger("local.azure_ml").setLevel(logging.INFO)
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    try:
        service = AzureMlService(_config(arguments)).start()
    except OSError as error:
        print(f"cannot start: {error}", file=sys.stderr)
        return 1
    try:
        if arguments.port_file is not None:
            service.info.write(arguments.port_file)
        print(_describe(service.info), flush=True)
        ended.wait()
    finally:
        service.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
