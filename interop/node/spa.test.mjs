// What a browser asks before it lets a single-page application speak to us.
import assert from 'node:assert/strict'
import test from 'node:test'
import { client, house } from './house.mjs'

const spa = client('spa')
const origin = new URL(spa.redirect_uris[0]).origin
const paths = ['/oauth2/token', '/oauth2/userinfo', '/oauth2/revoke']

function preflight(path, from) {
  const headers = { origin: from, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' }
  return fetch(house.issuer + path, { method: 'OPTIONS', headers })
}

for (const path of paths) {
  test(`the origin of the application may call ${path}, without credentials`, async () => {
    const answer = await preflight(path, origin)
    assert(answer.status < 300, String(answer.status))
    assert.equal(answer.headers.get('access-control-allow-origin'), origin)
    assert.equal(answer.headers.get('access-control-allow-credentials'), null)
    assert.match(answer.headers.get('access-control-allow-methods'), /POST/)
    assert.match(answer.headers.get('access-control-allow-headers'), /authorization/i)
    assert.match(answer.headers.get('vary') ?? '', /origin/i)
  })

  test(`another origin may not call ${path}`, async () => {
    for (const from of ['https://attacker.example', 'null', origin + '.attacker.example', origin.replace('http:', 'https:')]) {
      const answer = await preflight(path, from)
      assert.equal(answer.headers.get('access-control-allow-origin'), null, from)
    }
  })
}

test('the answer itself is readable by that origin alone', async () => {
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x', client_id: spa.client_id })
  const ask = (from) => fetch(house.issuer + '/oauth2/token', { method: 'POST', body, headers: { origin: from } })
  const answer = await ask(origin)
  assert.equal(answer.status, 400)
  assert.equal(answer.headers.get('access-control-allow-origin'), origin)
  assert.equal((await ask('https://attacker.example')).headers.get('access-control-allow-origin'), null)
})

test('everybody may read discovery and keys', async () => {
  for (const path of ['/.well-known/openid-configuration', '/oauth2/jwks']) {
    const answer = await fetch(house.issuer + path, { headers: { origin: 'https://anywhere.example' } })
    assert.equal(answer.headers.get('access-control-allow-origin'), '*')
  }
})

test('pages are not readable by any other origin', async () => {
  const answer = await fetch(house.issuer + '/signin', { headers: { origin, accept: 'text/html' } })
  assert.equal(answer.headers.get('access-control-allow-origin'), null)
})
