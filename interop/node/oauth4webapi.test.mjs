// oauth4webapi against the house: every step by hand, as a careful library does it.
import assert from 'node:assert/strict'
import test from 'node:test'
import * as oauth from 'oauth4webapi'
import { Browser } from './browser.mjs'
import { client, issuer, somebody } from './house.mjs'
import { signIn } from './journey.mjs'

const insecure = { [oauth.allowInsecureRequests]: true }
const api = client('api')
const audience = api.audience ?? 'https://api.fernfield.test'

async function server() {
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))
}

async function authorize(as, application, authentication, redirect, parameters = {}) {
  const [verifier, state, nonce, address] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState(), oauth.generateRandomNonce(), somebody()]
  const request = new URL(as.authorization_endpoint)
  request.search = new URLSearchParams({
    client_id: application.client_id, redirect_uri: redirect, response_type: 'code', scope: 'openid email offline_access',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', state, nonce, ...parameters,
  })
  const callback = await signIn(new Browser(), request, address)
  const params = oauth.validateAuthResponse(as, application, callback, state)
  const answer = await oauth.authorizationCodeGrantRequest(as, application, authentication, params, redirect, verifier, insecure)
  const tokens = await oauth.processAuthorizationCodeResponse(as, application, answer, { expectedNonce: nonce, requireIdToken: true })
  await oauth.validateApplicationLevelSignature(as, answer, insecure)
  return { tokens, address }
}

test('a public client: code, ID token, userinfo, refresh', async () => {
  const as = await server()
  const spa = client('spa')
  const { tokens, address } = await authorize(as, spa, oauth.None(), spa.redirect_uris[0])
  const claims = oauth.getValidatedIdTokenClaims(tokens)
  const person = await oauth.processUserInfoResponse(as, spa, claims.sub, await oauth.userInfoRequest(as, spa, tokens.access_token, insecure))
  assert.equal(person.email, address)
  const next = await oauth.processRefreshTokenResponse(as, spa, await oauth.refreshTokenGrantRequest(as, spa, oauth.None(), tokens.refresh_token, insecure))
  assert.equal(oauth.getValidatedIdTokenClaims(next).sub, claims.sub)
})

test('an API checks an access token by itself (RFC 9068)', async () => {
  const as = await server()
  const web = client('web')
  const { tokens } = await authorize(as, web, oauth.ClientSecretBasic(web.client_secret), web.redirect_uris[0], { scope: 'openid orders:read', resource: audience })
  const request = new Request('https://api.fernfield.test/orders', { headers: { authorization: `Bearer ${tokens.access_token}` } })
  const claims = await oauth.validateJwtAccessToken(as, request, audience, insecure)
  assert.equal(claims.client_id, web.client_id)
  assert.equal(claims.email, undefined)
  await assert.rejects(oauth.validateJwtAccessToken(as, request, 'https://other.example', insecure))
})

test('a service: client credentials, introspection, revocation', async () => {
  const as = await server()
  const service = client('service')
  const secret = oauth.ClientSecretPost(service.client_secret)
  const tokens = await oauth.processClientCredentialsResponse(as, service, await oauth.clientCredentialsGrantRequest(as, service, secret, { resource: audience, scope: 'orders:write' }, insecure))
  const ask = async () => oauth.processIntrospectionResponse(as, service, await oauth.introspectionRequest(as, service, secret, tokens.access_token, insecure))
  assert.equal((await ask()).active, true)
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, service, secret, tokens.access_token, insecure))
  assert.deepEqual(Object.keys(await ask()), ['active'])
})

test('errors are told as the specification says', async () => {
  const as = await server()
  const web = client('web')
  const answer = await oauth.clientCredentialsGrantRequest(as, web, oauth.ClientSecretBasic('not-the-secret'), {}, insecure)
  assert.equal(answer.status, 401)
  assert.match(answer.headers.get('www-authenticate'), /^Basic /)
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  await assert.rejects(oauth.processClientCredentialsResponse(as, web, answer))
  const spa = client('spa')
  const none = await oauth.clientCredentialsGrantRequest(as, spa, oauth.None(), {}, insecure)
  await assert.rejects(oauth.processClientCredentialsResponse(as, spa, none), (e) => e.error === 'unauthorized_client')
})
