import type { Command } from 'commander';
import { type Variable, variables } from '../../shared/config/variables.ts';
import { namesOf, type Uses, uses } from './uses.ts';

const UNKNOWN_FLAG = /unknown option '(--?[\w-]+)(=[^']*)?'/;
/** An argument or a command such as `KITECHAT_CONCURRENCY=5`, up to the end of the text. */
const ASSIGNMENT = /(?:: (?:.*, )?|unknown command ')([A-Z][A-Z\d_]+)=[^]*/;
const ENV_FILE_FLAGS = new Set(['--env', '--env-file', '--env-file-if-exists', '--dotenv']);

/** What a command accepts. */
interface Accepted {
  flags: readonly string[];
  uses: Uses;
}

/** Makes the errors of a command's arguments say what the user may have meant. */
export function withUsageErrors(command: Command, used: Uses): Command {
  return command.configureOutput({
    outputError(text, write) {
      const flags = command.options.flatMap(({ long }) => long ?? []);
      write(describeUsageError(text, { flags, uses: used }));
    },
  });
}

/** Returns an error of the command line with a hint, and without values that may be secret. */
function describeUsageError(text: string, accepted: Accepted): string {
  const [, assigned] = ASSIGNMENT.exec(text) ?? [];
  if (assigned !== undefined) {
    const hint = `(It looks like a variable: write ${assigned}=… before the name of the program, or export it.)`;
    return `error: ${assigned}=… is not an argument\n${hint}\n`;
  }
  const [, flag] = UNKNOWN_FLAG.exec(text) ?? [];
  if (flag === undefined) return text;
  const hint = hintFor(flag, accepted);
  return hint === undefined
    ? text.replace(UNKNOWN_FLAG, `unknown option '${flag}'`)
    : `error: unknown option '${flag}'\n(${hint})\n`;
}

function hintFor(flag: string, accepted: Accepted): string | undefined {
  if (ENV_FILE_FLAGS.has(flag)) {
    return 'No command reads such a file: use "node --env-file=.env", "docker run --env-file", or env_file of Docker Compose.';
  }
  const named = variables.filter((variable) => isNamed(variable, flag));
  // In place of a variable of that name, such as --rate of "limits set" for --rate-limit.
  const own = named.length > 0 && accepted.flags.find((other) => bare(flag).startsWith(bare(other)));
  if (own) return `Did you mean ${own}?`;
  const usable = [named, variables.filter((variable) => isAlmostNamed(variable, flag))]
    .map((found) => found.filter(({ key }) => accepted.uses(key)))
    .find((found) => found.length > 0);
  if (usable) {
    const names = usable.map((variable) => namesOf(variable).find((name) => isName(name, flag)) ?? variable.name);
    return `It is a variable: set ${names.join(' or ')} in the environment.`;
  }
  return named[0] && describeOwner(named[0]);
}

function describeOwner({ key, name }: Variable): string {
  const owner = (['worker', 'send', 'console'] as const).find((command) => uses[command](key));
  return `${name} is a variable of "kitechat-sender ${owner}"; this command does not use it.`;
}

/** Whether a flag has the name of a variable or of its file: `--redis-url`, `--kitechat-api-key`, `--api-key`, `--apiKey`. */
function isNamed(variable: Variable, flag: string): boolean {
  return namesOf(variable).some((name) => isName(name, flag));
}

function isName(name: string, flag: string): boolean {
  return [bare(name), bare(withoutPrefix(name))].includes(bare(flag));
}

/** Whether a flag has the name of a variable without its first or last word: `--port`, `--redis`, `--timeout`. */
function isAlmostNamed({ name }: Variable, flag: string): boolean {
  const words = withoutPrefix(name).split('_');
  return words.length > 1 && [words.slice(1), words.slice(0, -1)].some((some) => bare(some.join('')) === bare(flag));
}

function withoutPrefix(name: string): string {
  return name.replace(/^KITECHAT_/, '');
}

function bare(name: string): string {
  return name.replaceAll(/[-_]/g, '').toLowerCase();
}
