// All resources in the app's own resource group. Changes to resources that existed before (roles on the workspace, event
// subscriptions) are in connections.bicep: `azd down` deletes each resource group of this deployment, and event
// subscriptions require that the functions exist.
targetScope = 'subscription'

@minLength(1)
@maxLength(64)
@description('Name of the azd environment; resource names and tags derive from it.')
param environmentName string

@description('Region of the app. Flex Consumption must be offered there.')
@metadata({ azd: { type: 'location' } })
param location string

@minLength(1)
@description('Resource id of the Azure Machine Learning workspace that holds the batch endpoint.')
param workspaceId string

@minLength(1)
@description('Scoring URI of the default batch endpoint: https://<name>.<region>.inference.ml.azure.com/jobs')
param endpointUri string

@description('Further origins that requests may name, comma separated. That of endpointUri is always allowed.')
param allowedEndpointOrigins string = ''

@allowed(['AzureStorage', 'DurableTaskScheduler'])
@description('Where orchestrations are stored. host.json must name the same backend: the prepackage hook writes it.')
param durableBackend string = 'AzureStorage'

@allowed(['ManagedIdentity', 'ServicePrincipal'])
@description('The identity with which the app calls the batch endpoint and Azure Resource Manager.')
param identityKind string = 'ManagedIdentity'

@description('Tenant of the service principal.')
param servicePrincipalTenantId string = ''

@description('Client (application) id of the service principal.')
param servicePrincipalClientId string = ''

@description('Object id of the service principal, which role assignments need.')
param servicePrincipalObjectId string = ''

@secure()
@description('Secret of the service principal, kept in Key Vault. Empty keeps the current one.')
param servicePrincipalSecret string = ''

@description('Storage and Key Vault reachable from the app\'s virtual network only.')
param privateNetworking bool = false

@allowed([512, 2048, 4096])
@description('Memory of one instance, in MB.')
param instanceMemoryMB int = 2048

@minValue(1)
@maxValue(1000)
@description('The largest number of instances of each function group. The HTTP functions are one group, orchestrations another.')
param maximumInstanceCount int = 100

@minValue(0)
@maxValue(20)
@description('Instances that are always ready for orchestrations. With 0 an idle app first starts an instance, and costs nothing.')
param alwaysReadyDurable int = 0

@minValue(1)
@maxValue(1000)
@description('Requests that one instance handles at the same time.')
param httpConcurrency int = 16

@minValue(1)
@maxValue(3650)
@description('Days after which the history of ended runs is purged. With the scheduler at most 29.')
param runRetentionDays int = 30

@description('Address under which callers reach the app behind a gateway. Empty: its own.')
param publicBaseUrl string = ''

@description('Client id of the app registration that callers sign in to. Empty: function keys alone protect the app.')
param signInClientId string = ''

@description('Client ids of further programs that call the app with a token, comma separated.')
param signInPrograms string = ''

@description('Whether a start also answers with the durable URLs that end or change an orchestration.')
param durableManagementUrls bool = false

@description('Output of a run that names none; must hold {run_id}. Empty: the default of the app. none: Azure ML chooses.')
param defaultOutputUri string = ''

@minValue(30)
@maxValue(730)
@description('Days for which logs are kept.')
param logRetentionDays int = 30

// At least 30: the request without an answer may have taken longer than a minute.
@minValue(30)
@maxValue(3600)
@description('Seconds after an uncertain submission in which its job may still appear in the list of jobs.')
param submissionSettleSeconds int = 90

@description('Resource id of the storage account whose new blobs start runs. Empty turns this off.')
param newDataStorageAccountId string = ''

@description('Container watched for new data; needed unless new-data-rules.json has rules.')
param newDataContainer string = ''

@description('Blob name prefix of new data.')
param newDataPrefix string = ''

@description('Blob name suffix of new data, for example .csv')
param newDataSuffix string = ''

@allowed(['file', 'folder', 'marker'])
@description('One run per file, per folder once it is quiet, or per folder once a marker file arrives.')
param newDataStart string = 'folder'

@minValue(1)
@maxValue(86400)
@description('Seconds without a new blob after which a folder counts as complete.')
param newDataQuietSeconds int = 60

@minValue(1)
@maxValue(432000)
@description('Seconds after a folder\'s first blob at which its run starts at the latest.')
param newDataLongestWaitSeconds int = 3600

@description('Name of the marker file.')
param newDataMarker string = '_SUCCESS'

@description('Template of the input URI of runs that new data starts. Empty: the app\'s default.')
param newDataInputUri string = ''

@description('Template of the output URI of those runs; must hold {run_id}. Empty: the app\'s default.')
param newDataOutputUri string = ''

@description('An Event Grid system topic that the data storage account already has. Empty creates one.')
param existingDataTopicId string = ''

@description('Sends an event for each change of a job\'s status, so that runs end at once.')
param jobEvents bool = true

