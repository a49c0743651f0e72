// What the tests know of the house: what `cardea dev --json` printed.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

if (!process.env.CARDEA_DEV) {
  throw new Error('There is no house. Run: go run ./house node --test')
}

export const house = JSON.parse(process.env.CARDEA_DEV)
export const issuer = new URL(house.issuer)

// client is the application of a type: web, spa, native, service or api.
export function client(type) {
  const found = house.clients.find((c) => c.type === type)
  if (!found) throw new Error(`the house has no client of type ${type}`)
  return found
}

// Every journey is somebody else's, so that no test waits for another's limits.
let people = 0
export function somebody() {
  return `reader-${process.pid}-${++people}@interop.test`
}

// cardea runs a command of the program on the data of the running house.
export async function cardea(...args) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CARDEA_')))
  const { stdout } = await promisify(execFile)(process.env.INTEROP_PROGRAM, [...args, '--data', process.env.INTEROP_DATA], { env })
  return stdout
}

// register adds applications, written as in cardea.yaml (JSON is YAML).
export async function register(application) {
  const dir = await mkdtemp(join(tmpdir(), 'interop-'))
  try {
    const file = join(dir, 'cardea.yaml')
    await writeFile(file, JSON.stringify({ version: 1, tenants: [{ slug: 'fern', applications: [application] }] }))
    await cardea('apply', '-f', file)
  } finally {
    await rm(dir, { recursive: true })
  }
  const line = (await cardea('app', 'list', '--json')).trim()
  const list = line.startsWith('[') ? JSON.parse(line) : line.split('\n').map((l) => JSON.parse(l))
  return list.find((a) => a.name === application.name).client_id
}
