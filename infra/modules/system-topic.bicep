// The events of one resource. A resource has at most one system topic, so an existing one is used unchanged.
// The identity of the topic writes events that cannot be delivered into the dead-letter container.
param name string
param location string
param tags object

@description('Resource id of the source; in this subscription, unless its topic exists.')
param sourceId string

@allowed(['Microsoft.Storage.StorageAccounts', 'Microsoft.MachineLearningServices.Workspaces'])
param topicType string

@description('Resource id of the topic that the source already has, with a system-assigned identity; or empty.')
param existingTopicId string

param deadLetterAccountName string

var creates = empty(existingTopicId)
var existingParts = split(creates ? sourceId : existingTopicId, '/')

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = if (creates) {
  name: name
  location: location
  tags: tags
  identity: { type: 'SystemAssigned' }
  properties: {
    source: sourceId
    topicType: topicType
  }
}

resource existingTopic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = if (!creates) {
  name: existingParts[8]
  scope: resourceGroup(existingParts[2], existingParts[4])
}

module deadLetterAccess 'dead-letter-access.bicep' = {
  name: '${name}-dead-letters'
  params: {
    accountName: deadLetterAccountName
    topicPrincipalId: creates ? topic!.identity.principalId : existingTopic!.identity.principalId
  }
}

output id string = creates ? topic!.id : existingTopicId
