#!/usr/bin/env bash
# Writes the durable backend that the environment asks for into host.json, which is where the Functions host and the
# platform's scale controller read it; an app setting would reach only the first. Safe to repeat.
set -euo pipefail

case "${DURABLE_BACKEND:-AzureStorage}" in
  AzureStorage)
    # Messages that a killed host had taken stay invisible for so long; the default is five minutes.
    provider='{ "type": "AzureStorage", "controlQueueVisibilityTimeout": "00:01:00", "workItemQueueVisibilityTimeout": "00:01:00" }' ;;
  DurableTaskScheduler)
    provider='{ "type": "azureManaged", "connectionStringName": "DURABLE_TASK_SCHEDULER_CONNECTION_STRING" }' ;;
  *)
    echo "DURABLE_BACKEND must be AzureStorage or DurableTaskScheduler, not '$DURABLE_BACKEND'." >&2
    exit 1 ;;
esac

before=$(cat host.json)
after=$(printf '%s\n' "$before" | sed -E "s/(\"storageProvider\": )\{[^}]*\}/\1$provider/")
case "$after" in
  *"\"storageProvider\": $provider"*) ;;
  *)
    echo 'host.json has no line "storageProvider": { ... } to put the durable backend into.' >&2
    exit 1 ;;
esac
if [ "$after" != "$before" ]; then
  printf '%s\n' "$after" > host.json
  echo "host.json: orchestrations are now kept in ${DURABLE_BACKEND:-AzureStorage}. Commit this change."
fi
