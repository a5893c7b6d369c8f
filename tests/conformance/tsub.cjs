// Segment's engine for filters and transformations, driven line by line: what it answers is compared with ours.
// As published it keeps every event in every sample by a path: its md5 gives hex digits where the code reads bytes, and its
// ldexp(0.5, 3) is not 4. Both get here what the code is written for. A third fault is in the code itself and stays: a hash
// that begins with a zero bit gets more than 64 bits, so its value is too large. Such values are not compared.
const crypto = require('crypto')
const path = require('path')
const readline = require('readline')

const modules = path.join(__dirname, 'node_modules')
const md5 = require.resolve('tiny-hashes/md5', { paths: [path.join(modules, '@segment', 'tsub')] })
require.cache[md5] = {
  id: md5,
  filename: md5,
  loaded: true,
  exports: (text) => [...crypto.createHash('md5').update(String(text)).digest()]
}
const ldexp = require.resolve('@stdlib/math-base-special-ldexp', { paths: [path.join(modules, '@segment', 'tsub')] })
require.cache[ldexp] = { id: ldexp, filename: ldexp, loaded: true, exports: (fraction, exponent) => fraction * 2 ** exponent }
const tsub = path.join(modules, '@segment', 'tsub', 'dist')
const matches = require(path.join(tsub, 'matchers')).default
const transform = require(path.join(tsub, 'transformers')).default

function answer(line) {
  if (line.op === 'match') return matches(line.event, { type: 'fql', ir: JSON.stringify(line.ir) })
  return transform(line.event, line.transformers)
}

async function main() {
  for await (const text of readline.createInterface({ input: process.stdin })) {
    let found
    try {
      found = { value: answer(JSON.parse(text)) }
    } catch (error) {
      found = { error: String(error.message) }
    }
    process.stdout.write(JSON.stringify(found) + '\n')
  }
}
main()
