// The endpoint of the Event Grid topic that is told how runs end. A module in the app's own group: a module in the group of
// the topic would make `azd down` delete that group.
param topicId string

var parts = split(topicId, '/')

resource topic 'Microsoft.EventGrid/topics@2025-02-15' existing = {
  name: parts[8]
  scope: resourceGroup(parts[2], parts[4])
}

output endpoint string = topic.properties.endpoint
