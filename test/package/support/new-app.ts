import { cpSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { newProject } from './new-project.ts';
import { manifest } from './repository.ts';
import { run } from './run.ts';

export interface AppOptions {
  /** The name of a folder in test/package/apps, or the text of each file. */
  files?: string | Record<string, string>;
  /** The tools, with their exact versions. */
  devDependencies?: Record<string, string>;
  /** More fields of package.json. */
  more?: object;
}

/** Makes an app with the packed package in an empty folder outside the repository. @returns the folder */
export async function newApp(name: string, options: AppOptions = {}): Promise<string> {
  const { files = {}, devDependencies = {}, more = {} } = options;
  const dependencies = { [manifest.name]: `file:${inject('tarball')}` };
  const app = emptyApp(name, files, { dependencies, devDependencies, ...more });
  await run('npm', ['install', '--no-audit', '--no-fund'], { cwd: app });
  return app;
}

/** Makes an app into which nothing is installed yet. `more` are fields of package.json. @returns the folder */
export function emptyApp(name: string, files: string | Record<string, string>, more: object = {}): string {
  const app = newProject(emptyFolder(name), more);
  if (typeof files === 'string') {
    cpSync(fileURLToPath(new URL(`../apps/${files}`, import.meta.url)), app, { recursive: true });
  } else writeFiles(app, files);
  return app;
}

/** Writes files, with the folders that they need. */
export function writeFiles(folder: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** Moves a built file or folder into a folder from which no `node_modules` is found. @returns its new path */
export function moveAway(built: string): string {
  const alone = join(emptyFolder('moved'), built.split('/').at(-1) ?? '');
  renameSync(built, alone);
  return alone;
}

let folders = 0;

function emptyFolder(name: string): string {
  folders += 1;
  const folder = join(dirname(inject('tarball')), 'apps', `${name}-${process.pid}-${folders}`);
  for (let above = dirname(folder); above !== dirname(above); above = dirname(above)) {
    if (existsSync(join(above, 'node_modules'))) throw new Error(`${above} has node_modules, which the app would find`);
  }
  mkdirSync(folder, { recursive: true });
  return folder;
}
