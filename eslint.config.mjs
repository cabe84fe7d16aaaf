import nx from '@nx/eslint-plugin'
import { tsImport } from 'tsx/esm/api'
import tseslint from 'typescript-eslint'

const { deterministicCore } = await tsImport('./scripts/lint/deterministic-core.ts', import.meta.url)

/** Test code: everything that only tests load. It may reach into any layer; shipped code may not. */
const testFiles = ['**/*.test.ts', '**/src/test-*.ts', '**/*-contract.ts', '**/src/testing/**/*.ts']
const tag = (layer) => `layer:${layer}`
const mayImport = (layer, ...layers) => ({ sourceTag: tag(layer), onlyDependOnLibsWithTags: layers.map(tag) })
const boundaries = (depConstraints) => [
  'error',
  { allow: [], depConstraints, enforceBuildableLibDependency: false, banTransitiveDependencies: false },
]

export default tseslint.config(
  { ignores: ['**/node_modules/', '**/dist/', '**/coverage/', '**/generated/', '.nx/', '.cache/', '.riskledger/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    plugins: { '@nx': nx },
    rules: {
      eqeqeq: 'error',
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['@riskledger/*/*'], message: "A package's index.ts is its only public face." }] },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ImportDeclaration[source.value="zod"] > ImportSpecifier',
          message: "Import * as z: bundles keep all of zod's languages otherwise, half a megabyte.",
        },
      ],
      'max-depth': ['error', 5],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false }],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/no-deprecated': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@nx/enforce-module-boundaries': boundaries([
        mayImport('core', 'core'),
        mayImport('adapter', 'core'),
        mayImport('runtime', 'core', 'adapter', 'runtime'),
        mayImport('client', 'core', 'adapter'),
        mayImport('service', 'core', 'adapter', 'runtime', 'service', 'client'),
        { sourceTag: tag('testing'), onlyDependOnLibsWithTags: ['*'] },
        { sourceTag: tag('bench'), onlyDependOnLibsWithTags: ['*'] },
        { sourceTag: tag('e2e'), onlyDependOnLibsWithTags: ['*'] },
      ]),
    },
  },
  {
    files: ['libs/core/**/*.ts', 'libs/simulation/**/*.ts'],
    ignores: testFiles,
    plugins: { riskledger: { rules: { 'deterministic-core': deterministicCore } } },
    rules: { 'riskledger/deterministic-core': 'error' },
  },
  {
    files: testFiles,
    rules: {
      'no-restricted-imports': 'off',
      '@nx/enforce-module-boundaries': boundaries([{ sourceTag: '*', onlyDependOnLibsWithTags: ['*'] }]),
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/explicit-module-boundary-types': 'off',
      // Jest's matchers are typed with any.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
    },
  },
  // A method of a port is async also where it waits for nothing: what it refuses is a rejection then, never a throw.
  { files: ['libs/adapters/**/*.ts'], rules: { '@typescript-eslint/require-await': 'off' } },
  // The generator runs before packages are whole, so it takes their sources by path; examples stand outside of all packages.
  { files: ['scripts/**/*.ts', 'examples/**/*.ts'], rules: { '@nx/enforce-module-boundaries': 'off' } },
)
