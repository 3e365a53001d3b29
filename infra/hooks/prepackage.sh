#!/usr/bin/env bash
# Writes the durable backend that the environment names into host.json: the Functions host and the platform's scale
# controller read it there. The scale controller does not read it from an app setting. Idempotent.
set -euo pipefail

case "${DURABLE_BACKEND:-AzureStorage}" in
  AzureStorage)
    # An idle app looks for work every 10 s, not 30. The messages of a killed host are visible again after a minute, not five.
    provider='{ "type": "AzureStorage", "maxQueuePollingInterval": "00:00:10", "controlQueueVisibilityTimeout": "00:01:00", "workItemQueueVisibilityTimeout": "00:01:00" }' ;;
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
    echo 'host.json has no line "storageProvider": { ... } for the durable backend.' >&2
    exit 1 ;;
esac
if [ "$after" != "$before" ]; then
  printf '%s\n' "$after" > host.json
  echo "host.json: orchestrations are now kept in ${DURABLE_BACKEND:-AzureStorage}. Commit this change."
fi
