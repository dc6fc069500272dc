import { defineConfig, type OxlintOverride } from 'oxlint';

// shared <- producer | worker | dead-letters | events | notify | testing <- console <- cli
// A layer imports freely from `whole`, only the index.ts from `entries`, and nothing from any other layer.
const layers = [
  { name: 'shared', whole: [], entries: [] },
  { name: 'producer', whole: ['shared'], entries: [] },
  { name: 'worker', whole: ['shared'], entries: [] },
  { name: 'dead-letters', whole: ['shared'], entries: [] },
  { name: 'events', whole: ['shared'], entries: [] },
  { name: 'notify', whole: ['shared'], entries: [] },
  { name: 'testing', whole: ['shared'], entries: [] },
  { name: 'console', whole: ['shared'], entries: ['producer', 'worker', 'dead-letters', 'notify', 'testing'] },
  {
    name: 'cli',
    whole: ['shared', 'testing'],
    entries: ['producer', 'worker', 'dead-letters', 'events', 'notify', 'console'],
  },
];

// In each of these layers, a room (a folder) imports from those that are named before it, and from no other one.
const rooms: Record<string, readonly string[] | undefined> = {
  shared:
    'errors validation retry model tracing ledger config logging sealing redis lanes layout session reading actions'.split(
      ' ',
    ),
  worker: 'http keys limits evidence fleet message bullmq'.split(' '),
  console:
    'rights http facts html access observe overview holds find pages workers dead-letters queues actions server'.split(
      ' ',
    ),
  cli: 'context terminal commands dead-letters notify reshard send watch ledger demo'.split(' '),
};

interface Restriction {
  group?: string[];
  regex?: string;
  message: string;
}

function restrictionsOf(layer: (typeof layers)[number]): Restriction[] {
  const others = layers.map(({ name }) => name).filter((name) => name !== layer.name && !layer.whole.includes(name));
  const may = [...layer.whole, ...layer.entries.map((name) => `${name}/index.ts`), 'itself'].join(', ');
  return [
    {
      group: [...others.map((name) => `../**/${name}/**`), ...layer.entries.map((name) => `!../**/${name}/index.ts`)],
      message: `src/${layer.name} imports only: ${may}.`,
    },
    {
      group: ['../**/test/**', '../**/bench/**', '../**/examples/**', '../**/scripts/**', '../**/dist/**'],
      message: 'src imports nothing that is not published.',
    },
    { regex: '^\\./\\.\\./', message: 'Start with ../, or the layers cannot be told.' },
    { regex: '^kitechat-sender(/|$)', message: 'Inside the package import by relative path.' },
    { regex: '^(node:)?process$', message: 'Use the global process: lint sees what is taken from it.' },
  ];
}

function laterRooms(layer: string, inOrder: readonly string[], index: number): Restriction {
  const before = inOrder.slice(0, index).join(', ') || 'none';
  return {
    group: inOrder.slice(index + 1).flatMap((later) => [`../${later}/**`, `../../${later}/**`]),
    message: `src/${layer}/${inOrder[index]} imports only the rooms before it: ${before}.`,
  };
}

const layerRules = layers.flatMap((layer): OxlintOverride[] => {
  const restrictions = restrictionsOf(layer);
  const rules = [importRule(`src/${layer.name}/**`, restrictions)];
  const inOrder = rooms[layer.name] ?? [];
  for (const [index, room] of inOrder.entries()) {
    const ofRoom = [...restrictions, laterRooms(layer.name, inOrder, index)];
    rules.push(importRule(`src/${layer.name}/${room}/**`, ofRoom));
  }
  return rules;
});

function importRule(files: string, patterns: Restriction[]): OxlintOverride {
  return { files: [files], rules: { 'no-restricted-imports': ['error', { patterns }] } };
}

const environment = [
  { object: 'process', property: 'env', message: 'Only main.ts reads the environment: take the value as an argument.' },
];
const processControl = [
  ...['on', 'once', 'addListener', 'prependListener', 'prependOnceListener'].map((property) => ({
    object: 'process',
    property,
    message: 'Only main.ts takes signals: accept an AbortSignal instead.',
  })),
  ...['exit', 'exitCode'].map((property) => ({
    object: 'process',
    property,
    message: 'Only main.ts ends the process: return or throw instead.',
  })),
  { object: 'globalThis', property: 'process', message: 'Use the global process: lint sees what is taken from it.' },
];

const plugins = ['typescript', 'unicorn', 'oxc', 'import', 'promise', 'node'] as const;

