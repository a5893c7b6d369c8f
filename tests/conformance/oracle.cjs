// Segment's published destination, driven line by line: `optilocal preview`'s JSON lines in, the same shape out.
// The network is replaced below Segment's request client, at Node's http.request, so that all of its own code runs.
process.env.TZ = 'UTC'
const { EventEmitter } = require('events')
const { Readable } = require('stream')
const http = require('http')
const https = require('https')
const path = require('path')
const readline = require('readline')

const root = path.join(__dirname, 'node_modules', '@segment')
const { Destination } = require(path.join(root, 'actions-core'))
const { transform } = require(path.join(root, 'actions-core', 'dist', 'cjs', 'mapping-kit'))
const { parseFql, validate } = require(path.join(root, 'destination-subscriptions'))
const slug = 'optimizely-feature-experimentation-actions'
const definition = require(path.join(root, 'action-destinations', 'dist', 'destinations', slug)).default

const DEFAULT_SETTINGS = { accountId: '12001', dataFileUrl: 'https://cdn.optimizely.com/datafiles/preview.json' }
const DEFAULT_DATAFILE = { version: '4', events: [], attributes: [] }
const DEFAULT_TRIGGER = definition.actions.trackEvent.defaultSubscription
const fields = definition.actions.trackEvent.fields
const defaultMapping = () =>
  JSON.parse(JSON.stringify(Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, field.default]))))

let line = {}
let requests = []

function answerTo(method) {
  if (method !== 'GET') return { status: line.events_status ?? 204, headers: {}, body: '' }
  const datafile = 'datafile' in line ? line.datafile : DEFAULT_DATAFILE
  const type = line.datafile_content_type === undefined ? 'application/json' : line.datafile_content_type
  const status = line.datafile_status ?? 200
  const text = typeof datafile === 'string' ? datafile : JSON.stringify(datafile)
  // Node's HTTP client never reads a body after these two.
  const body = status === 204 || status === 304 ? '' : text
  return { status, headers: type === null ? {} : { 'content-type': type }, body }
}

class FakeRequest extends EventEmitter {
  constructor(options) {
    super()
    this.options = options
    this.chunks = []
  }
  setTimeout() {}
  abort() {}
  destroy() {}
  write(chunk) {
    this.chunks.push(chunk)
  }
  end(chunk) {
    if (chunk) this.chunks.push(chunk)
    const { method, href } = this.options
    // Node sends the options' path, of which a fragment is no part.
    const url = href.split('#', 1)[0]
    const sent = Buffer.concat(this.chunks.map((part) => Buffer.from(part))).toString()
    requests.push(sent === '' ? { method, url } : { method, url, json: JSON.parse(sent) })
    const { status, headers, body } = answerTo(method)
    const response = Readable.from(body === '' ? [] : [Buffer.from(body)])
    Object.assign(response, { statusCode: status, statusMessage: '', headers, rawHeaders: [] })
    setImmediate(() => this.emit('response', response))
  }
}
http.request = https.request = (options) => new FakeRequest(options)

const destination = new Destination(definition)

async function run() {
  const op = line.op ?? 'track'
  const settings = 'settings' in line ? line.settings : DEFAULT_SETTINGS
  const mapping = 'mapping' in line ? line.mapping : defaultMapping()
  const subscribe = 'subscription' in line ? line.subscription : DEFAULT_TRIGGER
  if (op === 'fql') return { outcome: 'ok', value: validate(parseFql(subscribe), line.event) }
  if (op === 'mapping') return { outcome: 'ok', value: transform(mapping, line.event) }
  if (op === 'delete') {
    await destination.onDelete('event' in line ? line.event : {}, settings)
    return { outcome: 'sent' }
  }
  if (op === 'testAuthentication') {
    await destination.testAuthentication(settings)
    return { outcome: 'sent' }
  }
  if (op === 'eventKeys') {
    const value = await destination.executeDynamicField('trackEvent', 'eventKey', { settings, payload: {} })
    return { outcome: 'sent', value }
  }
  const subscription = { subscribe, mapping, partnerAction: 'trackEvent' }
  const results = await destination.onEvent(line.event, { ...settings, subscription })
  return { outcome: results.some((result) => result.output === 'Action Executed') ? 'sent' : 'skipped' }
}

function describe(error) {
  const message = String(error.message)
    .split('\n')
    .filter((text) => !(error.name === 'AggregateError' && /^\s+at /.test(text)))
    .join('\n')
  return { name: error.name, message, status: error.status ?? error.response?.status, code: error.code }
}

async function main() {
  for await (const text of readline.createInterface({ input: process.stdin })) {
    line = JSON.parse(text)
    requests = []
    let answer
    try {
      answer = await run()
    } catch (error) {
      answer = { outcome: 'error', error: describe(error) }
    }
    process.stdout.write(JSON.stringify({ id: line.id ?? null, requests, ...answer }) + '\n')
  }
}
main()
