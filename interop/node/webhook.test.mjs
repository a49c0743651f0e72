// What the house tells by webhooks, as the library of Standard Webhooks reads it.
import assert from 'node:assert/strict'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import test from 'node:test'
import { Webhook } from 'standardwebhooks'
import { Browser } from './browser.mjs'
import { cardea, client, issuer, register, somebody } from './house.mjs'
import { signIn } from './journey.mjs'

// verify is the one of docs/guides/webhooks.md.
function verify(secret, headers, body) {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const id = headers['webhook-id'], stamp = headers['webhook-timestamp']
  if (!(Math.abs(Date.now() / 1000 - Number(stamp)) <= 300)) throw new Error('not of now')
  const mac = createHmac('sha256', key).update(`${id}.${stamp}.`).update(body).digest('base64')
  const want = Buffer.from('v1,' + mac)
  for (const one of (headers['webhook-signature'] ?? '').split(' ')) {
    const got = Buffer.from(one)
    if (got.length === want.length && timingSafeEqual(got, want)) return JSON.parse(body)
  }
  throw new Error('not signed with our secret')
}

test('the library verifies what is told, and so does the guide', async (t) => {
  let hear
  const heard = new Promise((done) => { hear = done })
  const server = createServer((request, answer) => {
    const parts = []
    request.on('data', (part) => parts.push(part)).on('end', () => {
      hear({ headers: request.headers, body: Buffer.concat(parts) })
      answer.writeHead(204).end()
    })
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => server.close())
  const name = 'Node webhook listener'
  await register({ name, kind: 'service', allowed_scopes: ['email'], webhook: { url: `http://127.0.0.1:${server.address().port}/hook`, events: ['customer.registered'] } })
  const secret = JSON.parse(await cardea('webhook', 'rotate-secret', '--app', name, '--json')).webhook_secret
  await new Promise((done) => setTimeout(done, 1500)) // the running server looks once a second

  const address = somebody()
  const { client_id, redirect_uris } = client('web')
  const request = new URL('/oauth2/authorize', issuer)
  request.search = new URLSearchParams({
    client_id, redirect_uri: redirect_uris[0], response_type: 'code', scope: 'openid', state: 'here',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256',
  })
  await signIn(new Browser(), request.href, address)

  const { headers, body } = await heard
  const said = new Webhook(secret).verify(body, headers)
  assert.equal(said.type, 'customer.registered')
  assert.equal(said.data.values.email, address)
  assert.deepEqual(verify(secret, headers, body), said)
  const changed = Buffer.concat([body, Buffer.from(' ')])
  assert.throws(() => new Webhook(secret).verify(changed, headers))
  assert.throws(() => verify(secret, headers, changed))
  assert.throws(() => verify('whsec_' + Buffer.alloc(32).toString('base64'), headers, body))
})
