import { join } from 'node:path';
import { expect, inject, it } from 'vitest';
import { writeFiles } from './support/new-app.ts';
import { manifestOf } from './support/new-example.ts';
import { recipe } from './support/recipe.ts';
import { manifest } from './support/repository.ts';
import { run } from './support/run.ts';

const project = inject('project');

it('a producer that is kept outside of its module is one, however often the module is evaluated', async () => {
  writeFiles(join(project, 'kept'), { 'producer.ts': recipe('Dev servers with reload', 'ts') });
  const evaluated = `const [one, two] = await Promise.all([1, 2].map((nth) => import('./kept/producer.ts?' + nth)));
    console.log(one === two, one.producer === two.producer)`;
  const { stdout } = await run('node', ['--input-type=module', '--eval', evaluated], { cwd: project });
  expect(stdout).toBe('false true\n');
});

it.each(['lambda', 'next', 'nestjs'])('examples/%s names the version of this package', (name) => {
  expect(manifestOf(name).dependencies[manifest.name]).toBe(manifest.version);
});
