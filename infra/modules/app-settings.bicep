// All app settings in one place: this resource replaces the whole set.
param appName string
param identityClientId string
param telemetryConnectionString string

@description('{blob, queue, table}: addresses of the storage account, as the account itself gives them in its cloud.')
param storageEndpoints object

@description('Endpoint of the Durable Task Scheduler; empty if orchestrations are stored in Azure Storage.')
param schedulerEndpoint string

param endpointUri string
param allowedEndpointOrigins string
param workspaceId string
param submissionSettleSeconds int
param runRetentionDays int
param publicBaseUrl string
param durableManagementUrls bool

@description('Whether callers sign in (sign-in.bicep).')
param signIn bool

param defaultOutputUri string

@description('{tenantId, clientId, secretUri}, or empty for the managed identity.')
param servicePrincipal object

@description('{topic, container, prefix, suffix, start, quietSeconds, longestWaitSeconds, marker, inputUri, outputUri}')
param newData object

@description('{topic, secretUri}: the endpoint of the topic, and the secret with the address of the webhook; each may be empty.')
param notification object

var newDataRules = loadJsonContent('../new-data-rules.json')
// Without a storage account the app gets no rule for uploads. Starts by the clock need no account.
var startsByTheClock = filter(newDataRules, rule => contains(rule, 'start') && rule.start == 'schedule')

var hostSettings = {
  // Not __accountName: from a name the host makes addresses of the public cloud.
  AzureWebJobsStorage__blobServiceUri: storageEndpoints.blob
  AzureWebJobsStorage__queueServiceUri: storageEndpoints.queue
  AzureWebJobsStorage__tableServiceUri: storageEndpoints.table
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: telemetryConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  // Alerts read the log. Newer exporters keep five traces a second by default, and drop the lines of the others with them.
  OTEL_TRACES_SAMPLER: 'microsoft.fixed_percentage'
  OTEL_TRACES_SAMPLER_ARG: '1.0'
  // Whoever lowers the share keeps all lines.
  AzureMonitorExporter__EnableTraceBasedLogsSampler: 'false'
}

var schedulerSettings = empty(schedulerEndpoint)
  ? {}
  : {
      DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'Endpoint=${schedulerEndpoint};Authentication=ManagedIdentity;ClientID=${identityClientId}'
    }

var endpointSettings = {
  BATCH_ENDPOINT_URI: endpointUri
  ALLOWED_ENDPOINT_ORIGINS: allowedEndpointOrigins
  AZURE_ML_WORKSPACE_ID: workspaceId
  // It tells the app its cloud. What follows from that is left to the app.
  AZURE_RESOURCE_MANAGER_URL: environment().resourceManager
  AZURE_RESOURCE_MANAGER_AUDIENCE: ''
  AZURE_ML_AUDIENCE: ''
  AZURE_ML_RUN_HISTORY_URL: ''
  SUBMISSION_SETTLE_SECONDS: string(submissionSettleSeconds)
  RUN_RETENTION_DAYS: string(runRetentionDays)
  PUBLIC_BASE_URL: publicBaseUrl
  DURABLE_MANAGEMENT_URLS: string(durableManagementUrls)
  DEFAULT_OUTPUT_URI: defaultOutputUri
}

var identitySettings = empty(servicePrincipal)
  ? {
      AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential'
      AZURE_CLIENT_ID: identityClientId
      AZURE_AUTHORITY_HOST: environment().authentication.loginEndpoint
    }
  : {
      AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential'
      AZURE_CLIENT_ID: servicePrincipal.clientId
      AZURE_TENANT_ID: servicePrincipal.tenantId
      AZURE_CLIENT_SECRET: '@Microsoft.KeyVault(SecretUri=${servicePrincipal.secretUri})'
      AZURE_AUTHORITY_HOST: environment().authentication.loginEndpoint
    }

// The app registration trusts this identity, so it needs no client secret.
var signInSettings = signIn ? { OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: identityClientId } : {}

// The app refuses rules in addition to plain settings, so only one of the two is set.
var newDataRule = !empty(newDataRules)
  ? { NEW_DATA_RULES: string(newDataRules) }
  : {
      NEW_DATA_CONTAINER: newData.container
      NEW_DATA_PREFIX: newData.prefix
      NEW_DATA_SUFFIX: newData.suffix
      NEW_DATA_START: newData.start
      NEW_DATA_QUIET_SECONDS: string(newData.quietSeconds)
      NEW_DATA_LONGEST_WAIT_SECONDS: string(newData.longestWaitSeconds)
      NEW_DATA_MARKER: newData.marker
      NEW_DATA_INPUT_URI: newData.inputUri
      NEW_DATA_OUTPUT_URI: newData.outputUri
    }
var clockSettings = empty(startsByTheClock) ? {} : { NEW_DATA_RULES: string(startsByTheClock) }
var newDataSettings = empty(newData.topic) ? clockSettings : union({ NEW_DATA_TOPIC: newData.topic }, newDataRule)

var topicSettings = empty(notification.topic) ? {} : { NOTIFICATION_TOPIC: notification.topic }
var webhookSettings = empty(notification.secretUri)
  ? {}
  : { NOTIFICATION_URL: '@Microsoft.KeyVault(SecretUri=${notification.secretUri})' }
var notificationSettings = union(topicSettings, webhookSettings)

resource app 'Microsoft.Web/sites@2024-11-01' existing = {
  name: appName
}

resource settings 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: app
  name: 'appsettings'
  properties: union(
    hostSettings,
    schedulerSettings,
    endpointSettings,
    identitySettings,
    signInSettings,
    newDataSettings,
    notificationSettings
  )
}
