// People and programs sign in with Microsoft Entra in front of the whole app (App Service authentication). The function
// keys stay: the login says who calls, the key says who may use the API.
param appName string

@description('Client (application) id of the app registration that people sign in to.')
param clientId string

// Their callers cannot sign in. The host demands a key there. The last two mean the same, if a path includes what is below it.
var withoutLogin = [
  '/runtime/webhooks/eventgrid'
  '/runtime/webhooks/durabletask'
  '/runtime/webhooks/durabletask/*'
]
// Not each cloud ends the address with a slash.
var loginHost = split(environment().authentication.loginEndpoint, '/')[2]

resource app 'Microsoft.Web/sites@2024-11-01' existing = {
  name: appName
}

resource signIn 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: { enabled: true, runtimeVersion: '~1' }
    globalValidation: {
      requireAuthentication: true
      // A browser that opens the monitor page gets to the login.
      unauthenticatedClientAction: 'RedirectToLoginPage'
      redirectToProvider: 'azureactivedirectory'
      excludedPaths: withoutLogin
    }
    httpSettings: { requireHttps: true }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: clientId
          openIdIssuer: 'https://${loginHost}/${tenant().tenantId}/v2.0'
          // No secret: the app's identity vouches for the app. app-settings.bicep names that identity in this setting.
          clientSecretSettingName: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'
        }
        validation: { allowedAudiences: [clientId, 'api://${clientId}'] }
      }
    }
    login: {
      // The app calls nothing on behalf of a person, so no token is kept.
      tokenStore: { enabled: false }
      // The monitor page has the open run behind the # of its address.
      preserveUrlFragmentsForLogins: true
    }
  }
}
