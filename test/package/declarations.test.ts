import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, it } from 'vitest';
import { manifest } from './support/repository.ts';

const dist = join(inject('project'), 'node_modules', manifest.name, 'dist');

it('the declarations need none of other packages and of Node.js, and no one of internal parts', () => {
  const files = globSync('**/*.d.ts', { cwd: dist });
  expect(files).toContain('producer/index.d.ts');
  expect(files.filter((file) => /(?:^|\/)(?:cli|console|bullmq)\//.test(file))).toEqual([]);
  const foreign = files.flatMap((file) =>
    [...readFileSync(join(dist, file), 'utf8').matchAll(/\b(?:from|import)[\s(]*'([^.'][^']*)'/g)].map(
      ([, name]) => `${file}: ${name}`,
    ),
  );
  expect(foreign).toEqual([]);
});
