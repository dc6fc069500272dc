import { completed } from '../support/settings.ts';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { variables } from '../../src/shared/config/variables.ts';

const compose = readFileSync(new URL('../../docker-compose.yml', import.meta.url), 'utf8');

describe('docker-compose.yml', () => {
  it('passes every variable on to the worker, and nothing that the worker does not know', () => {
    const known = variables.flatMap(({ name, fileName }) => (fileName === undefined ? [name] : [name, fileName]));
    const passedOn = [...compose.matchAll(/^ {6}([A-Z][A-Z0-9_]+):/gm)].map(([, name]) => name);
    // REDIS_URL has a default there, and only one of the two may be set.
    expect(new Set(passedOn)).toEqual(new Set(known.filter((name) => name !== 'REDIS_URL_FILE')));
  });

  it('leaves the worker more time to stop than it may take', () => {
    const [, graceSeconds] = /stop_grace_period: (\d+)s/.exec(compose) ?? [];
    expect(Number(graceSeconds) * 1000).toBeGreaterThan(completed().shutdownMs);
  });
});
