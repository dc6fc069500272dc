import { readFileSync } from 'node:fs';
import type * as z from 'zod';

import { type Door, doors } from './doors.ts';
import { configSchema } from './schema.ts';
import { notCompiled } from './together.ts';
import { type Variable, variables } from './variables.ts';
import { ConfigError } from '../errors/errors.ts';
import { describeIssue, issuesOf } from '../validation/issues.ts';
import { nearest } from '../validation/nearest.ts';
import { meantBy } from './given-text.ts';
import { unreadableFile, valueInFile } from './secret-file.ts';

const PREFIX = 'KITECHAT_';
/** Matches all that could be the name of a variable. */
const VARIABLE = /\b[A-Z][A-Z0-9_]+\b/g;

/** The source of settings: environment variables, or options in code. */
export type ConfigSource = 'environment' | 'code';

/** Every setting with its value. Durations are in milliseconds. */
export interface Config extends z.infer<typeof configSchema> {
  source: ConfigSource;
  /** The file that `redisUrl` was read from. */
  redisUrlFile?: string | undefined;
  /** The file that `consoleToken` was read from. */
  consoleTokenFile?: string | undefined;
}

/** Settings given in code. */
type Options = { [Key in keyof z.infer<typeof configSchema>]?: Config[Key] | undefined };

/** The type of `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the configuration from environment variables. An empty variable counts as not set. White space, a byte order mark and quotes
 * around a value are dropped; quotes around a key or token are a problem.
 *
 * @param readFile reads the files that the `…_FILE` variables name; replaced in tests
 * @throws ConfigError with all problems at once. No problem quotes a value, which could be a secret.
 */
export function loadConfig(env: Environment, readFile: (path: string) => string = readText): Config {
  const problems: string[] = [];
  const values: Record<string, string> = {};
  const names = new Map<string, string>();
  for (const variable of variables) {
    const { value, name, problem } = valueOf(variable, env, readFile);
    names.set(variable.key, name);
    if (value !== undefined) values[variable.key] = value;
    if (problem !== undefined) problems.push(`${name}: ${problem}`);
  }
  const config = parse(values, problems, { source: 'environment', nameOf: (key) => names.get(key) ?? key });
  return {
    ...config,
    redisUrlFile: setting(env, 'REDIS_URL_FILE'),
    consoleTokenFile: setting(env, 'KITECHAT_CONSOLE_TOKEN_FILE'),
  };
}

/**
 * Validates settings given in code and adds defaults. Also accepts the result of `loadConfig`, of which each door uses only its own
 * settings.
 *
 * @throws ConfigError with all problems at once, including options that the door does not use.
 */
export function resolveConfig(
  door: Door,
  options: Options & Pick<Partial<Config>, 'source' | 'redisUrlFile' | 'consoleTokenFile'>,
): Config {
  // No door of the code serves the console.
  const { source = 'code', redisUrlFile, consoleTokenFile: _, ...given } = options;
  const isUsed = (key: string): boolean => Object.hasOwn(doors[door], key) || !isSetting(key);
  const used = Object.entries(given).filter(([key]) => isUsed(key));
  const unused = Object.entries(given).filter(([key, value]) => !isUsed(key) && value !== undefined);
  const problems = source === 'environment' ? [] : unused.map(([key]) => `${key}: ${describeUnused(door, key)}`);
  const config = parse(Object.fromEntries(used), problems, { source, nameOf: (key) => key });
  return { ...config, redisUrlFile: source === 'environment' ? redisUrlFile : undefined };
}

function isSetting(key: string): boolean {
  return Object.hasOwn(configSchema.shape, key);
}

function describeUnused(door: Door, key: string): string {
  const others = Object.entries(doors).flatMap(([other, names]) => (Object.hasOwn(names, key) ? [other] : []));
  const variable = variables.find((one) => one.key === key)?.name ?? key;
  const advice =
    others.length > 0
      ? `${others.join(' and ')} ${others.length > 1 ? 'take' : 'takes'} it`
      : `set ${variable} for "kitechat-sender worker" or "kitechat-sender console"`;
  return `is not an option of ${door}; ${advice}`;
}

