import { METRICS, OTHER_VARIABLES, SETTINGS } from '@riskledger/runtime'
import { DEFAULT_PACE } from '@riskledger/screener'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = join(__dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
]

const sources = ['libs', 'services'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.includes('node_modules'))
    .map((name) => join(folder, name)),
)

test.each(pages)('%s links only to what is there', (page) => {
  const targets = [...read(page).matchAll(/\]\(([^)#]+)(#[^)]*)?\)/g)]
    .map((match) => match[1] ?? '')
    .filter((target) => !/^\w+:/.test(target))
  expect(targets.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([])
})

test('every page of docs/ is reachable from its index', () => {
  const index = read('docs/README.md')
  const others = pages.filter((page) => page.startsWith('docs') && page !== join('docs', 'README.md'))
  expect(others.filter((page) => !index.includes(`](${page.slice('docs/'.length)})`))).toEqual([])
})

test('every decision has its five parts', () => {
  for (const page of pages.filter((name) => name.startsWith(join('docs', 'decisions')))) {
    const parts = [...read(page).matchAll(/^\*\*(Context|Options|Choice|Price|Revisit)/gm)].map((match) => match[1])
    expect({ page, parts: [...new Set(parts)] }).toEqual({ page, parts: ['Context', 'Options', 'Choice', 'Price', 'Revisit'] })
  }
})

test('the reference of the configuration says what the code says', () => {
  const rows = read('docs/reference/configuration.md')
    .split('\n')
    .filter((line) => line.startsWith('| `--'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
  expect(rows).toEqual(
    Object.values(SETTINGS).map(({ flag, variable, allowed, meaning }) => [`\`--${flag}\``, `\`${variable}\``, allowed, meaning]),
  )
})

test('the reference of the configuration lists the variables that have no flag', () => {
  const rows = [...read('docs/reference/configuration.md').matchAll(/^\| `(RISKLEDGER_\w+)` +\| (.*?) *\|$/gm)].map(([, name, meaning]) => [
    name,
    meaning,
  ])
  expect(rows).toEqual(Object.entries(OTHER_VARIABLES))
  const { batchInputs, snapshotInputs } = DEFAULT_PACE
  expect(OTHER_VARIABLES.RISKLEDGER_BATCH_INPUTS).toContain(`Default ${batchInputs}.`)
  expect(OTHER_VARIABLES.RISKLEDGER_SNAPSHOT_INPUTS).toContain(`Default ${snapshotInputs},`)
})

test('the reference of metrics says what the code says, of every metric that the code tells', () => {
  const rows = [...read('docs/reference/metrics.md').matchAll(/^\| `(riskledger_\w+)` +\| (\w+) +\| (.*?) *\| (.*?) *\|$/gm)].map((match) =>
    match.slice(1),
  )
  expect(rows).toEqual(
    Object.entries(METRICS).map(([name, { kind, labels, meaning }]) => [
      name,
      kind,
      labels.length === 0 ? 'none' : labels.map((label) => `\`${label}\``).join(', '),
      meaning,
    ]),
  )
  const told = sources.flatMap((source) => [...read(source).matchAll(/\.(count|gauge|duration)\('(riskledger_\w+)'/g)])
  const kinds = { count: 'counter', gauge: 'gauge', duration: 'histogram' } as const
  const kindOf = new Map(told.map(([, how, name]) => [name, kinds[how as keyof typeof kinds]]))
  // What the registry tells of itself, it counts by itself.
  kindOf.set('riskledger_metrics_dropped_total', 'counter')
  expect([...kindOf].sort()).toEqual(
    Object.entries(METRICS)
      .map(([name, { kind }]) => [name, kind])
      .sort(),
  )
})

test('the reference of errors lists every code', () => {
  const codes = [...read('libs/core/contracts/src/risk-error.ts').matchAll(/^ {2}\| '([\w-]+)'$/gm)].map((match) => match[1] ?? '')
  expect(codes.length).toBeGreaterThan(20)
  const reference = read('docs/reference/errors.md')
  expect(codes.filter((code) => !reference.includes(`\`${code}\``))).toEqual([])
})
