// Discovery as other people's clients read it.
import assert from 'node:assert/strict'
import test from 'node:test'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { client, house, issuer } from './house.mjs'

const insecure = { [oauth.allowInsecureRequests]: true }

for (const algorithm of ['oidc', 'oauth2']) {
  test(`oauth4webapi takes the ${algorithm} metadata`, async () => {
    const answer = await oauth.discoveryRequest(issuer, { algorithm, ...insecure })
    const as = await oauth.processDiscoveryResponse(issuer, answer)
    assert.equal(as.issuer, house.issuer)
    assert.deepEqual(as.response_types_supported, ['code'])
    assert.deepEqual(as.code_challenge_methods_supported, ['S256'])
    assert.equal(as.authorization_response_iss_parameter_supported, true)
    for (const name of ['authorization', 'token', 'userinfo', 'introspection', 'revocation', 'end_session']) {
      assert.equal(new URL(as[`${name}_endpoint`]).origin, issuer.origin, name)
    }
  })
}

test('openid-client configures itself', async () => {
  const { client_id, client_secret } = client('web')
  const config = await openid.discovery(issuer, client_id, client_secret, undefined, { execute: [openid.allowInsecureRequests] })
  const server = config.serverMetadata()
  assert.equal(server.issuer, house.issuer)
  assert.equal(server.supportsPKCE(), true)
})

test('the key set holds public keys alone', async () => {
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))
  const answer = await fetch(as.jwks_uri)
  const { keys } = await answer.json()
  assert(keys.length > 0)
  for (const key of keys) {
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) assert.equal(key[secret], undefined)
    assert(key.kid && key.alg && key.use === 'sig')
  }
})
