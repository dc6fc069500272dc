import type { Command } from 'commander';
import { doors } from '../../shared/config/doors.ts';
import { type Variable, variables } from '../../shared/config/variables.ts';

/** The settings that a command uses, by their names in code. */
type Uses = (key: string) => boolean;

const inDoor =
  (door: keyof typeof doors): Uses =>
  (key) =>
    Object.hasOwn(doors[door], key);
const named =
  (...keys: string[]): Uses =>
  (key) =>
    keys.includes(key);
const either =
  (...all: Uses[]): Uses =>
  (key) =>
    all.some((uses) => uses(key));

const isOfAllDoors: Uses = (key) => Object.values(doors).every((door) => Object.hasOwn(door, key));
const isOfNoDoor: Uses = (key) => !Object.values(doors).some((door) => Object.hasOwn(door, key));
/** What a connection needs; of the settings that all doors share, those about content and attempts are left out. */
const connects: Uses = (key) => isOfAllDoors(key) && (key.startsWith('redis') || named('namespace', 'shards')(key));
const limits = named('rateLimit', 'pageRateLimit');

/** The settings of each kind of command, derived from the schema, so that a new setting is in the help of its commands. */
export const uses = {
  connection: connects,
  /** Reads or writes messages, too. */
  messages: isOfAllDoors,
  limits: either(connects, limits),
  send: inDoor('createProducer'),
  worker: either(inDoor('createWorker'), isOfNoDoor),
  console: either(
    inDoor('openDeadLetters'),
    limits,
    (key) => isOfNoDoor(key) && !named('hooksFile', 'heartbeatFile')(key),
    named('logLevel'),
  ),
} satisfies Record<string, Uses>;

const WIDTH = 100;

/** Adds the names of a command's variables to its help. */
export function withVariables(command: Command, used: Uses): Command {
  const names = variables.filter(({ key }) => used(key)).flatMap(namesOf);
  return command.addHelpText('after', `\nVariables:\n${inLines(names).join('\n')}`);
}

function namesOf({ name, fileName }: Variable): string[] {
  return fileName === undefined ? [name] : [name, fileName];
}

function inLines(names: readonly string[]): string[] {
  const lines = ['  '];
  for (const name of names) {
    if (`${lines.at(-1)}${name}`.length > WIDTH) lines.push('  ');
    lines[lines.length - 1] += `${name} `;
  }
  return lines.map((line) => line.trimEnd());
}

const UNKNOWN_FLAG = /unknown option '(--?[\w-]+)(=[^']*)?'/;

/** Returns an error of the command line without the value of an unknown flag, and with the variable if the flag looks like one. */
export function describeUsageError(text: string): string {
  const [, flag] = UNKNOWN_FLAG.exec(text) ?? [];
  if (flag === undefined) return text;
  const variable = variableLike(flag);
  if (variable === undefined) return text.replace(UNKNOWN_FLAG, `unknown option '${flag}'`);
  return `error: unknown option '${flag}'\n(It is a variable: set ${variable} in the environment.)\n`;
}

/** The variable that a flag is named like: `--redis-url`, `--kitechat-api-key`, `--api-key`, `--apiKey`. */
function variableLike(flag: string): string | undefined {
  const wanted = bare(flag);
  return variables.flatMap(namesOf).find((name) => [bare(name), bare(name.replace(/^KITECHAT_/, ''))].includes(wanted));
}

function bare(name: string): string {
  return name.replaceAll(/[-_]/g, '').toLowerCase();
}
