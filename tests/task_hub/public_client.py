"""The SDK's client without its attributes that are not public, as another version of the SDK may be."""

from typing import Any

import azure.durable_functions as df
from azure.durable_functions.decorators import durable_app


class PublicClient:
    def __init__(self, *binding: str) -> None:
        self.__client = df.DurableOrchestrationClient(*binding)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.__client, name)


def give_to_each_function() -> None:
    """Before the app is loaded: from then on its functions get such a client."""
    durable_app.DurableOrchestrationClient = PublicClient
    print("Each function gets a client with public attributes only.")
