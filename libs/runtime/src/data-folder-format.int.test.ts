import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkDataFolder, openDataFolder, readDataFolder } from './data-folder-format'
import { lockDataFolder } from './lock-data-folder'

let parent: string
let folder: string

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'riskledger-folder-'))
  folder = join(parent, 'data')
})

afterEach(() => rm(parent, { recursive: true }))

const writeFolderFile = async (text: string): Promise<void> => {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'riskledger.json'), text)
}

describe('openDataFolder', () => {
  test('makes a folder, with one partition unless told otherwise, and finds it again', async () => {
    const made = await openDataFolder(folder)
    expect(made).toMatchObject({ format: 1, partitions: 1 })
    expect(await openDataFolder(folder)).toEqual(made)
    expect(await openDataFolder(folder, { partitions: 1 })).toEqual(made)
    expect(await readDataFolder(folder)).toEqual(made)
    expect(await readdir(folder)).toEqual(['riskledger.json'])
  })

  test('takes no offence at data folders that lie in it', async () => {
    await openDataFolder(join(folder, 'demo'))
    expect(await openDataFolder(folder)).toMatchObject({ format: 1 })
  })

  test('a lock taken before does not make the folder a stranger', async () => {
    await lockDataFolder(folder, { command: 'riskledger up' })
    expect(await openDataFolder(folder, { partitions: 4 })).toMatchObject({ partitions: 4 })
  })

  test('refuses another number of partitions', async () => {
    await openDataFolder(folder, { partitions: 4 })
    await expect(openDataFolder(folder, { partitions: 2 })).rejects.toMatchObject({
      code: 'configuration-invalid',
      message: `partitions is 2, but ${folder} was made with 4, and that is fixed for its life. Leave --partitions out, or choose a new folder with --data-dir.`,
    })
  })

  test.each([
    [
      '{"format": 2, "everything": "else"}',
      'has format 2; this version reads format 1. It was written by a newer RiskLedger: use that version',
    ],
    [
      '{"format": 0, "partitions": 1, "created": ""}',
      'has format 0; this version reads format 1. It was written by an older RiskLedger: export it with that version',
    ],
    ['', 'riskledger.json is damaged'],
    ['null', 'riskledger.json is damaged'],
    ['{"format": 1, "partitions": 0, "created": ""}', 'riskledger.json is damaged'],
    ['{"format": "1", "partitions": 1, "created": ""}', 'riskledger.json is damaged'],
  ])('refuses a folder file of %p, and leaves it as it is', async (text, message) => {
    await writeFolderFile(text)
    for (const open of [openDataFolder, checkDataFolder, readDataFolder]) {
      await expect(open(folder)).rejects.toMatchObject({
        code: 'data-folder-format',
        retriable: false,
        message: expect.stringContaining(message),
      })
    }
    expect(await readFile(join(folder, 'riskledger.json'), 'utf8')).toBe(text)
  })

  test('refuses a folder that holds something else', async () => {
    await mkdir(folder)
    await writeFile(join(folder, 'thesis.tex'), '')
    await expect(openDataFolder(folder)).rejects.toMatchObject({
      code: 'data-folder-format',
      message: expect.stringContaining('holds thesis.tex but no riskledger.json'),
    })
  })
})

describe('checkDataFolder', () => {
  test('makes nothing, and tells what is there', async () => {
    expect(await checkDataFolder(folder)).toBeUndefined()
    expect(await readdir(parent)).toEqual([])
    const made = await openDataFolder(folder, { partitions: 2 })
    expect(await checkDataFolder(folder)).toEqual(made)
    await expect(checkDataFolder(folder, { partitions: 3 })).rejects.toMatchObject({ code: 'configuration-invalid' })
  })

  test('refuses a file', async () => {
    await writeFile(folder, '')
    await expect(checkDataFolder(folder)).rejects.toMatchObject({
      code: 'data-folder-format',
      message: `${folder} is not a folder. Choose an empty or new folder with --data-dir.`,
    })
  })
})

describe('readDataFolder', () => {
  test('makes nothing where there is nothing', async () => {
    await expect(readDataFolder(folder)).rejects.toMatchObject({
      code: 'file-not-found',
      message: expect.stringContaining('Run riskledger up or riskledger screen first'),
    })
    expect(await readdir(parent)).toEqual([])
  })

  test('says so where the file cannot be read', async () => {
    await mkdir(join(folder, 'riskledger.json'), { recursive: true })
    await expect(readDataFolder(folder)).rejects.toMatchObject({ code: 'file-unreadable' })
  })
})
