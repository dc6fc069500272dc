import { doors } from '../../src/shared/config/options.ts';
import { type Variable, variables } from '../../src/shared/config/schema.ts';
import { type SettingGroup, settingGroups } from './config-guide.ts';
import { GENERATED } from './generated.ts';

/** docs/configuration.md. Variables that have no advice yet come last, so that none is missing. */
export function configPage(all: readonly Variable[] = variables, groups = settingGroups): string {
  const advised = new Set(groups.flatMap(({ settings }) => settings.map(({ variable }) => variable)));
  const others = all.filter(({ name }) => !advised.has(name)).map(({ name }) => ({ variable: name, when: '' }));
  const rest = others.length === 0 ? [] : [{ title: 'More', intro: '', settings: others }];
  return [INTRO, ...[...groups, ...rest].map((group) => section(group, all)), IN_CODE].join('\n');
}

const INTRO = `${GENERATED}

# Configuration

Everything is set by the environment. All variables at one sight: [README](../README.md#configuration). Here they stand by
what they are for, each with when to change it.

- An empty variable counts as not set. Durations are in milliseconds.
- \`…_FILE\` names a file that holds the value, for container secrets. Set only one of the two.
- All mistakes are told at once, without the value of any of them; then the process ends with exit code 2.
- A variable that begins with \`KITECHAT_\` and isn't known is told as a warning: it is nearly always a typo.
- \`kitechat-sender worker\` and the other commands read the environment. So does \`enqueueMessage\`. \`createProducer\`,
  \`createWorker\` and \`openDeadLetters\` don't: they take [options](#in-code).
`;

function section({ title, intro, settings }: SettingGroup, all: readonly Variable[]): string {
  const entries = settings.flatMap(({ variable, when }) => {
    const setting = all.find(({ name }) => name === variable);
    return setting ? [entry(setting, when)] : [];
  });
  return [`## ${title}`, ...(intro === '' ? [] : [intro]), ...entries].join('\n\n').concat('\n');
}

function entry({ name, fileName, key, description, default: value }: Variable, when: string): string {
  const names = fileName === undefined ? `\`${name}\`` : `\`${name}\`, \`${fileName}\``;
  const initial = value === undefined ? 'not set' : `\`${value}\``;
  const facts = `${sentence(description)}\n\nDefault: ${initial}.${inCode(key)}`;
  return [`### ${names}`, facts, ...(when === '' ? [] : [`*When to change it:* ${when}`])].join('\n\n');
}

/** Which functions take it, and as what. */
function inCode(key: string): string {
  const taking = Object.entries(doors).flatMap(([door, names]) => (Object.hasOwn(names, key) ? [`\`${door}\``] : []));
  return taking.length === 0 ? '' : ` In code: \`${key}\` of ${taking.join(', ')}.`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

const IN_CODE = `## In code

\`\`\`ts
import { createProducer } from 'kitechat-sender';
import { createWorker } from 'kitechat-sender/worker';
import { openDeadLetters } from 'kitechat-sender/dead-letters';

const redisUrl = 'redis://127.0.0.1:6379';

await using producer = createProducer({ redisUrl, enqueueTimeoutMs: 2_000 });
const worker = createWorker({ redisUrl, apiKeyFile: '/run/secrets/kitechat-api-key', concurrency: 100 });
await using deadLetters = openDeadLetters({ redisUrl });
\`\`\`

The names are those that stand above as "In code". What is left out has the default of its variable; the environment isn't
read. One more can only be given in code: \`enqueueTimeoutMs\` (5,000), the time within which every call of a producer
settles.

Each of the three functions takes the options that it uses (\`ProducerOptions\`, \`WorkerOptions\`, \`DeadLetterOptions\`): one that would do
nothing there is a type error, and a \`ConfigError\` that says where it belongs. What \`kitechat-sender worker\` and \`console\` serve (\`httpPort\` and
what goes with it) is set by variables alone.

Producers, workers and operators of one installation must agree on \`redisUrl\`, \`namespace\` and \`shards\`. What a worker
decides (attempts, backoff, limits, what an unknown outcome means) is set for workers; \`ttlMs\` and \`maxQueued\` count where
messages are stored.
`;
