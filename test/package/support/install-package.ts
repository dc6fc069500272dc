import { cpSync, globSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { npm } from './npm.ts';
import { newProject } from './new-project.ts';
import { repository } from './repository.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The package as npm would publish it. */
    tarball: string;
    /** A project that has the package, and nothing else, among its production dependencies. */
    project: string;
    /** The examples, where `kitechat-sender` is the installed package. */
    examples: string;
  }
}

/** What the examples use beside the package. */
const EXAMPLES_USE = ['fastify', 'pg', '@types/node', '@types/pg'];

/** Once for all tests: packs the package and installs it into an empty project. */
export function setup({ provide }: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'kitechat-package-'));
  npm(repository, 'pack', '--pack-destination', folder);
  const [tarball = ''] = globSync(join(folder, '*.tgz'));

  const project = newProject(join(folder, 'project'));
  // Without scripts there is no compiler: what is native must have come prebuilt, or be left out.
  npm(project, 'install', '--ignore-scripts', '--omit=dev', tarball);

  provide('tarball', tarball);
  provide('project', project);
  provide('examples', prepareExamples(join(folder, 'examples'), project));
  return () => rmSync(folder, { recursive: true, force: true });
}

function prepareExamples(folder: string, project: string): string {
  cpSync(join(repository, 'examples'), folder, { recursive: true });
  newProject(folder);
  for (const scope of ['', '@types']) mkdirSync(join(folder, 'node_modules', scope), { recursive: true });
  const link = (name: string, from: string): void =>
    symlinkSync(join(from, 'node_modules', name), join(folder, 'node_modules', name), 'junction');
  link('kitechat-sender', project);
  for (const name of EXAMPLES_USE) link(name, repository);
  return folder;
}
