# The same as prepackage.sh, for Windows.
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest

$backend = if ($env:DURABLE_BACKEND) { $env:DURABLE_BACKEND } else { 'AzureStorage' }
$provider = switch -CaseSensitive ($backend) {
    # An idle app looks for work every 10 s, not 30. The messages of a killed host are visible again after a minute, not five.
    'AzureStorage' { '{ "type": "AzureStorage", "maxQueuePollingInterval": "00:00:10", "controlQueueVisibilityTimeout": "00:01:00", "workItemQueueVisibilityTimeout": "00:01:00" }' }
    'DurableTaskScheduler' { '{ "type": "azureManaged", "connectionStringName": "DURABLE_TASK_SCHEDULER_CONNECTION_STRING" }' }
    default { throw "DURABLE_BACKEND must be AzureStorage or DurableTaskScheduler, not '$backend'." }
}

$before = Get-Content -Raw host.json
$after = $before -replace '("storageProvider": )\{[^}]*\}', "`${1}$provider"
if (-not $after.Contains("`"storageProvider`": $provider")) {
    throw 'host.json has no line "storageProvider": { ... } for the durable backend.'
}
if ($after -cne $before) {
    Set-Content -NoNewline -Path host.json -Value $after
    Write-Output "host.json: orchestrations are now kept in $backend. Commit this change."
}
