import { doors } from '../../src/shared/config/doors.ts';
import { type Variable, variables } from '../../src/shared/config/variables.ts';
import { type SettingGroup, settingGroups } from './config-guide.ts';
import { GENERATED } from './generated.ts';

/** The text of docs/configuration.md. Variables without advice come last, so that none is missing. */
export function configPage(all: readonly Variable[] = variables, groups = settingGroups): string {
  const advised = new Set(groups.flatMap(({ settings }) => settings.map(({ variable }) => variable)));
  const others = all.filter(({ name }) => !advised.has(name)).map(({ name }) => ({ variable: name, when: '' }));
  const rest = others.length === 0 ? [] : [{ title: 'More', intro: '', settings: others }];
  return [INTRO, ...[...groups, ...rest].map((group) => section(group, all)), IN_CODE].join('\n');
}

const INTRO = `${GENERATED}

# Configuration

Settings come from environment variables. The [README](../README.md#configuration) lists them all in one table. This page groups
them by purpose and says when to change each of them.

- An empty variable counts as not set. Durations are in milliseconds.
- \`…_FILE\` names a file that holds the value, for container secrets. Set only one of the two.
- White space, line breaks and a byte order mark around a value are dropped, in variables and files, and so is one pair of quotes, which
  \`docker run --env-file\` keeps. Quotes around a key or token are an error, because they would be sent as part of it.
- No command reads a file \`.env\`: the platform does, with \`node --env-file=.env\`, \`docker run --env-file .env\`, or the \`env_file\` of
  Docker Compose. \`kitechat-sender COMMAND --help\` names the variables of each command.
- Every command names its Redis, database and namespace, without the password: on stderr, \`status\` at its top, a worker in the first line
  of its log, with the API's URL, and the console at the end of each page. Without \`REDIS_URL\` that is a Redis on the same machine.
- A command reports all invalid settings at once, without their values, and exits with code 2.
- An unknown variable that begins with \`KITECHAT_\` causes a warning: it is nearly always a typo.
- \`kitechat-sender worker\` and the other commands read the environment, and so does \`enqueueMessage\`. \`createProducer\`,
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

/** The functions that take a setting, and the name of its option. */
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

The option names are given above as "In code". An option that you leave out has the default of its variable; these functions don't read the
environment. One option exists only in code: \`enqueueTimeoutMs\` (5,000), the time in ms within which every call of a producer
settles.

Each of the three functions takes only the options that it uses (\`ProducerOptions\`, \`WorkerOptions\`, \`DeadLetterOptions\`). Any other
option is a type error, and at run time a \`ConfigError\` that says where the option belongs. The server of \`kitechat-sender worker\` and
\`console\` (\`httpPort\` and related settings) is configured only by variables.

Producers, workers and operators of one installation must agree on \`redisUrl\`, \`namespace\` and \`shards\`. Set attempts, backoff, limits and
the policy for unknown outcomes for workers, which decide these; set \`ttlMs\` and \`maxQueued\` for producers, which store the messages.
`;
