// A person's way from an authorization request back to the application.
import assert from 'node:assert/strict'
import { house } from './house.mjs'

// signIn walks the hosted pages as a customer would: the address, the code from
// the inbox, the terms, and whatever may be skipped or allowed. It returns the
// address of the application that the browser is sent to.
export async function signIn(browser, request, address) {
  const since = new Set((await inbox(address)).map((m) => m.id))
  let page = await browser.open(request)
  for (let step = 0; step < 10; step++) {
    if (page.left) return page.left
    assert(page.status < 500, `${page.status} at ${page.url}: ${page.text}`)
    if (page.has('identifier')) page = await page.submit({ identifier: address })
    else if (page.has('code')) page = await page.submit({ code: await code(address, since) })
    else if (page.has('documents')) page = await page.submit({ action: 'continue' })
    else if (page.has('action', 'skip')) page = await page.submit({ action: 'skip' })
    else if (page.has('action', 'allow')) page = await page.submit({ action: 'allow' })
    else if (page.has('action', 'continue')) page = await page.submit({ action: 'continue' })
    else assert.fail(`no way on at ${page.url}: ${page.text}`)
  }
  assert.fail(`the journey does not end: ${page.url}`)
}

async function inbox(address) {
  const answer = await fetch(`${house.inbox}.json?to=${encodeURIComponent(address)}`)
  assert.equal(answer.status, 200)
  return answer.json()
}

// code waits for a message that was not there before and reads its code.
async function code(address, since) {
  for (let tries = 0; tries < 100; tries++) {
    const fresh = (await inbox(address)).find((m) => m.code && !since.has(m.id))
    if (fresh) return fresh.code
    await new Promise((done) => setTimeout(done, 50))
  }
  assert.fail(`no message came for ${address}`)
}

// pass goes through pages that only ask to go on, to where the browser leaves.
export async function pass(page) {
  for (let step = 0; step < 5 && !page.left; step++) {
    if (!page.has('action', 'continue')) assert.fail(`no way on at ${page.url}: ${page.text}`)
    page = await page.submit({ action: 'continue' })
  }
  return page.left
}
