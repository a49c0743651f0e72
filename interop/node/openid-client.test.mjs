// openid-client against the house: what a Node web application does.
import assert from 'node:assert/strict'
import test from 'node:test'
import * as openid from 'openid-client'
import { Browser } from './browser.mjs'
import { client, cardea, house, issuer, register, somebody } from './house.mjs'
import { pass, signIn } from './journey.mjs'

const execute = [openid.allowInsecureRequests, openid.enableNonRepudiationChecks]
const api = client('api')
const audience = api.audience ?? 'https://api.fernfield.test'

function configure(application, authentication) {
  return openid.discovery(issuer, application.client_id, undefined, authentication ?? openid.None(), { execute })
}

// authorize signs somebody in to an application and redeems the code. The
// library checks state, nonce, iss, the ID token and its signature.
async function authorize(config, redirect_uri, { browser = new Browser(), address = somebody(), ...extra } = {}) {
  const verifier = openid.randomPKCECodeVerifier()
  const [state, nonce] = [openid.randomState(), openid.randomNonce()]
  const request = openid.buildAuthorizationUrl(config, {
    redirect_uri,
    scope: 'openid profile email offline_access',
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...extra,
  })
  const callback = await signIn(browser, request, address)
  assert.equal(callback.origin + callback.pathname, redirect_uri)
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
  const tokens = await openid.authorizationCodeGrant(config, callback, checks)
  return { browser, address, callback, checks, tokens }
}

function refused(error) {
  return (e) => {
    assert.equal(e.error, error, String(e.stack))
    return true
  }
}

// unauthenticated is what the library makes of a 401, by its challenge.
function unauthenticated(e) {
  assert.equal(e.status, 401, String(e.stack))
  return true
}

const web = client('web')
const redirect = web.redirect_uris[0]
const ways = { client_secret_basic: openid.ClientSecretBasic, client_secret_post: openid.ClientSecretPost }

for (const [name, way] of Object.entries(ways)) {
  test(`a web application signs somebody in with ${name}`, async () => {
    const config = await configure(web, way(web.client_secret))
    const { tokens, address } = await authorize(config, redirect)
    const claims = tokens.claims()
    assert.equal(claims.aud, web.client_id)
    assert(claims.auth_time && claims.sid && claims.acr)
    const person = await openid.fetchUserInfo(config, tokens.access_token, claims.sub)
    assert.equal(person.email, address)
    assert.equal(person.email_verified, true)
  })
}

test('a native application signs somebody in on a port of its own (RFC 8252, 7.3)', async () => {
  const native = client('native')
  const to = new URL(native.redirect_uris[0])
  to.port = '51234'
  const { tokens } = await authorize(await configure(native), to.href)
  assert.equal(tokens.claims().aud, native.client_id)
})

test('an application without a secret proves itself by its key (RFC 7523)', async () => {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const key = { ...(await crypto.subtle.exportKey('jwk', pair.publicKey)), kid: 'one', alg: 'ES256', use: 'sig', key_ops: undefined, ext: undefined }
  const client_id = await register({
    name: 'By its key',
    kind: 'web',
    auth_method: 'private_key_jwt',
    jwks: { keys: [JSON.parse(JSON.stringify(key))] },
    redirect_uris: ['http://localhost:3999/callback'],
  })
  await known(client_id)
  const config = await configure({ client_id }, openid.PrivateKeyJwt({ key: pair.privateKey, kid: 'one' }))
  const { tokens } = await authorize(config, 'http://localhost:3999/callback')
  assert.equal(tokens.claims().aud, client_id)
  const next = await openid.refreshTokenGrant(config, tokens.refresh_token)
  assert(next.access_token)

  const stranger = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const other = await configure({ client_id }, openid.PrivateKeyJwt({ key: stranger.privateKey, kid: 'one' }))
  await assert.rejects(openid.refreshTokenGrant(other, next.refresh_token), unauthenticated)
})