export default defineConfig({
  options: { typeAware: true, denyWarnings: true, reportUnusedDisableDirectives: 'error' },
  plugins: [...plugins],
  env: { node: true, es2024: true },
  // The apps among the examples have packages of their own, which are not installed here: their tests compile them.
  ignorePatterns: [
    'node_modules',
    'dist',
    'coverage',
    'reports',
    'examples/lambda',
    'examples/nestjs',
    'examples/next',
    'test/package/apps',
  ],
  categories: { correctness: 'error', suspicious: 'error', perf: 'error' },
  rules: {
    'import/no-unassigned-import': 'off',
    'no-await-in-loop': 'off', // what keeps an order waits in loops on purpose
    'no-underscore-dangle': 'off',
    'promise/always-return': 'off',
    'typescript/consistent-return': 'off', // the compiler's noImplicitReturns knows exhaustive switches
    'typescript/no-unsafe-type-assertion': 'off', // replies of Redis get their type where they enter
    'typescript/unbound-method': 'off', // what factories return is closures, without `this`
    'unicorn/consistent-function-scoping': 'off',

    // Promises and errors
    'no-promise-executor-return': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/only-throw-error': 'error',
    'typescript/prefer-promise-reject-errors': 'error',
    'typescript/return-await': ['error', 'error-handling-correctness-only'],
    'typescript/use-unknown-in-catch-callback-variable': 'error',
    'unicorn/error-message': 'error',
    'unicorn/throw-new-error': 'error',

    // Types
    'typescript/ban-ts-comment': ['error', { 'ts-expect-error': true, 'ts-ignore': true, 'ts-nocheck': true }],
    'typescript/consistent-type-exports': 'error',
    'typescript/consistent-type-imports': ['error', { disallowTypeAnnotations: true }],
    'typescript/no-deprecated': 'error',
    'typescript/no-dynamic-delete': 'error',
    'typescript/no-empty-object-type': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-import-type-side-effects': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/no-unsafe-argument': 'error',
    'typescript/no-unsafe-assignment': 'error',
    'typescript/no-unsafe-call': 'error',
    'typescript/no-unsafe-function-type': 'error',
    'typescript/no-unsafe-member-access': 'error',
    'typescript/no-unsafe-return': 'error',
    'typescript/prefer-includes': 'error',
    'typescript/prefer-nullish-coalescing': 'error',
    'typescript/restrict-plus-operands': 'error',
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],

    // Modules
    'import/no-cycle': ['error', { ignoreTypes: false }],
    'import/no-default-export': 'error',
    'import/no-duplicates': 'error',
    'import/no-mutable-exports': 'error',
    'typescript/no-require-imports': 'error',
    'unicorn/prefer-node-protocol': 'error',

    // Readability
    curly: ['error', 'multi-line'],
    eqeqeq: 'error',
    'default-case-last': 'error',
    'max-depth': ['error', 3],
    'max-lines': ['error', { max: 300, skipBlankLines: false, skipComments: false }],
    'max-params': ['error', { max: 4 }],
    'no-console': 'error',
    'no-else-return': 'error',
    'no-empty': 'error',
    'no-lonely-if': 'error',
    'no-nested-ternary': 'error',
    'no-param-reassign': 'error',
    'no-self-compare': 'error',
    'no-useless-return': 'error',
    'no-var': 'error',
    'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'oxlint-disable', 'eslint-disable'] }],
    'object-shorthand': 'error',
    'prefer-const': 'error',
    'prefer-template': 'error',
    'unicorn/filename-case': ['error', { case: 'kebabCase' }],
    'unicorn/prefer-string-replace-all': 'error',
  },
  overrides: [
    ...layerRules,
    {
      files: ['src/**'],
      excludeFiles: ['src/**/main.ts'],
      rules: { 'no-restricted-properties': ['error', ...environment, ...processControl] },
    },
    {
      // The one exception: `enqueueMessage` of the library's entry is configured from the environment.
      files: ['src/producer/default-producer.ts'],
      rules: { 'no-restricted-properties': ['error', ...processControl] },
    },
    {
      files: ['test/**'],
      plugins: [...plugins, 'vitest'],
      rules: {
        'import/no-named-as-default-member': 'off', // fc.assert and fc.string are how fast-check is written
        'vitest/consistent-test-it': ['error', { fn: 'it', withinDescribe: 'it' }],
        'vitest/expect-expect': ['error', { assertFunctionNames: ['expect', 'expect*', 'fc.assert'] }],
        'vitest/no-identical-title': 'error',
      },
    },
    {
      // What browsers run as it stands: without types.
      files: ['src/console/assets/*.js'],
      env: { browser: true, node: false },
      rules: Object.fromEntries(
        ['argument', 'assignment', 'call', 'member-access', 'return'].map((what) => [
          `typescript/no-unsafe-${what}`,
          'off',
        ]),
      ),
    },
    { files: ['scripts/**', 'bench/**', 'examples/**', 'test/chaos/**'], rules: { 'no-console': 'off' } },
    { files: ['*.config.ts'], rules: { 'import/no-default-export': 'off' } },
  ],
});
