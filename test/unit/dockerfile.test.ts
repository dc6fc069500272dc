import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const { packages } = JSON.parse(read('package-lock.json')) as {
  packages: Record<string, { dependencies?: Record<string, string> } | undefined>;
};

/** A package and all that it depends on. */
function withDependencies(name: string, found = new Set<string>()): Set<string> {
  if (found.has(name)) return found;
  found.add(name);
  for (const other of Object.keys(packages[`node_modules/${name}`]?.dependencies ?? {})) withDependencies(other, found);
  return found;
}

it('the image has pg and all that pg needs', () => {
  const [, copied = ''] = /cp -r ([^&]+) \.\.\/postgres/.exec(read('Dockerfile')) ?? [];
  expect(new Set(copied.split(/[\s\\]+/))).toEqual(withDependencies('pg'));
});
