// Saved queries, in the portal under Logs > Queries > Batch endpoint runs.
param logWorkspaceName string

var fields = 'AppTraces | extend Event = tostring(split(Message, " ")[0]), Run = extract(@"run=(\\S+)", 1, Message), Job = extract(@"job=(\\S+)", 1, Message), Outcome = extract(@"outcome=(\\S+)", 1, Message)'
var queries = [
  {
    name: 'runs-by-outcome'
    title: 'Runs per hour, by outcome'
    query: '${fields} | where Event == "run_ended" | summarize Runs = count() by Outcome, bin(TimeGenerated, 1h)'
  }
  {
    name: 'runs-that-did-not-complete'
    title: 'Runs that did not complete, with the reason'
    query: '${fields} | where Event == "run_ended" and Outcome != "Completed" | project TimeGenerated, Run, Job, Outcome, Reason = trim("\\"", extract(" reason=(.*)", 1, Message)) | order by TimeGenerated desc'
  }
  {
    name: 'runs-under-way'
    title: 'Runs started and not ended'
    query: '${fields} | where Event in ("run_started", "run_ended") | summarize Started = minif(TimeGenerated, Event == "run_started"), Ended = countif(Event == "run_ended") by Run | where Ended == 0 | order by Started asc'
  }
  {
    name: 'steps-that-failed'
    title: 'Calls that failed and were tried again'
    query: '${fields} | where Event == "step_failed" | extend Code = extract(@"code=(\\S+)", 1, Message) | summarize Times = count(), Runs = dcount(Run) by Code, bin(TimeGenerated, 1h)'
  }
  {
    name: 'runs-that-need-attention'
    title: 'Runs that do not start, are not checked, or whose job does not move'
    query: '${fields} | where Event in ("run_not_started", "run_not_checked", "job_not_moving") | summarize First = min(TimeGenerated), Last = max(TimeGenerated), Why = take_any(trim("\\"", extract(" message=(.*)", 1, Message))) by Event, Run, Job | order by Last desc'
  }
  {
    name: 'runs-started-late'
    title: 'Runs whose start was lost and made up for'
    query: '${fields} | where Event in ("run_started_late", "run_started_anew") | project TimeGenerated, Event, Run | order by TimeGenerated desc'
  }
  {
    name: 'ends-that-were-not-told'
    title: 'Receivers that could not be told of ends'
    query: '${fields} | where Event in ("notification_failed", "notification_given_up") | extend Receiver = extract(@"receiver=(\\S+)", 1, Message) | summarize Runs = dcount(Run), Last = max(TimeGenerated), Why = take_any(trim("\\"", extract(" reason=(.*)", 1, Message))) by Event, Receiver | order by Last desc'
  }
  {
    name: 'history-of-a-run'
    title: 'Everything logged of one run'
    query: '${fields} | where Run == "<run id>" | project TimeGenerated, Message | order by TimeGenerated asc'
  }
]

resource logs 'Microsoft.OperationalInsights/workspaces@2025-02-01' existing = {
  name: logWorkspaceName
}

resource saved 'Microsoft.OperationalInsights/workspaces/savedSearches@2025-02-01' = [for entry in queries: {
  parent: logs
  name: entry.name
  properties: {
    // Without it the second deployment fails with a conflict. The published type has it beside the name, where Resource
    // Manager refuses the template; the service reads it here.
    #disable-next-line BCP037
    etag: '*'
    category: 'Batch endpoint runs'
    displayName: entry.title
    query: entry.query
    version: 2
  }
}]