// known waits until the running server has heard of a new application, which
// takes it a second at most.
async function known(client_id) {
  for (let tries = 0; tries < 100; tries++) {
    const answer = await fetch(`${house.issuer}/oauth2/authorize?client_id=${client_id}&redirect_uri=${encodeURIComponent('http://localhost:3999/callback')}`, { redirect: 'manual' })
    await answer.text()
    if (answer.status === 303 || answer.status === 302) return
    await new Promise((done) => setTimeout(done, 50))
  }
  assert.fail('the server does not know the application')
}

test('a refresh token is rotated, and one that is used again ends its family (RFC 9700, 4.14.2)', async () => {
  const config = await configure(web, openid.ClientSecretBasic(web.client_secret))
  const { tokens } = await authorize(config, redirect)
  const sub = tokens.claims().sub
  const second = await openid.refreshTokenGrant(config, tokens.refresh_token)
  assert.notEqual(second.refresh_token, tokens.refresh_token)
  assert.equal(second.claims().sub, sub)
  const retried = await openid.refreshTokenGrant(config, tokens.refresh_token)
  assert.equal(retried.refresh_token, second.refresh_token, 'who did not hear the answer gets the same successor')
  const third = await openid.refreshTokenGrant(config, second.refresh_token)
  await assert.rejects(openid.refreshTokenGrant(config, tokens.refresh_token), refused('invalid_grant'))
  await assert.rejects(openid.refreshTokenGrant(config, third.refresh_token), refused('invalid_grant'))
  assert.equal((await openid.tokenIntrospection(config, third.access_token)).active, false)
})

test('a code is good once', async () => {
  const config = await configure(web, openid.ClientSecretBasic(web.client_secret))
  const { tokens, callback, checks } = await authorize(config, redirect)
  await assert.rejects(openid.authorizationCodeGrant(config, callback, checks), refused('invalid_grant'))
  await assert.rejects(openid.refreshTokenGrant(config, tokens.refresh_token), refused('invalid_grant'))
})

test('a code without its verifier is no good (RFC 7636, 4.6)', async () => {
  const config = await configure(web, openid.ClientSecretBasic(web.client_secret))
  const verifier = openid.randomPKCECodeVerifier()
  const state = openid.randomState()
  const request = openid.buildAuthorizationUrl(config, {
    redirect_uri: redirect, scope: 'openid', state,
    code_challenge: await openid.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  })
  const callback = await signIn(new Browser(), request, somebody())
  const checks = { pkceCodeVerifier: openid.randomPKCECodeVerifier(), expectedState: state, idTokenExpected: true }
  await assert.rejects(openid.authorizationCodeGrant(config, callback, checks), refused('invalid_grant'))
})

test('the library refuses an answer that names another issuer (RFC 9207)', async () => {
  const config = await configure(web, openid.ClientSecretBasic(web.client_secret))
  const browser = new Browser()
  const verifier = openid.randomPKCECodeVerifier()
  const state = openid.randomState()
  const request = openid.buildAuthorizationUrl(config, {
    redirect_uri: redirect, scope: 'openid', state,
    code_challenge: await openid.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  })
  const callback = await signIn(browser, request, somebody())
  assert.equal(callback.searchParams.get('iss'), house.issuer)
  const checks = { pkceCodeVerifier: verifier, expectedState: state, idTokenExpected: true }
  for (const iss of ['https://attacker.example', null]) {
    const forged = new URL(callback)
    forged.searchParams.delete('iss')
    if (iss) forged.searchParams.set('iss', iss)
    await assert.rejects(openid.authorizationCodeGrant(config, forged, checks), (e) => /iss/.test(e.cause.message))
  }
  assert((await openid.authorizationCodeGrant(config, callback, checks)).access_token)
})

