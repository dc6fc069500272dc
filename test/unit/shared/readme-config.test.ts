import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { configTable, withConfigTable } from '../../../scripts/readme-config.ts';
import { variables } from '../../../src/shared/config/variables.ts';

describe('the environment table', () => {
  it('has a row for every variable, with its default', () => {
    const rows = configTable().split('\n').slice(2);
    expect(rows).toHaveLength(variables.length);
    expect(rows).toContain(
      '| `KITECHAT_SERVE_SHARDS` | `all` | the shards that a worker serves, such as `0,2,5-7`; each shard must be served by some worker |',
    );
    expect(rows).toContain('| `KITECHAT_API_KEY` |  | the API key for all pages; only workers need it |');
    expect(rows).toContainEqual(expect.stringMatching(/^\| `REDIS_URL`, `_FILE` \| `redis:/));
  });

  it('replaces what stands between the markers, and nothing else', () => {
    const readme = 'before\n<!-- config:start -->\nold\n<!-- config:end -->\nafter\n';
    const current = withConfigTable(readme);
    expect(current).toBe(`before\n<!-- config:start -->\n${configTable()}\n<!-- config:end -->\nafter\n`);
    expect(withConfigTable(current)).toBe(current);
  });

  it('asks for its markers', () => {
    expect(() => withConfigTable('# kitechat-sender')).toThrow(/config:start/);
  });

  it('in the README is the one of the schema', () => {
    const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
    expect(withConfigTable(readme), 'run node scripts/readme-config.ts').toBe(readme);
  });
});
