import { exitCodes } from '../../src/cli/context/context.ts';
import { exitCodeGuide } from './exit-code-guide.ts';
import { deadReasons } from '../../src/shared/model/dead-letter.ts';
import { deadReasonGuide, errorGuide, type ErrorGuide } from './error-guide.ts';
import { GENERATED } from './generated.ts';

const SOURCES: readonly { from: ErrorGuide['from']; title: string }[] = [
  { from: 'library', title: 'Errors of the library' },
  { from: 'command line', title: 'Errors of the command line' },
  { from: 'tests and demo', title: 'Errors of tests and of the demo' },
  { from: 'console', title: 'Errors of the console' },
];

/** The text of docs/errors.md. */
export function errorsPage(): string {
  return [
    INTRO,
    ...SOURCES.map(errorsFrom),
    INTERNAL,
    DEAD_INTRO,
    ...deadReasons.map(deadReason),
    EXIT_INTRO,
    exitTable(),
  ]
    .join('\n')
    .concat('\n');
}

const INTRO = `${GENERATED}

# Errors, dead reasons, exit codes

Every error that this package throws on purpose is a \`KitechatSenderError\` with a \`code\` that never changes. No error text
contains a key, a password or message content.

<!-- ts
import { enqueueMessage } from 'kitechat-sender';
declare const request: Parameters<typeof enqueueMessage>[0];
declare const reply: (status: number, body: unknown) => void;
-->
\`\`\`ts
import { InvalidMessageError, KitechatSenderError } from 'kitechat-sender';

try {
  await enqueueMessage(request, { idempotencyKey: 'order-17-shipped' });
} catch (error) {
  if (error instanceof InvalidMessageError) reply(422, error.issues);
  else if (error instanceof KitechatSenderError) reply(503, error.code); // the key makes it safe to call again
  else throw error;
}
\`\`\`

`;

function errorsFrom({ from, title }: (typeof SOURCES)[number]): string {
  const entries = Object.entries(errorGuide).filter(([, guide]) => guide.from === from);
  return [`## ${title}`, ...entries.map(([code, guide]) => errorEntry(code, guide))].join('\n\n').concat('\n');
}

function errorEntry(code: string, { name, stored, cause, cure }: ErrorGuide): string {
  return `### \`${code}\` (${name})

- **Cause:** ${cause}
- **Stored?** ${sentence(stored)}
- **Cure:** ${cure}`;
}

const INTERNAL = `## Internal errors

An error whose text begins with "Internal error" has \`isInternal: true\`. It is a fault of kitechat-sender, or of how it was built into your
app: a bundler that drops or mixes up code, for example. Redis is not the cause. The error's class and \`code\` still say whether the
message may be stored, so the rules above apply. The same call will most likely fail again.

- \`error.cause\` has the name, the code and the stack of the fault, without its message, which may hold content or a password.
- \`NODE_DEBUG=kitechat-sender\` in the environment of your app prints that stack to stderr whenever such an error occurs.
- Workers log the stack as \`err.stack\`, or \`err.cause.stack\`. Commands print it and exit with 1, never with 3.

Please report it with the stack and with how your app is built.
`;

const DEAD_INTRO = `## Dead reasons

The reasons why a message becomes a dead letter. A dead letter is kept for \`KITECHAT_KEEP_DEAD_MS\` and never sent again on its own.
See [operations](operations.md#dead-letters) for the commands.
`;

function deadReason(reason: (typeof deadReasons)[number]): string {
  const { cause, cure } = deadReasonGuide[reason];
  return `### \`${reason}\`

- **Cause:** ${cause}
- **Cure:** ${cure}
`;
}

const EXIT_INTRO = `## Exit codes
`;

function exitTable(): string {
  const rows = (Object.keys(exitCodes) as (keyof typeof exitCodes)[]).map((name) => {
    const { cause, cure } = exitCodeGuide[name];
    return `| ${exitCodes[name]} | ${cause} | ${cure} |`;
  });
  return ['| code | meaning | what to do |', '|---|---|---|', ...rows].join('\n');
}

function sentence(text: string): string {
  const [first = ''] = /^[^`]?/.exec(text) ?? [];
  return `${first.toUpperCase()}${text.slice(first.length)}.`;
}