test('a second application of the same browser is answered without a page', async () => {
  const config = await configure(web, openid.ClientSecretBasic(web.client_secret))
  const { browser, address, tokens } = await authorize(config, redirect)
  const again = await authorize(config, redirect, { browser, address, prompt: 'none' })
  assert.equal(again.tokens.claims().sub, tokens.claims().sub)
  await assert.rejects(authorize(config, redirect, { prompt: 'none' }), (e) => {
    assert.equal(e.error, 'login_required')
    return true
  })
})

test('prompt=login asks again, and max_age is checked by the library', async () => {
  const config = await configure(web, openid.ClientSecretBasic(web.client_secret))
  const { browser, address, tokens } = await authorize(config, redirect)
  await new Promise((done) => setTimeout(done, 1100)) // auth_time counts seconds
  const again = await authorize(config, redirect, { browser, address, prompt: 'login', max_age: '300' })
  assert(again.tokens.claims().auth_time > tokens.claims().auth_time)
})

test('an API asks about a token that is for it, and about no other (RFC 7662, 4)', async () => {
  const config = await configure(web, openid.ClientSecretBasic(web.client_secret))
  const asApi = await configure(api, openid.ClientSecretBasic(api.client_secret))
  const mine = await authorize(config, redirect, { scope: 'openid orders:read offline_access', resource: audience })
  const told = await openid.tokenIntrospection(asApi, mine.tokens.access_token)
  assert.equal(told.active, true)
  assert.equal(told.client_id, web.client_id)
  assert(told.scope.split(' ').includes('orders:read'))
  const other = await authorize(config, redirect)
  assert.equal((await openid.tokenIntrospection(asApi, other.tokens.access_token)).active, false)
  assert.equal((await openid.tokenIntrospection(config, other.tokens.access_token)).active, true)
})

test('a revoked token is felt at once (RFC 7009)', async () => {
  const config = await configure(web, openid.ClientSecretBasic(web.client_secret))
  const { tokens } = await authorize(config, redirect)
  await openid.tokenRevocation(config, tokens.access_token)
  assert.equal((await openid.tokenIntrospection(config, tokens.access_token)).active, false)
  const next = await openid.refreshTokenGrant(config, tokens.refresh_token)
  await openid.tokenRevocation(config, next.refresh_token)
  await assert.rejects(openid.refreshTokenGrant(config, next.refresh_token), refused('invalid_grant'))
  assert.equal((await openid.tokenIntrospection(config, next.access_token)).active, false)
})

test('a service gets a token for an API in its own name', async () => {
  const service = client('service')
  const config = await configure(service, openid.ClientSecretBasic(service.client_secret))
  const tokens = await openid.clientCredentialsGrant(config, { scope: 'orders:read', resource: audience })
  const asApi = await configure(api, openid.ClientSecretPost(api.client_secret))
  const told = await openid.tokenIntrospection(asApi, tokens.access_token)
  assert.equal(told.active, true)
  assert.equal(told.sub, service.client_id)
  await assert.rejects(openid.clientCredentialsGrant(config, { resource: 'https://other.example' }), refused('invalid_target'))
  const liar = await configure(service, openid.ClientSecretBasic('wrong'))
  await assert.rejects(openid.clientCredentialsGrant(liar), unauthenticated)
})

test('signing out at the application signs out of the house', async () => {
  const config = await configure(web, openid.ClientSecretBasic(web.client_secret))
  const { browser, tokens } = await authorize(config, redirect)
  const post_logout_redirect_uri = new URL('/', redirect).href
  const out = openid.buildEndSessionUrl(config, { id_token_hint: tokens.id_token, post_logout_redirect_uri, state: 'bye' })
  const left = await pass(await browser.open(out))
  assert.equal(left.origin + left.pathname, post_logout_redirect_uri)
  assert.equal(left.searchParams.get('state'), 'bye')
  await assert.rejects(authorize(config, redirect, { browser, prompt: 'none' }), (e) => {
    assert.equal(e.error, 'login_required')
    return true
  })
})

test('the program that served all this knows its version', async () => {
  assert.match(await cardea('version'), /\S/)
})
