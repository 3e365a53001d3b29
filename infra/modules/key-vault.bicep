// Holds the service principal's secret and the address of the webhook, those that there are. The app reads them through
// references in app settings.
param name string
param location string
param tags object
param privateNetworking bool
param appPrincipalId string

@secure()
@description('Empty keeps the current secret.')
param servicePrincipalSecret string

@secure()
@description('Empty keeps the current address.')
param notificationUrl string

var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'
var secretName = 'batch-endpoint-client-secret'
var notificationSecretName = 'notification-url'

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    enablePurgeProtection: true
    softDeleteRetentionInDays: 7
    publicNetworkAccess: privateNetworking ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: privateNetworking ? 'Deny' : 'Allow'
    }
  }
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = if (!empty(servicePrincipalSecret)) {
  parent: vault
  name: secretName
  properties: { value: servicePrincipalSecret }
}

resource notificationSecret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = if (!empty(notificationUrl)) {
  parent: vault
  name: notificationSecretName
  properties: { value: notificationUrl }
}

resource readSecret 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, appPrincipalId, keyVaultSecretsUser)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsUser)
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    description: 'The platform resolves the app setting references as the app.'
  }
}

output id string = vault.id
output secretUri string = '${vault.properties.vaultUri}secrets/${secretName}'
output notificationSecretUri string = '${vault.properties.vaultUri}secrets/${notificationSecretName}'
