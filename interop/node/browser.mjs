// A browser of the smallest kind: it keeps cookies, follows redirects, fills in
// HTML forms and sends them with the headers that browsers send. It runs no
// script, like some people's.
import assert from 'node:assert/strict'

export class Browser {
  #jar = new Map() // origin's host name -> name -> value

  // open goes to an address and stays at the first page or leaves the house: an
  // answer that leads to another origin is not followed and returned as such.
  async open(address, init = {}) {
    let url = new URL(address)
    const home = url.origin
    for (let hop = 0; hop < 12; hop++) {
      const answer = await this.#send(url, init)
      const to = answer.headers.get('location')
      const body = await answer.text()
      const page = new Page(this, url, answer, body)
      const next = to ? new URL(to, url) : page.refresh()
      if (!next) return page
      if (next.origin !== home) return Object.assign(page, { left: next })
      ;[url, init] = [next, {}]
    }
    throw new Error(`redirected in circles at ${url}`)
  }

  async #send(url, init) {
    const headers = new Headers(init.headers)
    headers.set('accept', 'text/html')
    headers.set('accept-language', 'en')
    headers.set('sec-fetch-site', init.method === 'POST' ? 'same-origin' : 'none')
    const cookies = [...(this.#jar.get(url.hostname) ?? [])].map(([name, value]) => `${name}=${value}`)
    if (cookies.length) headers.set('cookie', cookies.join('; '))
    const answer = await fetch(url, { ...init, headers, redirect: 'manual' })
    this.#keep(url.hostname, answer.headers.getSetCookie())
    return answer
  }

  #keep(host, lines) {
    const jar = this.#jar.get(host) ?? new Map()
    for (const line of lines) {
      const [pair, ...attributes] = line.split(';').map((s) => s.trim())
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]
      const gone = attributes.some((a) => /^max-age=(0|-\d+)$/i.test(a))
      if (gone) jar.delete(name)
      else jar.set(name, value)
    }
    this.#jar.set(host, jar)
  }
}

const named = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' }

function decode(text) {
  return text.replace(/&(#x?[0-9a-f]+|[a-z]+);/gi, (all, name) => {
    if (!name.startsWith('#')) return named[name.toLowerCase()] ?? all
    return String.fromCodePoint(name[1].toLowerCase() === 'x' ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10))
  })
}

// tags reads the start and end tags of a text, with their attributes.
function* tags(html) {
  const tag = /<(\/?)([a-z][a-z0-9-]*)((?:\s+[^\s=>/"']+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'>]+))?)*)\s*\/?>/gi
  for (const [, end, name, rest] of html.matchAll(tag)) {
    const attributes = {}
    for (const [, key, a, b, c] of rest.matchAll(/([^\s=>/"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g)) {
      attributes[key.toLowerCase()] = decode(a ?? b ?? c ?? '')
    }
    yield { name: name.toLowerCase(), end: end === '/', attributes }
  }
}

export class Page {
  constructor(browser, url, answer, body) {
    Object.assign(this, { browser, url, status: answer.status, headers: answer.headers, body })
    this.forms = forms(body)
  }

  // text is what somebody would read.
  get text() {
    return decode(this.body.replace(/<(style|script|head)\b[\s\S]*?<\/\1>/gi, ' ').replace(/<[^>]*>/g, ' ')).replace(/\s+/g, ' ').trim()
  }

  refresh() {
    for (const { name, attributes } of tags(this.body)) {
      if (name === 'meta' && /^refresh$/i.test(attributes['http-equiv'] ?? '')) {
        const to = /url=\s*['"]?(.+?)['"]?$/i.exec(attributes.content)
        return to && new URL(to[1], this.url)
      }
    }
    return null
  }

  // has reports whether a form has a field of the name or a button of the value.
  has(name, value) {
    return this.forms.some((form) => form.fields.some((f) => f.name === name && (value === undefined || f.value === value)))
  }

  // submit fills in the form that holds the first of the fields and sends it by
  // its first button, or by the one that the fields name.
  async submit(fields) {
    const [first, value] = Object.entries(fields)[0]
    const form = this.forms.find((f) => f.fields.some((x) => x.name === first && (!x.button || x.value === value)))
    assert(form, `no form with ${first} at ${this.url}: ${this.text}`)
    const values = new URLSearchParams()
    const pressed = form.fields.find((f) => f.button && f.name && f.name in fields) ?? form.fields.find((f) => f.button)
    for (const f of form.fields) {
      if (!f.name || f.name in fields || (f.button && f !== pressed) || (f.choice && !f.checked)) continue
      values.append(f.name, f.value)
    }
    for (const [name, v] of Object.entries(fields)) values.set(name, v)
    const to = new URL(form.action ?? '', this.url)
    if (form.method !== 'post') {
      to.search = values.toString()
      return this.browser.open(to)
    }
    return this.browser.open(to, {
      method: 'POST',
      body: values.toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: this.url.origin },
    })
  }
}

function forms(body) {
  const list = []
  let form = null
  for (const { name, end, attributes } of tags(body)) {
    if (name === 'form') {
      form = end ? null : { action: attributes.action, method: (attributes.method ?? 'get').toLowerCase(), fields: [] }
      if (form) list.push(form)
    } else if (form && !end && ['input', 'button', 'select', 'textarea'].includes(name)) {
      const type = attributes.type ?? ''
      form.fields.push({
        name: attributes.name,
        value: attributes.value ?? (type === 'checkbox' ? 'on' : ''),
        button: name === 'button' ? type !== 'button' : type === 'submit',
        choice: type === 'checkbox' || type === 'radio',
        checked: 'checked' in attributes,
      })
    }
  }
  return list
}
