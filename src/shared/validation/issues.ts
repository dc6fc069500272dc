import * as z from 'zod';

import type { MessageIssue } from '../errors/errors.ts';
import { nearest } from './nearest.ts';

const PLAIN_KEY = /^[A-Za-z_$][\w$]{0,63}$/;
const QUOTED_KEY_LENGTH = 64;
/** The most issues that are reported at once. */
export const MAX_ISSUES = 50;

const kindNames: Partial<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  object: 'an object',
  array: 'an array',
};

/**
 * The schema of an object with exactly these fields. Zod reports all unknown keys of an object as one issue with one message, so the
 * message has one line for each key, in their order; `issuesOf` splits it.
 */
export function fields<Shape extends z.core.$ZodShape>(shape: Shape) {
  const documented = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => unknownField(key, documented)).join('\n')
        : undefined,
  });
}

/** The messages for issues for which the schemas have none, to pass to `safeParse`. No message quotes a value. */
export const describeIssue: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${kindNames[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`;
    case 'invalid_union':
      return Array.isArray(issue.options) ? `must be one of ${issue.options.join(', ')}` : undefined;
    case 'too_small':
      return issue.origin === 'number' ? `must be at least ${issue.minimum}` : undefined;
    case 'too_big':
      return issue.origin === 'number' ? `must be at most ${issue.maximum}` : undefined;
    default:
      return undefined;
  }
};

/** Returns zod's issues with readable paths. An issue of the whole value has the path `whole`. */
export function issuesOf(error: z.core.$ZodError, whole: string, prefix: readonly PropertyKey[] = []): MessageIssue[] {
  const issues = error.issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path];
    if (issue.code !== 'unrecognized_keys') return [{ path: formatPath(path) || whole, message: issue.message }];
    const messages = issue.message.split('\n');
    return issue.keys.map((key, index) => ({ path: formatPath([...path, key]), message: messages[index] ?? '' }));
  });
  return issues.slice(0, MAX_ISSUES);
}

/** Returns a path such as `message.template.buttons[1].url`; a key that isn't a plain word is quoted and cut. */
export function formatPath(keys: readonly PropertyKey[]): string {
  let path = '';
  for (const key of keys) {
    if (typeof key === 'number') path += `[${key}]`;
    else if (PLAIN_KEY.test(String(key))) path += path === '' ? String(key) : `.${String(key)}`;
    else path += `[${JSON.stringify(String(key).slice(0, QUOTED_KEY_LENGTH))}]`;
  }
  return path;
}

function unknownField(key: string, documented: readonly string[]): string {
  const meant = nearest(key, documented);
  return `is not a documented field${meant === undefined ? '' : `, did you mean ${meant}?`}`;
}
