import { PAGE_HEADER_BYTES, pageNumber, readBytes, type StoreFile } from './store-header'

const BRANCH = 0x01
const LEAF = 0x02
const NODE_HEADER_BYTES = 8
const ON_OVERFLOW_PAGES = 0x01
const NAMED_TREE = 0x02

/** Where to look. */
export interface TreeWalk {
  readonly pageBytes: number
  readonly roots: readonly (number | null)[]
  /** Whole pages that the file has. */
  readonly pages: number
}

/**
 * Walks the trees of a store: `beyond` where one leads to a page that the file does not have, null where all that is in use is there, else in words which
 * page is none of a tree. Reads every page but those of long values, so it is for a file that is suspect already.
 */
export function findPageBeyond(file: StoreFile, { pageBytes, roots, pages }: TreeWalk): string | null {
  const ahead = roots.filter((root) => root !== null)
  // Every page is reached once; more is a tree that runs in a circle.
  for (let read = 0; ahead.length > 0; read++) {
    const number = ahead.pop()!
    if (number >= pages) return 'beyond'
    const page = readBytes(file, number * pageBytes, pageBytes)
    const targets = read > pages || !isTreePage(page, number) ? null : targetsOf(page)
    if (targets === null) return `page ${number} is none of its trees`
    if (targets.beyond > pages) return 'beyond'
    ahead.push(...targets.trees)
  }
  return null
}

/** Whether a page is of a tree and has this number. */
export function isTreePage(page: DataView, number: number): boolean {
  return Number(page.getBigUint64(0, true)) === number && (page.getUint16(18, true) & (BRANCH | LEAF)) !== 0
}

interface Targets {
  readonly trees: readonly number[]
  /** Where the furthest long value ends. */
  readonly beyond: number
}

function targetsOf(page: DataView): Targets | null {
  const flags = page.getUint16(18, true)
  const trees: number[] = []
  let beyond = 0
  const nodes = page.getUint16(20, true) >> 1
  try {
    for (let index = 0; index < nodes; index++) {
      const node = PAGE_HEADER_BYTES + page.getUint16(PAGE_HEADER_BYTES + 2 * index, true)
      const nodeFlags = page.getUint16(node + 4, true)
      const data = node + NODE_HEADER_BYTES + page.getUint16(node + 6, true)
      if ((flags & BRANCH) !== 0) {
        trees.push(page.getUint32(node, true) + nodeFlags * 4_294_967_296)
      } else if ((nodeFlags & ON_OVERFLOW_PAGES) !== 0) {
        beyond = Math.max(beyond, Number(page.getBigUint64(data, true)) + Number(page.getBigUint64(data + 16, true)))
      } else if ((nodeFlags & NAMED_TREE) !== 0) {
        const root = pageNumber(page, data + 40)
        if (root !== null) trees.push(root)
      }
    }
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
  return { trees, beyond }
}