/** Runs `work`; its ConfigErrors, which name variables, are rewritten with option names if the settings were given in code. */
export function inWordsOf<T>(source: ConfigSource, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw worded(error, source);
  }
}

/** Returns the error; a ConfigError names options instead of variables if the settings were given in code. */
export function worded(error: unknown, source: ConfigSource): unknown {
  if (!(error instanceof ConfigError)) return error;
  return new ConfigError(error.problems.map((problem) => wordedText(problem, source)));
}

/** Returns the text with option names in place of variables if the settings were given in code. */
export function wordedText(text: string, source: ConfigSource): string {
  if (source === 'environment') return text;
  return text.replaceAll(VARIABLE, (variable) => variables.find(({ name }) => name === variable)?.key ?? variable);
}

/**
 * Returns one line for each variable that begins like ours but has no effect, mostly a typo. The lines are for a warning at the start,
 * not an error, because a newer version or another program may use the variable.
 */
export function unknownVariables(env: Environment): string[] {
  const known = new Set(variables.flatMap(({ name, fileName }) => [name, fileName]));
  const candidates = [...known].flatMap((name) => (name?.startsWith(PREFIX) ? [name.slice(PREFIX.length)] : []));
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !known.has(name) && env[name])
    .map((name) => {
      const meant = nearest(name.slice(PREFIX.length), candidates);
      return `${name} is not a known variable${meant === undefined ? '' : `, did you mean ${PREFIX}${meant}?`}`;
    });
}

function parse(
  values: unknown,
  problems: readonly string[],
  { source, nameOf }: { source: ConfigSource; nameOf: (key: string) => string },
): Config {
  const { data, error } = configSchema.safeParse(values, { ...notCompiled, error: describeIssue });
  const issues = error ? issuesOf(error, 'config') : [];
  const found = issues.map(({ path, message }) => `${nameOf(path)}: ${wordedText(message, source)}`);
  if (error || problems.length > 0) throw new ConfigError([...problems, ...found]);
  return { ...data, source };
}

/** A value or a problem, if the setting is given. */
interface Given {
  value?: string;
  problem?: string;
  /** The variable to name in problems. */
  name: string;
}

function valueOf(
  { name, alias, fileName, isSecret }: Variable,
  env: Environment,
  readFile: (path: string) => string,
): Given {
  const text = (alias === undefined ? undefined : setting(env, alias)) ?? env[name] ?? '';
  const meant = meantBy(text, { isSecret });
  const given = 'value' in meant && meant.value === '' ? null : meant;
  const path = fileName === undefined ? undefined : setting(env, fileName);
  if (fileName === undefined || path === undefined) return { name, ...given };
  if (given !== null) return { name: fileName, problem: `is set, and so is ${name}: keep only one of them` };
  try {
    return { name: fileName, ...valueInFile(readFile(path), { isSecret }) };
  } catch (error) {
    return { name: fileName, ...unreadableFile(error) };
  }
}

/** The text of a variable, in quotes or not; `undefined` if it is not set, or empty. */
function setting(env: Environment, name: string): string | undefined {
  const meant = meantBy(env[name] ?? '', { isSecret: false });
  return 'value' in meant && meant.value !== '' ? meant.value : undefined;
}

/** Whether the environment has a value for a setting, or names a file with it. */
export function isGiven(env: Environment, key: keyof Config): boolean {
  const { name, alias, fileName } = variables.find((variable) => variable.key === key) ?? {};
  return [name, alias, fileName].some((one) => one !== undefined && setting(env, one) !== undefined);
}

/** Returns one line for each of our variables that holds nothing but quotes or white space, which looks like a value in its file. */
export function blankVariables(env: Environment): string[] {
  return variables
    .flatMap(({ name, fileName }) => (fileName === undefined ? name : [name, fileName]))
    .filter((name) => env[name] && setting(env, name) === undefined)
    .map((name) => `${name} has nothing in it but quotes or white space, which counts as not set`);
}

function readText(path: string): string {
  return readFileSync(path, 'utf8');
}
