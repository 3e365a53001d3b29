// The role of the calling identity on the workspace, and on no other resource.
param workspaceName string
param principalId string

@description('''
Only the actions that Azure Machine Learning publishes as needed to invoke a batch endpoint, and those that Azure's list
of permissions names for reading and cancelling jobs. Not yet tried against the service: invoke and cancel once before
relying on it.
''')
param custom bool

var azureMlDataScientist = 'f6c7c914-8db3-469d-8ca1-694a8f32e121'
var ownGroup = resourceGroup().id
var prefix = 'Microsoft.MachineLearningServices/workspaces'

resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-06-01' existing = {
  name: workspaceName
}

resource invokeRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (custom) {
  name: guid(workspace.id, 'batch-endpoint-invoker')
  properties: {
    roleName: 'Batch endpoint invoker (${workspaceName}, ${uniqueString(workspace.id)})'
    description: 'Invokes batch endpoints, reads and cancels their jobs.'
    type: 'CustomRole'
    assignableScopes: [ownGroup]
    permissions: [
      {
        actions: [
          '${prefix}/read'
          '${prefix}/listStorageAccountKeys/action'
          '${prefix}/batchEndpoints/read'
          '${prefix}/batchEndpoints/write'
          '${prefix}/batchEndpoints/deployments/read'
          '${prefix}/batchEndpoints/deployments/write'
          '${prefix}/batchEndpoints/jobs/read'
          '${prefix}/batchEndpoints/jobs/write'
          '${prefix}/batchEndpoints/deployments/jobs/read'
          '${prefix}/batchEndpoints/deployments/jobs/write'
          '${prefix}/jobs/read'
          '${prefix}/jobs/cancel/action'
          '${prefix}/jobs/operationresults/read'
          '${prefix}/data/versions/write'
          '${prefix}/datasets/registered/read'
          '${prefix}/datasets/registered/write'
          '${prefix}/datasets/unregistered/read'
          '${prefix}/datasets/unregistered/write'
          '${prefix}/datastores/read'
          '${prefix}/datastores/write'
          '${prefix}/datastores/listsecrets/action'
          '${prefix}/computes/read'
          '${prefix}/computes/listKeys/action'
          '${prefix}/experiments/read'
          '${prefix}/experiments/runs/read'
          '${prefix}/experiments/runs/write'
          '${prefix}/experiments/runs/submit/action'
          '${prefix}/modules/read'
          '${prefix}/models/read'
          '${prefix}/environments/read'
          '${prefix}/environments/write'
          '${prefix}/environments/build/action'
          '${prefix}/environments/readSecrets/action'
          '${prefix}/endpoints/pipelines/read'
          '${prefix}/endpoints/pipelines/write'
          '${prefix}/metadata/secrets/read'
          '${prefix}/metadata/snapshots/read'
          '${prefix}/metadata/artifacts/read'
          '${prefix}/metadata/artifacts/write'
          '${prefix}/metrics/resource/write'
        ]
        notActions: []
      }
    ]
  }
}

resource invoke 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, principalId, custom ? 'custom' : azureMlDataScientist)
  scope: workspace
  properties: {
    roleDefinitionId: custom
      ? invokeRole.id
      : subscriptionResourceId('Microsoft.Authorization/roleDefinitions', azureMlDataScientist)
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: 'Starts, reads and cancels batch endpoint jobs.'
  }
}
