import { readFileSync } from 'node:fs';

const packageJson = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** The version of this package. The build replaces this module by one that holds the values. */
export const version = packageJson.version;

/** The number of the key layout that this version uses in Redis. Version 0.1 had layout 1. */
export const layout = 2;