@description('An Event Grid system topic that the workspace already has. Empty creates one.')
param existingWorkspaceTopicId string = ''

@description('Resource id of an Event Grid custom topic (schema CloudEvents 1.0) that is told how runs end. Empty turns this off.')
param notificationTopicId string = ''

@description('A webhook is told how runs end. Its address is the secret of notificationUrl.')
param notificationWebhook bool = false

@secure()
@description('Address of the webhook with everything secret in it, kept in Key Vault. Empty keeps the current one.')
param notificationUrl string = ''

@description('Address that alerts are mailed to. Empty: alerts show in the portal only.')
param alertEmail string = ''

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }
var onScheduler = durableBackend == 'DurableTaskScheduler'
// A day less than the scheduler keeps an orchestration: what the app purges is still there then.
var retentionDays = onScheduler ? min(runRetentionDays, 29) : runRetentionDays
var asServicePrincipal = identityKind == 'ServicePrincipal'
var watchesData = !empty(newDataStorageAccountId)
var tellsTopic = !empty(notificationTopicId)
var keepsSecrets = asServicePrincipal || notificationWebhook
var appName = 'func-${token}'

resource appGroup 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: appGroup
  params: { name: 'id-${token}', location: location, tags: tags }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: appGroup
  params: {
    token: token
    location: location
    tags: tags
    retentionDays: logRetentionDays
    appPrincipalId: identity.outputs.principalId
  }
}

module network 'modules/network.bicep' = if (privateNetworking) {
  name: 'network'
  scope: appGroup
  params: { name: 'vnet-${token}', location: location, tags: tags }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: appGroup
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    privateNetworking: privateNetworking
    appPrincipalId: identity.outputs.principalId
    holdsOrchestrations: !onScheduler
  }
}

module scheduler 'modules/durable-task-scheduler.bicep' = if (onScheduler) {
  name: 'scheduler'
  scope: appGroup
  params: {
    name: 'dts-${token}'
    location: location
    tags: tags
    appPrincipalId: identity.outputs.principalId
  }
}

module vault 'modules/key-vault.bicep' = if (keepsSecrets) {
  name: 'vault'
  scope: appGroup
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    privateNetworking: privateNetworking
    appPrincipalId: identity.outputs.principalId
    servicePrincipalSecret: servicePrincipalSecret
    notificationUrl: notificationUrl
  }
}

module privateEndpoints 'modules/private-endpoint.bicep' = [for target in ['blob', 'queue', 'table']: if (privateNetworking) {
  name: 'private-${target}'
  scope: appGroup
  params: {
    name: 'pe-${target}-${token}'
    location: location
    tags: tags
    targetId: storage.outputs.id
    groupId: target
    zoneName: 'privatelink.${target}.${environment().suffixes.storage}'
    networkId: network!.outputs.id
    subnetId: network!.outputs.endpointSubnetId
  }
}]

module vaultEndpoint 'modules/private-endpoint.bicep' = if (privateNetworking && keepsSecrets) {
  name: 'private-vault'
  scope: appGroup
  params: {
    name: 'pe-vault-${token}'
    location: location
    tags: tags
    targetId: vault!.outputs.id
    groupId: 'vault'
    zoneName: replace(environment().suffixes.keyvaultDns, '.vault.', 'privatelink.vaultcore.')
    networkId: network!.outputs.id
    subnetId: network!.outputs.endpointSubnetId
  }
}

module app 'modules/function-app.bicep' = {
  name: 'app'
  scope: appGroup
  params: {
    name: appName
    planName: 'plan-${token}'
    location: location
    tags: union(tags, { 'azd-service-name': 'api' })
    identityId: identity.outputs.id
    deploymentContainerUri: storage.outputs.deploymentContainerUri
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyDurable: alwaysReadyDurable
    httpConcurrency: httpConcurrency
    subnetId: privateNetworking ? network!.outputs.appSubnetId : ''
  }
  // In a closed network the app reaches its storage through them only.
  dependsOn: [privateEndpoints]
}

module notificationTopic 'modules/notification-topic.bicep' = if (tellsTopic) {
  name: 'notification-topic'
  scope: appGroup
  params: { topicId: notificationTopicId }
}

