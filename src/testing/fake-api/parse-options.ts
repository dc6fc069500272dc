import type * as z from 'zod';
import { ConfigError } from '../../shared/errors/errors.ts';
import { describeIssue, issuesOf } from '../../shared/validation/issues.ts';

/** @throws ConfigError naming every problem with its place, such as `faults[0].rate`. */
export function parseOptions<Schema extends z.ZodType>(schema: Schema, options: unknown): z.infer<Schema> {
  const { data, error, success } = schema.safeParse(options, { error: describeIssue });
  if (success) return data;
  throw new ConfigError(issuesOf(error, 'options').map(({ path, message }) => `${path}: ${message}`));
}
