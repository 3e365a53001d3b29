// Alerts for people. The queries search for the texts of lines: with OpenTelemetry a line has no operation name, and its
// category depends on the version of the Durable extension.
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

// Each row is in one evaluation only, whenever it arrives: evaluations are five minutes apart, and each takes the rows of
// five minutes. A row can be queried some seconds after its ingestion_time(), so the last two minutes are left to the next
// evaluation. Without this a rule that keeps no state fires for the same row as often as the window contains it.
var arrived = 'ingestion_time() > ago(7m) and ingestion_time() <= ago(2m)'
var run = 'extend Run = extract(@"run=(\\S+)", 1, Message)'
var runEnds = 'AppTraces | where ${arrived} | where Message startswith "run_ended" | ${run}, Outcome = extract(@"outcome=(\\S+)", 1, Message), Reason = coalesce(substring(trim("\\"", extract(" reason=(.*)", 1, Message)), 0, 200), "none")'

// A run that does not complete leaves more than its line: the Durable extension writes that its orchestration failed, and the
// host writes the exception, in which the error code of the run stands before the state of the orchestration.
var tellsOfRunThatFailed = 'Text startswith "run_ended" or Text matches regex @"\'batch_run[^\']*\\(Orchestrator\\)\' failed" or Text matches regex @"\\[[a-z_]+\\]\\s+\\$OutOfProcData\\$"'

// Something happened. Such an alert does not resolve by itself: that no other run fails mends nothing.
var occurrences = [
  {
    name: 'runs-failed'
    title: 'A run failed'
    severity: 2
    query: '${runEnds} | where Outcome in ("Failed", "TimedOut") and not(Reason startswith "Submission uncertain")'
    dimensions: ['Run', 'Outcome', 'Reason']
    mute: null
  }
  {
    name: 'submission-uncertain'
    title: 'A job may have been submitted, and nobody watches it'
    severity: 1
    query: '${runEnds} | where Reason startswith "Submission uncertain"'
    dimensions: ['Run', 'Outcome', 'Reason']
    mute: null
  }
  {
    name: 'host-errors'
    title: 'The app or its host has errors'
    severity: 2
    query: 'union (AppExceptions | where ${arrived} | project TimeGenerated, Text = strcat(OuterMessage, " ", InnermostMessage)), (AppTraces | where ${arrived} | where SeverityLevel >= 3 | project TimeGenerated, Text = Message) | where not(${tellsOfRunThatFailed}) or Text contains "Non-Deterministic workflow detected"'
    // An orchestration that was not deterministic is an error of the app, and ends without a line run_ended.
    dimensions: []
    mute: 'PT1H' // one cause makes many errors, for as long as it lasts
  }
]

// Something lasts. Housekeeping repeats its line every five minutes, or less often with very many runs, so the alert stays
// until the line is missing, and resolves then. A line that arrives late must not end it.
var conditions = [
  {
    name: 'run-not-started'
    title: 'A run does not start'
    severity: 2
    query: 'AppTraces | where Message startswith "run_not_started" | ${run}'
  }
  {
    name: 'run-not-checked'
    title: 'A run does not check its job any more'
    severity: 2
    query: 'AppTraces | where Message startswith "run_not_checked" | ${run}'
  }
  {
    name: 'job-not-moving'
    title: 'A job does not respond, or is not canceled, for an hour'
    severity: 2
    query: 'AppTraces | where Message startswith "job_not_moving" | ${run}'
  }
]

var topics = filter([dataTopicId, workspaceTopicId], topic => !empty(topic))
var losses = [
  {
    name: 'dead-lettered'
    metric: 'DeadLetteredCount'
    text: 'Events could not be delivered to the app. They are in the container dead-letters.'
  }
  {
    name: 'dropped'
    metric: 'DroppedEventCount'
    text: 'Events could not be delivered to the app, nor written to the container dead-letters. They are lost.'
  }
]
var lossesOfTopics = flatten(map(
  range(0, length(topics)),
  index => map(losses, loss => union(loss, { topic: topics[index], index: index }))
))

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

resource onOccurrence 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for alert in occurrences: {
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
    windowSize: 'PT1H' // of the time of the line: how late it may arrive
    autoMitigate: false
    muteActionsDuration: alert.mute
    criteria: {
      allOf: [
        {
          query: alert.query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          dimensions: map(alert.dimensions, name => { name: name, operator: 'Include', values: ['*'] })
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: empty(email) ? [] : [mail.id] }
  }
}]

resource onCondition 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for alert in conditions: {
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
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      allOf: [
        {
          query: alert.query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          dimensions: [{ name: 'Run', operator: 'Include', values: ['*'] }]
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: empty(email) ? [] : [mail.id] }
  }
}]

// An event that was lost stays lost when no other one is, so these alerts do not resolve by themselves. The window is wider
// than the frequency, because the first value of a metric that was silent for a day may be missed otherwise.
resource onLoss 'Microsoft.Insights/metricAlerts@2018-03-01' = [for loss in lossesOfTopics: {
  name: 'events-${loss.name}-${loss.index}-${token}'
  location: 'global'
  tags: tags
  properties: {
    description: loss.text
    severity: 1
    enabled: true
    scopes: [loss.topic]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT30M'
    autoMitigate: false
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: loss.name
          metricName: loss.metric
          operator: 'GreaterThan'
          threshold: 0
          timeAggregation: 'Total'
        }
      ]
    }
    actions: empty(email) ? [] : [{ actionGroupId: mail.id }]
  }
}]