module appSettings 'modules/app-settings.bicep' = {
  name: 'app-settings'
  scope: appGroup
  params: {
    appName: app.outputs.name
    identityClientId: identity.outputs.clientId
    telemetryConnectionString: monitoring.outputs.connectionString
    storageEndpoints: storage.outputs.endpoints
    schedulerEndpoint: onScheduler ? scheduler!.outputs.endpoint : ''
    endpointUri: endpointUri
    allowedEndpointOrigins: allowedEndpointOrigins
    workspaceId: workspaceId
    submissionSettleSeconds: submissionSettleSeconds
    runRetentionDays: retentionDays
    publicBaseUrl: publicBaseUrl
    durableManagementUrls: durableManagementUrls
    signIn: !empty(signInClientId)
    defaultOutputUri: defaultOutputUri
    servicePrincipal: asServicePrincipal
      ? { tenantId: servicePrincipalTenantId, clientId: servicePrincipalClientId, secretUri: vault!.outputs.secretUri }
      : {}
    newData: {
      topic: newDataStorageAccountId
      container: newDataContainer
      prefix: newDataPrefix
      suffix: newDataSuffix
      start: newDataStart
      quietSeconds: newDataQuietSeconds
      longestWaitSeconds: newDataLongestWaitSeconds
      marker: newDataMarker
      inputUri: newDataInputUri
      outputUri: newDataOutputUri
    }
    notification: {
      topic: tellsTopic ? notificationTopic!.outputs.endpoint : ''
      secretUri: notificationWebhook ? vault!.outputs.notificationSecretUri : ''
    }
  }
  // The platform resolves references to secrets as soon as they are set.
  dependsOn: [vaultEndpoint]
}

module signIn 'modules/sign-in.bicep' = if (!empty(signInClientId)) {
  name: 'sign-in'
  scope: appGroup
  params: { appName: app.outputs.name, clientId: signInClientId, programs: signInPrograms }
  // The sign-in reads one of the app settings.
  dependsOn: [appSettings]
}

module dataLocation 'modules/source-location.bicep' = if (watchesData) {
  name: 'data-location'
  scope: appGroup
  params: { sourceId: newDataStorageAccountId, topicType: 'Microsoft.Storage.StorageAccounts' }
}

module dataTopic 'modules/system-topic.bicep' = if (watchesData) {
  name: 'data-topic'
  scope: appGroup
  params: {
    name: 'egst-data-${uniqueString(token, toLower(newDataStorageAccountId))}'
    location: dataLocation!.outputs.location
    tags: tags
    sourceId: newDataStorageAccountId
    topicType: 'Microsoft.Storage.StorageAccounts'
    existingTopicId: existingDataTopicId
    deadLetterAccountName: storage.outputs.name
  }
}

module workspaceLocation 'modules/source-location.bicep' = if (jobEvents) {
  name: 'workspace-location'
  scope: appGroup
  params: { sourceId: workspaceId, topicType: 'Microsoft.MachineLearningServices.Workspaces' }
}

module workspaceTopic 'modules/system-topic.bicep' = if (jobEvents) {
  name: 'workspace-topic'
  scope: appGroup
  params: {
    name: 'egst-jobs-${uniqueString(token, toLower(workspaceId))}'
    location: workspaceLocation!.outputs.location
    tags: tags
    sourceId: workspaceId
    topicType: 'Microsoft.MachineLearningServices.Workspaces'
    existingTopicId: existingWorkspaceTopicId
    deadLetterAccountName: storage.outputs.name
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  scope: appGroup
  params: {
    token: token
    location: location
    tags: tags
    logWorkspaceId: monitoring.outputs.logWorkspaceId
    dataTopicId: watchesData ? dataTopic!.outputs.id : ''
    workspaceTopicId: jobEvents ? workspaceTopic!.outputs.id : ''
    email: alertEmail
  }
}

module queries 'modules/queries.bicep' = {
  name: 'queries'
  scope: appGroup
  params: { logWorkspaceName: monitoring.outputs.logWorkspaceName }
}

// azd keeps outputs in its environment, and `azd down` removes them from there. So none has the name of an input.
output AZURE_RESOURCE_GROUP string = appGroup.name
output AZURE_FUNCTION_APP_NAME string = app.outputs.name
output API_URL string = 'https://${app.outputs.hostName}/api/batch-runs'
output MONITOR_URL string = 'https://${app.outputs.hostName}/api/monitor'
output GET_KEY_COMMAND string = 'az functionapp keys list --subscription ${subscription().subscriptionId} --resource-group ${appGroup.name} --name ${app.outputs.name} --query functionKeys.default --output tsv'

// What connections.bicep gets from the postdeploy hook: CONNECT_DATA_TOPIC_ID is its parameter dataTopicId.
output CONNECT_WORKSPACE_ID string = workspaceId
output CONNECT_PRINCIPAL_ID string = asServicePrincipal ? servicePrincipalObjectId : identity.outputs.principalId
output CONNECT_DEAD_LETTER_STORAGE_NAME string = storage.outputs.name
output CONNECT_DATA_TOPIC_ID string = watchesData ? dataTopic!.outputs.id : ''
output CONNECT_NEW_DATA_CONTAINER string = newDataContainer
output CONNECT_NEW_DATA_PREFIX string = newDataPrefix
output CONNECT_NEW_DATA_START string = newDataStart
output CONNECT_NEW_DATA_MARKER string = newDataMarker
output CONNECT_WORKSPACE_TOPIC_ID string = jobEvents ? workspaceTopic!.outputs.id : ''
output CONNECT_NOTIFICATION_TOPIC_ID string = notificationTopicId
