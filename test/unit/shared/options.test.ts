import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/shared/config/config.ts';
import { doors } from '../../../src/shared/config/doors.ts';

const source = ['redis-options', 'log-options', 'installation-options', 'options', 'producer-options', 'trace-options']
  .map((name) => readFileSync(new URL(`../../../src/shared/config/${name}.ts`, import.meta.url), 'utf8'))
  .join('');

/** What the documentation of each option says is its default. */
const documented = new Map(
  Array.from(source.matchAll(/@default (.+)\n[^]*?\*\/\s+(\w+)\?:/g), ([, text = '', name = '']) => [name, text]),
);

describe('the options in code', () => {
  it('have the defaults that their documentation says', () => {
    const defaults: Record<string, unknown> = { ...loadConfig({}) };
    const names = new Set(Object.values(doors).flatMap((door) => Object.keys(door)));
    expect(new Set(documented.keys())).toEqual(names);
    for (const [name, text] of documented) {
      const said = text.startsWith("'") ? text.slice(1, -1) : text.replaceAll('_', '');
      expect([name, said]).toEqual([name, String(defaults[name])]);
    }
  });
});
