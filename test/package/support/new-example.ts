import { cpSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { inject } from 'vitest';
import { newApp } from './new-app.ts';
import { manifest, repository } from './repository.ts';

interface ExampleManifest {
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

/** The package.json of an example that is an app with packages of its own. */
export function manifestOf(name: string): ExampleManifest {
  return JSON.parse(readFileSync(join(repository, 'examples', name, 'package.json'), 'utf8')) as ExampleManifest;
}

const LEFT = new Set(['node_modules', 'dist', '.next', 'package.json', 'package-lock.json']);

/** Copies such an example into an empty folder and installs it, with the packed package in place of the published one. */
export async function newExample(name: string): Promise<string> {
  const { dependencies, devDependencies, ...more } = manifestOf(name);
  const packed = { ...dependencies, [manifest.name]: `file:${inject('tarball')}` };
  const folder = await newApp(name, { devDependencies, more: { type: undefined, ...more, dependencies: packed } });
  const source = join(repository, 'examples', name);
  cpSync(source, folder, { recursive: true, filter: (path) => !LEFT.has(basename(path)) });
  return folder;
}
