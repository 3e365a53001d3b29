// The location of a resource outside of the app's group. This is a separate module: Bicep must know the location of a
// resource before the deployment starts, and the output of a module may be the parameter of another.
param sourceId string

@allowed(['Microsoft.Storage.StorageAccounts', 'Microsoft.MachineLearningServices.Workspaces'])
param topicType string

var ofWorkspace = topicType == 'Microsoft.MachineLearningServices.Workspaces'
var source = split(sourceId, '/')

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' existing = if (!ofWorkspace) {
  name: source[8]
  scope: resourceGroup(source[2], source[4])
}

resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-06-01' existing = if (ofWorkspace) {
  name: source[8]
  scope: resourceGroup(source[2], source[4])
}

output location string = ofWorkspace ? workspace!.location : account!.location
