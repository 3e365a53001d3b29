// Connects the app with resources that existed before it: its roles on the workspace and on the topic that it tells how
// runs end, and event subscriptions (Event Grid requires that their functions exist). The postdeploy hook applies this template as a separate deployment. azd
// does not know it, so `azd down` does not delete the workspace's resource group.
targetScope = 'subscription'

param resourceGroupName string
param functionAppName string
param workspaceId string
param deadLetterStorageName string

@description('Object id of the identity that calls the batch endpoint.')
param principalId string

@allowed(['DataScientist', 'Custom', 'None'])
@description('DataScientist: the built-in role. Custom: only the published actions. None: another person assigns a role.')
param workspaceRole string = 'DataScientist'

@description('System topic of the data storage account; empty if new data starts no runs.')
param dataTopicId string

param newDataContainer string
param newDataPrefix string
param newDataStart string
param newDataMarker string

@description('System topic of the workspace; empty if job events are off.')
param workspaceTopicId string

@description('Event Grid topic that is told how runs end; empty if none is.')
param notificationTopicId string

var workspace = split(workspaceId, '/')
var dataTopic = split(empty(dataTopicId) ? workspaceId : dataTopicId, '/')
var workspaceTopic = split(empty(workspaceTopicId) ? workspaceId : workspaceTopicId, '/')
var notificationTopic = split(empty(notificationTopicId) ? workspaceId : notificationTopicId, '/')
var newDataRules = loadJsonContent('new-data-rules.json')
var plainRule = { container: newDataContainer, prefix: newDataPrefix, start: newDataStart, marker: newDataMarker }

// A rule that starts runs by the clock watches no container. All other rules have one.
var ruleDefaults = { container: '', prefix: '', start: 'folder', marker: '_SUCCESS' }
var allRules = map(empty(newDataRules) ? [plainRule] : newDataRules, rule => union(ruleDefaults, rule))
var uploadRules = filter(allRules, rule => rule.start != 'schedule')
var markerRules = filter(allRules, rule => rule.start == 'marker')

// A subscription takes 25 filter values of at most 512 characters. Where the prefixes of the rules are too many, their
// containers are the filter, and after that the whole account. The app ignores what no rule takes.
var anyContainer = '/blobServices/default/containers/'
var uploadContainers = union(map(uploadRules, rule => '${anyContainer}${rule.container}/blobs/'), [])
var uploadPrefixes = union(map(uploadRules, rule => take('${anyContainer}${rule.container}/blobs/${rule.prefix}', 512)), [])
var mostUploadPlaces = 18
var widerUploadPlaces = length(uploadContainers) <= mostUploadPlaces ? uploadContainers : [anyContainer]
var uploadPlaces = length(uploadPrefixes) <= mostUploadPlaces ? uploadPrefixes : widerUploadPlaces

var markerContainers = union(map(markerRules, rule => '${anyContainer}${rule.container}/blobs/'), [])
var markerPrefixes = union(map(markerRules, rule => take('${anyContainer}${rule.container}/blobs/${rule.prefix}', 512)), [])
var markerNames = union(map(markerRules, rule => '/${rule.marker}'), [])
var mostMarkerPlaces = 12
var widerMarkerPlaces = length(markerContainers) <= mostMarkerPlaces ? markerContainers : [anyContainer]
var markerPlaces = length(markerPrefixes) <= mostMarkerPlaces ? markerPrefixes : widerMarkerPlaces

resource appGroup 'Microsoft.Resources/resourceGroups@2025-04-01' existing = {
  name: resourceGroupName
}

resource app 'Microsoft.Web/sites@2024-11-01' existing = {
  name: functionAppName
  scope: appGroup
}

resource deadLetterAccount 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: deadLetterStorageName
  scope: appGroup
}

module workspaceAccess 'modules/workspace-access.bicep' = if (workspaceRole != 'None') {
  name: 'workspace-access-${functionAppName}'
  scope: resourceGroup(workspace[2], workspace[4])
  params: {
    workspaceName: workspace[8]
    principalId: principalId
    custom: workspaceRole == 'Custom'
  }
}

module notificationAccess 'modules/notification-access.bicep' = if (!empty(notificationTopicId)) {
  name: 'notification-access-${functionAppName}'
  scope: resourceGroup(notificationTopic[2], notificationTopic[4])
  params: {
    topicName: notificationTopic[8]
    principalId: principalId
  }
}

module newData 'modules/event-subscription.bicep' = if (!empty(dataTopicId) && !empty(uploadRules)) {
  name: 'new-data-${functionAppName}'
  scope: resourceGroup(dataTopic[2], dataTopic[4])
  params: {
    name: 'new-data-${functionAppName}'
    topicName: dataTopic[8]
    functionId: '${app.id}/functions/new_data'
    eventTypes: ['Microsoft.Storage.BlobCreated', 'Microsoft.Storage.BlobRenamed']
    // Not by suffix: the app tells in its log why a file starts nothing.
    filters: [
      { operatorType: 'StringBeginsWith', key: 'Subject', values: uploadPlaces }
      {
        // Not CreateFile: an upload through the Data Lake endpoint raises BlobCreated twice, first for an empty file.
        operatorType: 'StringIn'
        key: 'data.api'
        values: ['PutBlob', 'PutBlockList', 'CopyBlob', 'FlushWithClose', 'SftpCommit', 'RenameFile', 'SftpRename']
      }
    ]
    deadLetterAccountId: deadLetterAccount.id
  }
}

// A marker is often created and never written to: CreateFile is then its only event. The subscription above cannot take
// it, because it would take that of each other file, too.
module newDataMarkers 'modules/event-subscription.bicep' = if (!empty(dataTopicId) && !empty(markerRules)) {
  name: 'new-data-markers-${functionAppName}'
  scope: resourceGroup(dataTopic[2], dataTopic[4])
  params: {
    name: 'new-data-markers-${functionAppName}'
    topicName: dataTopic[8]
    functionId: '${app.id}/functions/new_data'
    eventTypes: ['Microsoft.Storage.BlobCreated']
    filters: [
      { operatorType: 'StringBeginsWith', key: 'Subject', values: markerPlaces }
      { operatorType: 'StringEndsWith', key: 'Subject', values: markerNames }
      { operatorType: 'StringIn', key: 'data.api', values: ['CreateFile'] }
    ]
    deadLetterAccountId: deadLetterAccount.id
  }
}

module jobEvents 'modules/event-subscription.bicep' = if (!empty(workspaceTopicId)) {
  name: 'job-events-${functionAppName}'
  scope: resourceGroup(workspaceTopic[2], workspaceTopic[4])
  params: {
    name: 'job-events-${functionAppName}'
    topicName: workspaceTopic[8]
    functionId: '${app.id}/functions/job_events'
    eventTypes: [
      'Microsoft.MachineLearningServices.RunStatusChanged'
      'Microsoft.MachineLearningServices.RunCompleted'
    ]
    filters: []
    deadLetterAccountId: deadLetterAccount.id
  }
}
