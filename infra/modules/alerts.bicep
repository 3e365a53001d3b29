// Alerts for people. The queries search for the texts of the app's log lines.
param token string
param location string
param tags object
param logWorkspaceId string

@description('System topic of new data; empty for none.')
param dataTopicId string

@description('System topic of the workspace; empty for none.')
param workspaceTopicId string

@description('Empty: nobody is mailed.')
param email string

// Housekeeping repeats its lines every five minutes, or less often with very many runs. A line that arrives late must not
// end the alert.
var watchdogWindow = 'PT15M'
var logAlerts = [
  {
    name: 'runs-failed'
    title: 'Runs failed'
    severity: 2
    window: 'PT5M'
    query: 'AppTraces | where Message startswith "run_ended" and Message has_any ("outcome=Failed", "outcome=TimedOut") | project TimeGenerated, Message'
  }
  {
    name: 'submission-uncertain'
    title: 'A job may have been submitted, and nobody watches it'
    severity: 1
    window: 'PT5M'
    query: 'AppTraces | where Message startswith "run_ended" and Message has "Submission uncertain" | project TimeGenerated, Message'
  }
  {
    name: 'host-errors'
    title: 'The app or its host has errors'
    severity: 2
    window: 'PT5M'
    // A run that fails raises an exception in batch_run; the alert above reports it.
    query: 'union (AppExceptions | project TimeGenerated, OperationName, Message = OuterMessage), (AppTraces | where SeverityLevel >= 3 | project TimeGenerated, OperationName, Message) | where OperationName !has "batch_run" or Message has "Non-Deterministic"'
  }
  {
    name: 'run-not-started'
    title: 'A run does not start'
    severity: 2
    window: watchdogWindow
    query: 'AppTraces | where Message startswith "run_not_started" | project TimeGenerated, Message'
  }
  {
    name: 'run-not-checked'
    title: 'A run does not check its job any more'
    severity: 2
    window: watchdogWindow
    query: 'AppTraces | where Message startswith "run_not_checked" | project TimeGenerated, Message'
  }
  {
    name: 'job-not-moving'
    title: 'A job does not respond, or is not canceled, for an hour'
    severity: 2
    window: watchdogWindow
    query: 'AppTraces | where Message startswith "job_not_moving" | project TimeGenerated, Message'
  }
]
var topics = filter([dataTopicId, workspaceTopicId], topic => !empty(topic))

resource mail 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: 'ag-${token}'
  location: 'Global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'batch-runs'
    emailReceivers: [
      {
        name: 'operators'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

resource fromLogs 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for alert in logAlerts: {
  name: '${alert.name}-${token}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: alert.title
    severity: alert.severity
    enabled: true
    scopes: [logWorkspaceId]
    skipQueryValidation: true // the tables come with the first telemetry
    evaluationFrequency: 'PT5M'
    windowSize: alert.window
    autoMitigate: true
    criteria: {
      allOf: [
        {
          query: alert.query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: empty(email) ? [] : [mail.id] }
  }
}]

resource deadLettered 'Microsoft.Insights/metricAlerts@2018-03-01' = [for (topic, index) in topics: {
  name: 'events-dead-lettered-${index}-${token}'
  location: 'global'
  tags: tags
  properties: {
    description: 'Events could not be delivered to the app. They are in the dead-letters container.'
    severity: 1
    enabled: true
    scopes: [topic]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'dead-lettered'
          metricName: 'DeadLetteredCount'
          operator: 'GreaterThan'
          threshold: 0
          timeAggregation: 'Total'
        }
      ]
    }
    actions: empty(email) ? [] : [{ actionGroupId: mail.id }]
  }
}]
