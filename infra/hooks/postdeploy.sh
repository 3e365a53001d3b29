#!/usr/bin/env bash
# Connects the deployed app: assigns its role on the workspace and subscribes it to events, by connections.bicep.
# azd provides the outputs of main.bicep as environment variables. Idempotent. Reads and prints no key.
set -euo pipefail

# Some are empty on purpose. One is missing if the templates were last applied by an earlier version.
needed=(
  AZURE_SUBSCRIPTION_ID AZURE_LOCATION AZURE_RESOURCE_GROUP AZURE_FUNCTION_APP_NAME
  CONNECT_WORKSPACE_ID CONNECT_DEAD_LETTER_STORAGE_NAME CONNECT_PRINCIPAL_ID CONNECT_DATA_TOPIC_ID
  CONNECT_NEW_DATA_CONTAINER CONNECT_NEW_DATA_PREFIX CONNECT_NEW_DATA_START CONNECT_NEW_DATA_MARKER
  CONNECT_WORKSPACE_TOPIC_ID CONNECT_NOTIFICATION_TOPIC_ID API_URL MONITOR_URL GET_KEY_COMMAND
)
for name in "${needed[@]}"; do
  if [ -z "${!name+set}" ]; then
    echo "The environment has no $name, an output of infra/main.bicep. Run: azd provision. Then: azd hooks run postdeploy" >&2
    exit 1
  fi
done

need_function() {
  for _ in $(seq 30); do
    if az functionapp function show --subscription "$AZURE_SUBSCRIPTION_ID" --resource-group "$AZURE_RESOURCE_GROUP" \
      --name "$AZURE_FUNCTION_APP_NAME" --function-name "$1" --query name --output tsv >/dev/null 2>&1; then
      return
    fi
    sleep 10
  done
  echo "Function $1 did not appear in $AZURE_FUNCTION_APP_NAME within five minutes. See its log stream, then: azd hooks run postdeploy" >&2
  exit 1
}

if ! az account show --subscription "$AZURE_SUBSCRIPTION_ID" --output none; then
  echo "The Azure CLI is not signed in to subscription $AZURE_SUBSCRIPTION_ID. Sign in with: az login. Then: azd hooks run postdeploy" >&2
  exit 1
fi
if [ -n "$CONNECT_DATA_TOPIC_ID" ]; then need_function new_data; fi
if [ -n "$CONNECT_WORKSPACE_TOPIC_ID" ]; then need_function job_events; fi

az deployment sub create \
  --subscription "$AZURE_SUBSCRIPTION_ID" \
  --location "$AZURE_LOCATION" \
  --name "connections-$AZURE_FUNCTION_APP_NAME" \
  --template-file infra/connections.bicep \
  --output none \
  --only-show-errors \
  --parameters \
  resourceGroupName="$AZURE_RESOURCE_GROUP" \
  functionAppName="$AZURE_FUNCTION_APP_NAME" \
  workspaceId="$CONNECT_WORKSPACE_ID" \
  deadLetterStorageName="$CONNECT_DEAD_LETTER_STORAGE_NAME" \
  principalId="$CONNECT_PRINCIPAL_ID" \
  workspaceRole="${WORKSPACE_ROLE:-DataScientist}" \
  dataTopicId="$CONNECT_DATA_TOPIC_ID" \
  newDataContainer="$CONNECT_NEW_DATA_CONTAINER" \
  newDataPrefix="$CONNECT_NEW_DATA_PREFIX" \
  newDataStart="$CONNECT_NEW_DATA_START" \
  newDataMarker="$CONNECT_NEW_DATA_MARKER" \
  workspaceTopicId="$CONNECT_WORKSPACE_TOPIC_ID" \
  notificationTopicId="$CONNECT_NOTIFICATION_TOPIC_ID"

echo "Start runs:  POST $API_URL"
echo "Watch them:  $MONITOR_URL"
echo "The key:     $GET_KEY_COMMAND"
