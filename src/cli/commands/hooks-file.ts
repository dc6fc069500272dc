import { realpath, stat } from 'node:fs/promises';
import { extname, isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { unreadableFile } from '../../shared/config/secret-file.ts';
import { ConfigError } from '../../shared/errors/errors.ts';
import { describeSafely } from '../../shared/errors/safe-cause.ts';
import { deadlineIn, DeadlineError, within } from '../../shared/redis/deadline.ts';
import { type FileHooks, readExports } from './hook-exports.ts';

/** A file of hooks, and the flag or variable that names it. */
export interface HooksFile {
  path: string;
  namedBy: string;
}

/** A top-level `await` in the file may wait this long. */
const LOAD_MS = 10_000;
const NOT_CODE = new Set(['ERR_UNKNOWN_FILE_EXTENSION', 'ERR_IMPORT_ATTRIBUTE_MISSING']);
const TYPESCRIPT = new Set(['.ts', '.mts', '.cts']);

/**
 * Loads a module that exports hooks. A relative path counts from the working folder.
 *
 * @throws ConfigError if the file can't be used. Its problems quote neither the path nor the file.
 */
export async function loadHooks({ path, namedBy }: HooksFile, loadMs = LOAD_MS): Promise<FileHooks> {
  const loaded = await load(path, loadMs);
  const read = 'module' in loaded ? readExports(loaded.module) : { problems: [loaded.problem] };
  if ('hooks' in read) return read.hooks;
  throw new ConfigError(read.problems.map((problem) => `${namedBy}: ${problem}`));
}

async function load(path: string, loadMs: number): Promise<{ module: object } | { problem: string }> {
  if (path === '') return { problem: 'must not be empty' };
  let file;
  try {
    // Node.js names the file by its real path in errors.
    file = await realpath(resolve(path));
    if (!(await stat(file)).isFile()) return { problem: 'names something that is not a file' };
  } catch (error) {
    const { problem } = unreadableFile(error);
    return { problem: isAbsolute(path) ? problem : `${problem}; relative paths count from ${process.cwd()}` };
  }
  try {
    return { module: (await within(deadlineIn(loadMs), import(pathToFileURL(file).href))) as object };
  } catch (error) {
    if (!(error instanceof DeadlineError)) return { problem: describeLoading(error, file) };
    return { problem: `did not finish loading within ${loadMs} ms; does a top-level await in it wait for something?` };
  }
}

/** Describes why a file can't be loaded, by its line and the error's name: the error's text may quote the file. */
function describeLoading(error: unknown, file: string): string {
  const { code } = describeSafely(error);
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && TYPESCRIPT.has(extname(file))) {
    return 'names a TypeScript file, which needs Node 22.18 or later; use that, or name a .mjs file';
  }
  if (code !== undefined && NOT_CODE.has(code)) return 'must name a .mjs, .js, .cjs or .ts file';
  const line = lineOf(error, file);
  const where = line === undefined ? '' : ` in line ${line}`;
  return `${fault(error, where)}; run the file with node to see the whole error`;
}

function fault(error: unknown, where: string): string {
  const { name, code } = describeSafely(error);
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') return "imports a module that can't be found";
  if (!isOfCompiler(error)) return `throws an error${where} while it is loaded (${code ?? name})`;
  return `has a syntax error${where}, or imports a name that its module does not export`;
}

/** JSON.parse, for one, throws a SyntaxError, too; but an error of the compiler comes from Node.js itself, or begins with the place. */
function isOfCompiler(error: unknown): boolean {
  if (!(error instanceof SyntaxError)) return false;
  const { stack = '' } = error;
  return (
    'code' in error ||
    !stack.startsWith('SyntaxError') ||
    /^\s+at .*/m.exec(stack)?.[0].includes('node:internal/') === true
  );
}

function lineOf(error: unknown, file: string): string | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  for (const name of [pathToFileURL(file).href, file]) {
    const at = stack.indexOf(`${name}:`);
    const line = at === -1 ? null : /^\d+/.exec(stack.slice(at + name.length + 1));
    if (line) return line[0];
  }
  return undefined;
}
