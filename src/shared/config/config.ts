import { readFileSync } from 'node:fs';
import type { z } from 'zod';

import { configSchema, type Variable, variables } from './schema.ts';
import { ConfigError } from '../errors/errors.ts';
import { describeIssue, issuesOf } from '../validation/issues.ts';
import { nearest } from '../validation/nearest.ts';
import { unreadableFile, valueInFile } from './secret-file.ts';

const PREFIX = 'KITECHAT_';

/** Every setting with its value. Durations are in milliseconds. */
export type Config = z.infer<typeof configSchema>;

/** Settings given in code. What is left out or `undefined` has the default of its variable; the environment is not read. */
export type ConfigOptions = { [Key in keyof Config]?: Config[Key] | undefined };

/** What `process.env` is. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the configuration from the environment. An empty variable counts as not set.
 *
 * @param readFile reads the files that the `…_FILE` variables name; for tests
 * @throws ConfigError with all problems at once. No problem quotes a value, so no secret gets out.
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
  return parse(values, problems, (key) => names.get(key) ?? key);
}

/**
 * Completes and validates settings that were given in code.
 *
 * @throws ConfigError with all problems at once
 */
export function resolveConfig(options: ConfigOptions = {}): Config {
  return parse(options, [], (key) => key);
}

/**
 * Tells of variables that look like ours but do nothing, one line each: typos, mostly. For a warning at the start; they are no error
 * because a newer version, or another program, may know them.
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

function parse(values: unknown, problems: readonly string[], nameOf: (key: string) => string): Config {
  const { data, error } = configSchema.safeParse(values, { error: describeIssue });
  const found = error ? issuesOf(error, 'config').map(({ path, message }) => `${nameOf(path)}: ${message}`) : [];
  if (error || problems.length > 0) throw new ConfigError([...problems, ...found]);
  return data;
}

interface Given {
  value?: string;
  /** The variable that the user has to look at. */
  name: string;
  problem?: string;
}

function valueOf({ name, fileName }: Variable, env: Environment, readFile: (path: string) => string): Given {
  const value = setting(env, name);
  const path = fileName === undefined ? undefined : setting(env, fileName);
  if (fileName === undefined || path === undefined) return value === undefined ? { name } : { name, value };
  if (value !== undefined) return { name: fileName, problem: `is set, and so is ${name}: keep only one of them` };
  try {
    return { name: fileName, ...valueInFile(readFile(path)) };
  } catch (error) {
    return { name: fileName, ...unreadableFile(error) };
  }
}

function setting(env: Environment, name: string): string | undefined {
  return env[name] === '' ? undefined : env[name];
}

function readText(path: string): string {
  return readFileSync(path, 'utf8');
}
