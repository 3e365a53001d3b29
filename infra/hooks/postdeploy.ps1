# The same as postdeploy.sh, for Windows.
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest

# Some are empty on purpose. One is missing if the templates were last applied by an earlier version. Even in strict
# mode, `$env:` of a missing variable is empty.
$needed = @(
    'AZURE_SUBSCRIPTION_ID', 'AZURE_LOCATION', 'AZURE_RESOURCE_GROUP', 'AZURE_FUNCTION_APP_NAME'
    'CONNECT_WORKSPACE_ID', 'CONNECT_DEAD_LETTER_STORAGE_NAME', 'CONNECT_PRINCIPAL_ID', 'CONNECT_DATA_TOPIC_ID'
    'CONNECT_NEW_DATA_CONTAINER', 'CONNECT_NEW_DATA_PREFIX', 'CONNECT_NEW_DATA_START', 'CONNECT_NEW_DATA_MARKER'
    'CONNECT_WORKSPACE_TOPIC_ID', 'CONNECT_NOTIFICATION_TOPIC_ID', 'API_URL', 'MONITOR_URL', 'GET_KEY_COMMAND'
)
$given = [Environment]::GetEnvironmentVariables().Keys
$missing = @($needed | Where-Object { $given -notcontains $_ })
if ($missing) {
    throw "The environment has no $($missing -join ', '), outputs of infra/main.bicep. Run: azd provision. Then: azd hooks run postdeploy"
}

function Wait-Function([string] $name) {
    foreach ($attempt in 1..30) {
        az functionapp function show --subscription $env:AZURE_SUBSCRIPTION_ID --resource-group $env:AZURE_RESOURCE_GROUP `
            --name $env:AZURE_FUNCTION_APP_NAME --function-name $name --query name --output tsv *> $null
        if ($LASTEXITCODE -eq 0) { return }
        Start-Sleep -Seconds 10
    }
    throw "Function $name did not appear in $env:AZURE_FUNCTION_APP_NAME within five minutes. See its log stream, then: azd hooks run postdeploy"
}

az account show --subscription $env:AZURE_SUBSCRIPTION_ID --output none
if ($LASTEXITCODE -ne 0) {
    throw "The Azure CLI is not signed in to subscription $env:AZURE_SUBSCRIPTION_ID. Sign in with: az login. Then: azd hooks run postdeploy"
}
if ($env:CONNECT_DATA_TOPIC_ID) { Wait-Function new_data }
if ($env:CONNECT_WORKSPACE_TOPIC_ID) { Wait-Function job_events }

$workspaceRole = if ($env:WORKSPACE_ROLE) { $env:WORKSPACE_ROLE } else { 'DataScientist' }
az deployment sub create `
    --subscription $env:AZURE_SUBSCRIPTION_ID `
    --location $env:AZURE_LOCATION `
    --name "connections-$env:AZURE_FUNCTION_APP_NAME" `
    --template-file infra/connections.bicep `
    --output none `
    --only-show-errors `
    --parameters `
    resourceGroupName="$env:AZURE_RESOURCE_GROUP" `
    functionAppName="$env:AZURE_FUNCTION_APP_NAME" `
    workspaceId="$env:CONNECT_WORKSPACE_ID" `
    deadLetterStorageName="$env:CONNECT_DEAD_LETTER_STORAGE_NAME" `
    principalId="$env:CONNECT_PRINCIPAL_ID" `
    workspaceRole="$workspaceRole" `
    dataTopicId="$env:CONNECT_DATA_TOPIC_ID" `
    newDataContainer="$env:CONNECT_NEW_DATA_CONTAINER" `
    newDataPrefix="$env:CONNECT_NEW_DATA_PREFIX" `
    newDataStart="$env:CONNECT_NEW_DATA_START" `
    newDataMarker="$env:CONNECT_NEW_DATA_MARKER" `
    workspaceTopicId="$env:CONNECT_WORKSPACE_TOPIC_ID" `
    notificationTopicId="$env:CONNECT_NOTIFICATION_TOPIC_ID"
if ($LASTEXITCODE -ne 0) { throw 'The app could not be connected; the reason is above. To try again: azd hooks run postdeploy' }

Write-Output "Start runs:  POST $env:API_URL"
Write-Output "Watch them:  $env:MONITOR_URL"
Write-Output "The key:     $env:GET_KEY_COMMAND"
