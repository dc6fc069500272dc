import { configSchema } from './schema.ts';
import { special } from './special.ts';

/** A setting with an environment variable. */
export interface Variable {
  key: string;
  name: string;
  alias: string | undefined;
  /** The variable that names a file with the value; `undefined` if there is none. */
  fileName: string | undefined;
  isSecret: boolean;
  description: string;
  default: string | number | boolean | undefined;
}

/** All variables, in the order of the documentation. */
export const variables: readonly Variable[] = Object.entries(configSchema.shape).flatMap(([key, schema]) => {
  const { variable: name = variableOf(key), alias, fromFile, isSecret = false } = special.get(schema) ?? {};
  if (name === null) return [];
  const { description = '' } = schema;
  return [
    { key, name, alias, fileName: fromFile && `${name}_FILE`, isSecret, description, default: schema.parse(undefined) },
  ];
});

function variableOf(key: string): string {
  return `KITECHAT_${key.replaceAll(/[A-Z]/g, '_$&').toUpperCase()}`;
}
