import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { packageEntries } from './api-page.ts';
import type { CodeBlock, Page } from './markdown.ts';

const AT_BLOCK = /^.*?(block-\d+\.mts)\((\d+),\d+\)/;
/** Errors in the sources themselves and their explanations, which the type check reports already. */
const OF_SOURCES = /^\S+\.ts\(\d+,\d+\)|^ /;

/** Errors in `json` blocks, one line each. */
export function brokenJson(pages: readonly Page[]): string[] {
  return blocksOf(pages, 'json').flatMap(({ path, code, line }) => {
    try {
      JSON.parse(code);
      return [];
    } catch (error) {
      return [`${path}:${line}: ${String(error)}`];
    }
  });
}

/**
 * Compiler errors of `ts` blocks, one line each. A block may use declarations from a comment right above it
 * (`<!-- ts … -->`), which readers don't see.
 */
export function typeErrors(pages: readonly Page[], root: URL): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'docs-'));
  try {
    // The blocks must resolve packages like the project itself.
    symlinkSync(fileURLToPath(new URL('node_modules', root)), join(folder, 'node_modules'), 'junction');
    const names = new Map<string, string>();
    for (const [index, block] of blocksOf(pages, 'ts').entries()) {
      const hidden = /^ts\b/.test(block.hidden) ? block.hidden.slice('ts'.length) : '';
      names.set(`block-${index}.mts`, `${block.path}:${block.line}`);
      writeFileSync(join(folder, `block-${index}.mts`), `${block.code}\n${hidden}\nexport {};\n`);
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings(root, [...names.keys()])));
    const compiler = fileURLToPath(new URL('node_modules/typescript/bin/tsc', root));
    // Its threads would each work out the types of the sources anew.
    const args = [compiler, '-p', folder, '--pretty', 'false', '--singleThreaded'];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    return `${stdout}${stderr}`
      .split('\n')
      .map((line) => line.replace(AT_BLOCK, (_all, file: string, row) => `${names.get(file)} + ${row}`))
      .filter((line) => line.trim() !== '' && !OF_SOURCES.test(line));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function settings(root: URL, files: readonly string[]): object {
  const paths = packageEntries(root).map(({ specifier, file }) => [specifier, [fileURLToPath(new URL(file, root))]]);
  return {
    extends: fileURLToPath(new URL('tsconfig.json', root)),
    compilerOptions: {
      paths: Object.fromEntries(paths) as Record<string, string[]>,
      typeRoots: [fileURLToPath(new URL('node_modules/@types', root))],
      // Blocks declare names for the reader that they don't use themselves.
      noUnusedLocals: false,
      rewriteRelativeImportExtensions: false,
      allowImportingTsExtensions: true,
    },
    include: [],
    files,
  };
}

function blocksOf(pages: readonly Page[], language: string): (CodeBlock & { path: string })[] {
  return pages.flatMap((page) =>
    page.blocks
      .filter((block) => block.language === language)
      .map(({ line, code, hidden }) => ({ path: page.path, language, line, code, hidden })),
  );
}
